import { z } from 'zod';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectShape, expectTrue } from '../../core/expect.ts';
import {
  completeChat,
  costOfChats,
  functionTool,
  replyExactly,
  streamChat,
  toolCallsOf,
  withinThreeTries,
} from '../../wire/chat.ts';
import { promptOverhead } from '../../wire/model.ts';
import { toolResult, user } from '../../wire/sessions.ts';
import { estimateTokens } from '../../wire/windows.ts';
import { REASONING_CASES } from './reasoning-cases.ts';
import { rowCases } from './row-cases.ts';
import {
  ANSWER_SCHEMA,
  BUDGET,
  brings,
  EFFORT_TOKENS,
  EFFORTS,
  format,
  PERSON,
  ROW_TABLES,
  THINKING,
  TOO_LITTLE,
} from './rows.ts';
import { TURN_CASES } from './turn-cases.ts';

const Usage = z.looseObject({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: z.int().min(1) }).optional(),
});

async function usageOf(context: CaseContext<string>, body: object): Promise<z.infer<typeof Usage>> {
  return expectShape(Usage, (await completeChat(context, body)).usage, 'usage');
}

async function promptOf(context: CaseContext<string>, body: object): Promise<number> {
  return (await usageOf(context, body)).prompt_tokens;
}

const OFF = { thinking: { type: 'disabled' } };

const promptTokens = defineCase({
  id: 'k3.prompt-tokens',
  title: 'what a request says besides its messages is counted in the prompt',
  needs: ['chat', 'chat.tools', 'chat.json', 'tokens.estimate'],
  checks: {
    'effort-default effort-low effort-high effort-max thinking-effort-wins': 'k3.effort-tokens',
    'choice-required choice-none': 'k3.tool-choice-tokens',
    'json-object': 'k3.response-format-tokens',
    'estimate-thinks': 'k3.estimate',
  },
  cost: costOfChats(11, { completionTokens: 11 * BUDGET }),
  async run({ check, texts }, context) {
    const off = await promptOf(context, OFF);
    const grows = async (body: object, by: number, from = off) =>
      expectEqual(await promptOf(context, body), from + by, 'prompt_tokens');
    await check('effort-default', () => grows(THINKING, EFFORT_TOKENS.max));
    for (const effort of EFFORTS) {
      const body = { ...THINKING, thinking: { type: 'enabled', effort } };
      await check(`effort-${effort}`, () => grows(body, EFFORT_TOKENS[effort]));
    }
    await check('thinking-effort-wins', () =>
      grows({ ...THINKING, thinking: { effort: 'low' }, reasoning_effort: 'max' }, EFFORT_TOKENS.low),
    );
    await check('estimate-thinks', async () => {
      expectEqual(
        await estimateTokens(context, { messages: replyExactly('OK') }),
        off + EFFORT_TOKENS.max,
        'the estimate',
      );
    });
    const tools = [functionTool('look_up')];
    const declared = await promptOf(context, { tools });
    const told = (body: object) => promptOverhead(texts.overhead, body, 0) - texts.overhead.prompt;
    for (const tool_choice of ['required', 'none'] as const) {
      await check(`choice-${tool_choice}`, () => grows({ tools, tool_choice }, told({ tool_choice }), declared));
    }
    const response_format = { type: 'json_object' };
    await check('json-object', () => grows({ response_format }, told({ response_format })));
  },
});

const UUID = /^chatcmpl-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** What the markers around a one-token answer take, and the token. */
const ONE_TOKEN_ANSWER = 17;

interface Delta {
  role?: unknown;
  content?: unknown;
  reasoning_content?: unknown;
}

/** What each chunk of a choice brings, in order: of equal ones only the first. */
function orderOf(chunks: Awaited<ReturnType<typeof streamChat>>['chunks']): string[] {
  const kinds = chunks
    .flatMap(({ choices }) => choices)
    .map((choice) => {
      const { role, content, reasoning_content } = choice.delta as Delta;
      if (role !== undefined) return 'role';
      if (reasoning_content === '') return 'no more reasoning';
      if (typeof reasoning_content === 'string') return 'reasoning';
      if (typeof content === 'string' && content !== '') return 'content';
      return choice.finish_reason != null && 'usage' in choice ? 'finish with usage' : 'something else';
    });
  return kinds.filter((kind, place) => kind !== kinds[place - 1]);
}

const thinkingAnswers = defineCase({
  id: 'k3.thinking',
  title: 'it thinks, streamed and not, unless it is told not to',
  needs: ['chat', 'chat.stream'],
  checks: {
    'default-thinks enabled-thinks disabled-does-not': 'k3.thinking',
    'reasoning-counted': 'k3.usage',
    'one-token-answer': 'k3.completion-tokens',
    'small-budget': 'k3.budget',
    order: 'k3.stream-order',
    'whole-id streamed-id': 'k3.id-form',
  },
  cost: costOfChats(8, { completionTokens: 8 * BUDGET }),
  async run({ check }, context) {
    const reasoningOf = (message: object) => (message as Delta).reasoning_content;
    const { choice, usage, reply } = await completeChat(context, THINKING);
    const isText = (value: unknown) => typeof value === 'string' && value !== '';
    await check('default-thinks', () =>
      expectTrue(isText(reasoningOf(choice.message)), 'the answer has reasoning_content'),
    );
    await check('enabled-thinks', async () => {
      const { choice: enabled } = await completeChat(context, { ...THINKING, thinking: { type: 'enabled' } });
      expectTrue(isText(reasoningOf(enabled.message)), 'the answer has reasoning_content');
    });
    await check('disabled-does-not', async () => {
      const off = await completeChat(context, OFF);
      const { completion_tokens_details: details } = expectShape(Usage, off.usage, 'usage');
      expectEqual([reasoningOf(off.choice.message), details], [undefined, undefined], 'reasoning, and its tokens');
    });
    await check('reasoning-counted', () => {
      const { completion_tokens, completion_tokens_details } = expectShape(Usage, usage, 'usage');
      const reasoning = completion_tokens_details?.reasoning_tokens ?? 0;
      expectTrue(
        reasoning > 0 && reasoning < completion_tokens,
        `${reasoning} of ${completion_tokens} tokens are reasoning`,
      );
    });
    await check('one-token-answer', () =>
      withinThreeTries(async () => {
        const answer = await completeChat(context, { ...THINKING, messages: replyExactly('OK') });
        if (answer.text !== 'OK') return `the model does not say OK alone: ${answer.text}`;
        const { completion_tokens, completion_tokens_details } = expectShape(Usage, answer.usage, 'usage');
        const due = (completion_tokens_details?.reasoning_tokens ?? 0) + ONE_TOKEN_ANSWER;
        expectEqual(completion_tokens, due, 'completion_tokens');
        return undefined;
      }),
    );
    await check('small-budget', async () => {
      const cut = await completeChat(context, { ...THINKING, max_tokens: TOO_LITTLE });
      expectEqual([cut.choice.finish_reason, cut.text], ['length', ''], 'finish_reason and content');
    });
    const stream = await streamChat(context, THINKING);
    await check('order', () => {
      const due = ['role', 'reasoning', 'no more reasoning', 'content', 'finish with usage'];
      expectEqual(orderOf(stream.chunks), due, 'what the chunks bring');
    });
    const named = (body: unknown) => {
      const { id, ...rest } = body as { id?: unknown };
      expectTrue(UUID.test(String(id)), `the id is ${id}`);
      expectTrue(!('system_fingerprint' in rest), 'there is no system_fingerprint');
    };
    await check('whole-id', () => named(reply.json));
    await check('streamed-id', () => {
      for (const chunk of stream.chunks) named(chunk);
      expectEqual(new Set(stream.chunks.map(({ id }) => id)).size, 1, 'ids of one stream');
    });
  },
});

const BOOKING = {
  name: 'book_trip',
  parameters: {
    type: 'object',
    $defs: { place: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
    properties: {
      from: { $ref: '#/$defs/place' },
      days: { type: 'integer' },
      class: { type: 'string', enum: ['first', 'second'] },
      note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    },
    required: ['from', 'days', 'class', 'note'],
  },
};
const Booking = z.looseObject({
  from: z.looseObject({ city: z.string() }),
  days: z.int(),
  class: z.enum(['first', 'second']),
  note: z.string().nullable(),
});
const BOOK = {
  messages: [user('Call book_trip: from Berlin, 3 days, second class, with the note "window seat".')],
  tools: [{ type: 'function', function: BOOKING }],
  tool_choice: 'required',
  max_tokens: BUDGET,
};

const calls = defineCase({
  id: 'k3.calls',
  title: 'calls fit the schema of their function, and are accepted back',
  needs: ['chat', 'chat.tools'],
  checks: {
    'id-form': 'k3.call-ids',
    'arguments-fit': 'k3.arguments',
    'arguments-spaced': 'k3.arguments-spaced',
    'dynamic-called': 'k3.dynamic-called',
    'without-reasoning-accepted': 'k3.history',
  },
  cost: costOfChats(4, { completionTokens: 4 * BUDGET }),
  async run({ check, require }, context) {
    let message: object = {};
    await require('id-form', async () => {
      const { choice } = await completeChat(context, BOOK);
      const made = toolCallsOf(choice.message);
      expectEqual(
        made.map(({ id }) => id),
        made.map(({ function: { name } }, index) => `${name}_${index}`),
        'the ids of the calls',
      );
      expectTrue(made.length > 0, 'a function is called');
      message = choice.message;
    });
    const [call] = toolCallsOf(message as never);
    const text = call?.function.arguments ?? '';
    await check('arguments-fit', () => void expectShape(Booking, parsed(text), 'the arguments'));
    await check('arguments-spaced', () => expectEqual(text, spaced(parsed(text)), 'the arguments'));
    await check('without-reasoning-accepted', async () => {
      const back = { role: 'assistant', content: '', tool_calls: (message as { tool_calls?: unknown }).tool_calls };
      const messages = [...BOOK.messages, back, toolResult(String(call?.id), 'booked')];
      await completeChat(context, { ...THINKING, tools: BOOK.tools, messages });
    });
    await check('dynamic-called', async () => {
      const messages = [brings(...BOOK.tools), ...BOOK.messages];
      const { choice } = await completeChat(context, { ...BOOK, tools: undefined, messages });
      expectEqual(toolCallsOf(choice.message)[0]?.function.name, BOOKING.name, 'the function that is called');
    });
  },
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON as Python writes it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const members = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${spaced(one)}`);
  return `{${members.join(', ')}}`;
}

const Person = z.strictObject({ name: z.string(), age: z.int() });

const json = defineCase({
  id: 'k3.json',
  title: 'an answer for a schema is valid and compact, streamed and not',
  needs: ['chat', 'chat.stream', 'chat.json'],
  checks: { 'whole streamed': 'k3.json' },
  cost: costOfChats(2, { completionTokens: 2 * BUDGET }),
  async run({ check }, context) {
    const body = { ...PERSON, ...format({ name: 'person', strict: true, schema: ANSWER_SCHEMA }) };
    const valid = (text: string) => {
      expectShape(Person, parsed(text), 'the content');
      expectTrue(!/[\n\t]/.test(text), `the content has no line feed and no tab: ${text}`);
    };
    await check('whole', async () => valid((await completeChat(context, body)).text));
    await check('streamed', async () => valid((await streamChat(context, body)).text));
  },
});

export const K3_CASES: readonly Case[] = [
  ...ROW_TABLES.flatMap((table) => rowCases('k3', table, 'k3.turns')),
  thinkingAnswers,
  promptTokens,
  calls,
  json,
  ...REASONING_CASES,
  ...TURN_CASES,
];
