import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectShape, expectTrue } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import {
  type Choice,
  codeWordQuestion,
  codeWordText,
  completeChat,
  costOfChats,
  expectChatError,
  FORECAST_NAME,
  FORECAST_REQUEST,
  ForecastArguments,
  functionTool,
  parseJson,
  sendChat,
  toolCallsOf,
  withinThreeTries,
} from '../../wire/chat.ts';
import { modelUnderTest } from '../../wire/model.ts';
import { toolResult, user } from '../../wire/sessions.ts';

const TRIES = 3;

const Call = z.object({
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

const toolsCall = defineCase({
  id: 'tools.call',
  title: 'a call has the captured fields and valid arguments',
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
  cost: costOfChats(TRIES + 1),
  async run({ check, require }, context) {
    const { message, finish_reason } = await call(context);
    const calls = toolCallsOf(message);
    await require('shape', () => expectShape(z.array(Call), message.tool_calls, 'tool_calls'));
    await check('index-present', () =>
      expectEqual(
        calls.map(({ index }) => index),
        [...calls.keys()],
        'the indices',
      ),
    );
    await check('content-a-string', () => expectEqual(typeof message.content, 'string', 'the type of the content'));
    await check('says-tool-calls', () => expectEqual(finish_reason, 'tool_calls', 'finish_reason'));
    await check('declared-function', () => {
      for (const made of calls) expectEqual(made.function.name, FORECAST_NAME, 'the name of the function');
    });
    await check('arguments-fit', () => {
      for (const { function: made } of calls) expectShape(ForecastArguments, parseJson(made.arguments), 'arguments');
    });
    await check('id-form', () => {
      expectEqual(
        calls.map(({ id }) => id),
        calls.map((_, index) => `functions.${FORECAST_NAME}:${index}`),
        'ids of the calls',
      );
    });
    await check('issued-accepted', async () => {
      const results = calls.map(({ id }) => toolResult(String(id), 'Sunny.'));
      const messages = [...FORECAST_REQUEST.messages, { role: 'assistant', ...message }, ...results];
      await completeChat(context, { ...FORECAST_REQUEST, messages });
    });
  },
});

async function call(context: CaseContext<string>): Promise<Choice> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { choice } = await completeChat(context, FORECAST_REQUEST);
    if (choice.message.tool_calls != null) return choice;
  }
  throw new Mismatch(`the model does not call the function that it must call (${TRIES} tries)`);
}

const toolsResult = defineCase({
  id: 'tools.result',
  title: 'the model reads tool results',
  needs: ['chat', 'chat.tools'],
  checks: { read: 'tools.results' },
  cost: costOfChats(TRIES),
  async run({ check, nonce }, context) {
    const word = nonce();
    const id = 'functions.look_up:0';
    const messages = [
      codeWordQuestion(),
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id, type: 'function', function: { name: 'look_up', arguments: '{}' } }],
      },
      toolResult(id, codeWordText(word)),
    ];
    await check('read', () =>
      withinThreeTries(async () => {
        const { text } = await completeChat(context, { messages, tools: [functionTool('look_up')] });
        return text.includes(word) ? undefined : `the tool has answered ${word}, and the model says: ${text}`;
      }),
    );
  },
});

const toolsChoice = defineCase({
  id: 'tools.choice',
  title: 'tool_choice none, auto, required and a function',
  needs: ['chat', 'chat.tools'],
  checks: {
    'auto-may-call': 'tools.choice-auto',
    'none-calls-nothing': 'tools.choice-none',
    'required-calls': 'tools.choice-required',
    'named-is-called': 'tools.choice-named',
    'undeclared-refused required-without-refused': 'tools.choice-possible',
  },
  cost: costOfChats(8),
  async run({ target, check }, context) {
    const other = functionTool('get_news');
    const called = async (body: object) => {
      const { choice } = await completeChat(context, { ...FORECAST_REQUEST, ...body });
      return toolCallsOf(choice.message).map(({ function: { name } }) => name);
    };
    await check('auto-may-call', () =>
      withinThreeTries(async () => {
        const names = await called({ tool_choice: 'auto' });
        return names.includes(FORECAST_NAME) ? undefined : 'the model does not call the function that it must call';
      }),
    );
    await check('none-calls-nothing', async () => expectEqual(await called({ tool_choice: 'none' }), [], 'calls'));
    const forced = modelUnderTest(target.model).mustCall === 'required';
    const refused = (body: object) => expectChatError(context, { ...FORECAST_REQUEST, ...body });
    await check('required-calls', async () => {
      if (!forced) return void (await refused({ tool_choice: 'required' }));
      const names = await called({ messages: [user('Good day.')], tool_choice: 'required' });
      expectTrue(names.length > 0, 'nothing is called');
    });
    await check('named-is-called', async () => {
      const tool_choice = { type: 'function', function: { name: 'get_news' } };
      if (!forced) return void (await refused({ tools: [other], tool_choice }));
      const names = await called({ tools: [...FORECAST_REQUEST.tools, other], tool_choice });
      expectEqual([...new Set(names)], ['get_news'], 'the functions called');
    });
    await check('undeclared-refused', () =>
      expectChatError(context, {
        ...FORECAST_REQUEST,
        tool_choice: { type: 'function', function: { name: 'get_news' } },
      }),
    );
    await check('required-without-refused', () => expectChatError(context, { tool_choice: 'required' }));
  },
});

const LONGEST = 64;

const SHORTEST = 3;

const toolsName = defineCase({
  id: 'tools.name',
  title: 'function names of 3 to 64 allowed characters',
  needs: ['chat', 'chat.tools'],
  checks: {
    'bounds-accepted longer-refused shorter-refused digit-first-refused other-character-refused': 'tools.name',
  },
  cost: costOfChats(5),
  async run({ check }, context) {
    const named = (...names: string[]) => ({ tools: names.map(functionTool) });
    await check('longer-refused', () => expectChatError(context, named('f'.repeat(LONGEST + 1))));
    await check('shorter-refused', () => expectChatError(context, named('f'.repeat(SHORTEST - 1))));
    await check('digit-first-refused', () => expectChatError(context, named('1st_answer')));
    await check('other-character-refused', () => expectChatError(context, named('get.news')));
    await check('bounds-accepted', () =>
      completeChat(context, named('f'.repeat(LONGEST), 'g'.repeat(SHORTEST), '_a-9', 'Get_News')),
    );
  },
});

const toolsMost = defineCase({
  id: 'tools.most',
  title: 'at most 128 functions',
  needs: ['chat', 'chat.tools'],
  checks: { 'most-accepted one-more-refused': 'tools.most' },
  cost: ({ tools }) => costOfChats(2, { promptTokens: (2 * tools + 1) * 32 })(),
  async run({ limits, check }, context) {
    const { tools: most } = limits;
    const many = (count: number) => ({
      tools: Array.from({ length: count }, (_, index) => functionTool(`fn_${index}`)),
    });
    await check('one-more-refused', () => expectChatError(context, many(most + 1)));
    await check('most-accepted', () => completeChat(context, many(most)));
  },
});

const SEARCHING = user('Call $web_search: what is the tallest tower?');

const BuiltinCall = z.object({ function: z.object({ name: z.literal('$web_search') }) });

const BuiltinArguments = z.object({ usage: z.object({ total_tokens: z.int().min(0) }) });

function builtin(name: string): object {
  return { type: 'builtin_function', function: { name } };
}

/** That a call is taken back with what was found is left to the tests: the next prompt then takes whole pages, for money. */
const toolsBuiltin = defineCase({
  id: 'tools.builtin',
  title: 'the built-in function $web_search',
  needs: ['chat', 'chat.tools'],
  checks: {
    'accepted accepted-beside': 'tools.builtin',
    'call-has-usage': 'tools.builtin-call',
    'other-name-refused': 'tools.builtin-name',
  },
  cost: costOfChats(3 + TRIES),
  async run({ check }, context) {
    const search = builtin('$web_search');
    await check('accepted', () => completeChat(context, { tools: [search] }));
    await check('accepted-beside', () => completeChat(context, { tools: [functionTool('look_up'), search] }));
    await check('other-name-refused', () => expectChatError(context, { tools: [builtin('$no_such_function')] }));
    await check('call-has-usage', () =>
      withinThreeTries(async () => {
        const { choice } = await completeChat(context, { messages: [SEARCHING], tools: [search] });
        const [made] = toolCallsOf(choice.message);
        if (!made) return 'the model does not call the function that it must call';
        expectShape(BuiltinCall, made, 'the call');
        return void expectShape(BuiltinArguments, parseJson(made.function.arguments), 'arguments');
      }),
    );
  },
});

const ID = 'functions.look_up:0';

const ASKED = user('Call look_up.');

const CALLING = {
  role: 'assistant',
  content: '',
  tool_calls: [{ id: ID, type: 'function', function: { name: 'look_up', arguments: '{}' } }],
};

const TOOLS = [functionTool('look_up')];

const toolsPairing = defineCase({
  id: 'tools.pairing',
  title: 'calls and results must match',
  needs: ['chat', 'chat.tools'],
  checks: {
    'answered-accepted': 'tools.issued-ids',
    'unanswered-refused unanswered-before-user-refused': 'tools.unanswered',
    'other-id-refused orphan-refused': 'tools.orphan',
  },
  cost: costOfChats(5),
  async run({ check }, context) {
    const refusal = async (messages: object[]) =>
      expectError(await sendChat(context, { messages, tools: TOOLS }), 'tool_call_id_not_found');
    const missing = async (messages: object[]) => {
      const message = await refusal(messages);
      if (LIVE_TEXT.toolCallIdNotFoundForms.test(message)) return;
      expectEqual(message, LIVE_TEXT.toolResultsMissing([ID]), 'the message');
    };
    const orphan = async (messages: object[]) => {
      const message = await refusal(messages);
      expectTrue(LIVE_TEXT.toolCallIdNotFoundForms.test(message), `the message is in no known form: ${message}`);
    };
    await check('unanswered-refused', () => missing([ASKED, CALLING]));
    await check('unanswered-before-user-refused', () => missing([ASKED, CALLING, user('And now?')]));
    await check('other-id-refused', () => orphan([ASKED, CALLING, toolResult('functions.look_up:9')]));
    await check('orphan-refused', () => orphan([ASKED, toolResult(ID)]));
    await check('answered-accepted', () =>
      completeChat(context, { messages: [ASKED, CALLING, toolResult(ID)], tools: TOOLS }),
    );
  },
});

export const TOOLS_CASES: readonly Case[] = [
  toolsCall,
  toolsResult,
  toolsChoice,
  toolsPairing,
  toolsName,
  toolsMost,
  toolsBuiltin,
];
