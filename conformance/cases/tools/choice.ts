import { defineCase } from '../../core/case.ts';
import { equal, holds } from '../../core/expect.ts';
import { chats, complete, refusedChat, within3 } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';
import { ASKING_FOR_A_CALL, CALLED, callsOf, declared } from '../../wire/functions.ts';

export const toolsChoice = defineCase({
  id: 'tools.choice',
  title: 'tool_choice forbids, leaves free, forces and names a call',
  needs: ['chat', 'chat.tools'],
  checks: {
    'auto-may-call': 'tools.choice-auto',
    'none-calls-nothing': 'tools.choice-none',
    'required-calls': 'tools.choice-required',
    'named-is-called': 'tools.choice-named',
    'undeclared-refused': 'tools.choice-possible',
    'required-without-refused': 'tools.choice-possible',
  },
  cost: chats(8),
  async run(trial) {
    const other = declared('get_news');
    const called = async (body: object) => {
      const { choice } = await complete(trial, { ...ASKING_FOR_A_CALL, ...body });
      return callsOf(choice.message).map(({ function: { name } }) => name);
    };
    await trial.check('auto-may-call', () =>
      within3(async () => {
        const names = await called({ tool_choice: 'auto' });
        return names.includes(CALLED) ? undefined : 'the model does not call the function that it is told to call';
      }),
    );
    await trial.check('none-calls-nothing', async () => equal(await called({ tool_choice: 'none' }), [], 'calls'));
    await trial.check('required-calls', async () => {
      const names = await called({ messages: [user('Good day.')], tool_choice: 'required' });
      holds(names.length > 0, 'nothing is called');
    });
    await trial.check('named-is-called', async () => {
      const tool_choice = { type: 'function', function: { name: 'get_news' } };
      const names = await called({ tools: [...ASKING_FOR_A_CALL.tools, other], tool_choice });
      equal([...new Set(names)], ['get_news'], 'the functions called');
    });
    await trial.check('undeclared-refused', () =>
      refusedChat(trial, { ...ASKING_FOR_A_CALL, tool_choice: { type: 'function', function: { name: 'get_news' } } }),
    );
    await trial.check('required-without-refused', () => refusedChat(trial, { tool_choice: 'required' }));
  },
});
