import { defineCase } from '../../core/case.ts';
import { chats, complete, refusedChat } from '../../wire/completions.ts';
import { declared } from '../../wire/functions.ts';

const LONGEST = 64;
const SHORTEST = 3;

export const toolsName = defineCase({
  id: 'tools.name',
  title: 'names of 3 to 64 of the characters allowed',
  needs: ['chat', 'chat.tools'],
  checks: {
    'bounds-accepted': 'tools.name',
    'longer-refused': 'tools.name',
    'shorter-refused': 'tools.name',
    'digit-first-refused': 'tools.name',
    'other-character-refused': 'tools.name',
  },
  cost: chats(5),
  async run(trial) {
    const named = (...names: string[]) => ({ tools: names.map(declared) });
    await trial.check('longer-refused', () => refusedChat(trial, named('f'.repeat(LONGEST + 1))));
    await trial.check('shorter-refused', () => refusedChat(trial, named('f'.repeat(SHORTEST - 1))));
    await trial.check('digit-first-refused', () => refusedChat(trial, named('1st_answer')));
    await trial.check('other-character-refused', () => refusedChat(trial, named('get.news')));
    await trial.check('bounds-accepted', () =>
      complete(trial, named('f'.repeat(LONGEST), 'g'.repeat(SHORTEST), '_a-9', 'Get_News')),
    );
  },
});

export const toolsMost = defineCase({
  id: 'tools.most',
  title: 'as many functions as allowed, and no more',
  needs: ['chat', 'chat.tools'],
  checks: { 'most-accepted': 'tools.most', 'one-more-refused': 'tools.most' },
  cost: ({ tools }) => chats(2, { promptTokens: (2 * tools + 1) * 32 })(),
  async run(trial) {
    const { tools: most } = trial.limits;
    const many = (count: number) => ({ tools: Array.from({ length: count }, (_, index) => declared(`fn_${index}`)) });
    await trial.check('one-more-refused', () => refusedChat(trial, many(most + 1)));
    await trial.check('most-accepted', () => complete(trial, many(most)));
  },
});
