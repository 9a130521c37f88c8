import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { Mismatch } from '../../core/verdict.ts';
import { type Choice, chats, complete, refusedChat, send, within3 } from '../../wire/completions.ts';
import { result, user } from '../../wire/dialect.ts';
import { ASKING_FOR_A_CALL, CALLED, callsOf, declared, ForecastArguments, jsonOf } from '../../wire/functions.ts';
import { asks, tells } from '../../wire/recall.ts';

const TRIES = 3;

const Call = z.object({
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

const toolsCall = defineCase({
  id: 'tools.call',
  title: 'a call has the captured members, and fits what was declared',
  needs: ['chat', 'chat.tools'],
  checks: {
    shape: 'tools.call',
    'index-present': 'tools.index',
    'content-a-string': 'tools.content',
    'says-tool-calls': 'tools.finish',
    'declared-function': 'tools.declared',
    'arguments-fit': 'tools.arguments',
    'id-form': 'tools.id-form',
    'issued-accepted': 'tools.issued-ids',
  },
  cost: chats(TRIES + 1),
  async run(trial) {
    const { message, finish_reason } = await call(trial);
    const calls = callsOf(message);
    await trial.need('shape', () => shaped(z.array(Call), message.tool_calls, 'tool_calls'));
    await trial.check('index-present', () =>
      equal(
        calls.map(({ index }) => index),
        [...calls.keys()],
        'the indices',
      ),
    );
    await trial.check('content-a-string', () => equal(typeof message.content, 'string', 'the type of the content'));
    await trial.check('says-tool-calls', () => equal(finish_reason, 'tool_calls', 'finish_reason'));
    await trial.check('declared-function', () => {
      for (const made of calls) equal(made.function.name, CALLED, 'the name of the function');
    });
    await trial.check('arguments-fit', () => {
      for (const { function: made } of calls) shaped(ForecastArguments, jsonOf(made.arguments), 'arguments');
    });
    await trial.check('id-form', () => {
      equal(
        calls.map(({ id }) => id),
        calls.map((_, index) => `functions.${CALLED}:${index}`),
        'ids of the calls',
      );
    });
    await trial.check('issued-accepted', async () => {
      const results = calls.map(({ id }) => result(String(id), 'Sunny.'));
      const messages = [...ASKING_FOR_A_CALL.messages, { role: 'assistant', ...message }, ...results];
      await complete(trial, { ...ASKING_FOR_A_CALL, messages });
    });
  },
});

async function call(trial: Trial<string>): Promise<Choice> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { choice } = await complete(trial, ASKING_FOR_A_CALL);
    if (choice.message.tool_calls != null) return choice;
  }
  throw new Mismatch(`the model does not call the function that it is told to call (${TRIES} tries)`);
}

const toolsResult = defineCase({
  id: 'tools.result',
  title: 'what a tool answers reaches the model',
  needs: ['chat', 'chat.tools'],
  checks: { read: 'tools.results' },
  cost: chats(TRIES),
  async run(trial) {
    const word = trial.nonce();
    const id = 'functions.look_up:0';
    const messages = [
      asks(),
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id, type: 'function', function: { name: 'look_up', arguments: '{}' } }],
      },
      result(id, tells(word)),
    ];
    await trial.check('read', () =>
      within3(async () => {
        const { text } = await complete(trial, { messages, tools: [declared('look_up')] });
        return text.includes(word) ? undefined : `the tool has answered ${word}, and the model says: ${text}`;
      }),
    );
  },
});

const toolsChoice = defineCase({
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

const LONGEST = 64;

const SHORTEST = 3;

const toolsName = defineCase({
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

const toolsMost = defineCase({
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

const ID = 'functions.look_up:0';

const ASKED = user('Call look_up.');

const CALLING = {
  role: 'assistant',
  content: '',
  tool_calls: [{ id: ID, type: 'function', function: { name: 'look_up', arguments: '{}' } }],
};

const TOOLS = [declared('look_up')];

const toolsPairing = defineCase({
  id: 'tools.pairing',
  title: 'every call needs its result, every result its call',
  needs: ['chat', 'chat.tools'],
  checks: {
    'answered-accepted': 'tools.issued-ids',
    'unanswered-refused': 'tools.unanswered',
    'unanswered-before-user-refused': 'tools.unanswered',
    'other-id-refused': 'tools.orphan',
    'orphan-refused': 'tools.orphan',
  },
  cost: chats(5),
  async run(trial) {
    const refusedWith = async (messages: object[]) => {
      const message = refused(await send(trial, { messages, tools: TOOLS }), 'tool_call_id_not_found');
      equal(message, LIVE_TEXT.toolCallIdNotFound, 'the message');
    };
    await trial.check('unanswered-refused', () => refusedWith([ASKED, CALLING]));
    await trial.check('unanswered-before-user-refused', () => refusedWith([ASKED, CALLING, user('And now?')]));
    await trial.check('other-id-refused', () => refusedWith([ASKED, CALLING, result('functions.look_up:9')]));
    await trial.check('orphan-refused', () => refusedWith([ASKED, result(ID)]));
    await trial.check('answered-accepted', () =>
      complete(trial, { messages: [ASKED, CALLING, result(ID)], tools: TOOLS }),
    );
  },
});

export const TOOLS_CASES: readonly Case[] = [toolsCall, toolsResult, toolsChoice, toolsPairing, toolsName, toolsMost];
