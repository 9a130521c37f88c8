import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectShape, expectTrue } from '../../core/expect.ts';
import {
  type Chunk,
  costOfChats,
  expectUsage,
  FORECAST_NAME,
  FORECAST_REQUEST,
  ForecastArguments,
  parseJson,
  replyExactly,
  type Stream,
  streamChat,
} from '../../wire/chat.ts';
import { estimateTokens, textTokens } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';

/** Streams of one choice and of several, of every kind of answer, with and without the usage of all. */

const TEXT = 'river stone lamp paper 汉字 🌍 window garden road letter';
const PARTS = ['role-first', 'one-finish', 'whole', 'in-order', 'usage-of-each', 'usage-of-all'] as const;
type Part = (typeof PARTS)[number];
const RULES: Readonly<Record<Part, WireRuleId>> = {
  'role-first': 'stream.choices',
  'one-finish': 'stream.choices',
  whole: 'stream.choices',
  'in-order': 'stream.choices',
  'usage-of-each': 'stream.choices-usage',
  'usage-of-all': 'stream.choices-usage',
};

interface Answer {
  body: { messages: object[]; [field: string]: unknown };
  finish: string;
  says?: string;
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  text: { body: { messages: replyExactly(TEXT) }, finish: 'stop', says: TEXT },
  stopped: {
    body: { messages: replyExactly(`${TEXT} BREAK more`), stop: ['BREAK'] },
    finish: 'stop',
    says: 'garden road letter',
  },
  cut: { body: { messages: replyExactly(TEXT), max_tokens: 5 }, finish: 'length' },
  calls: { body: { ...FORECAST_REQUEST, tool_choice: 'required' }, finish: 'tool_calls' },
};

const COUNTS = [2, 3];
const CELLS = COUNTS.flatMap((n) =>
  [false, true].flatMap((include_usage) =>
    Object.entries(ANSWERS).map(([kind, answer]) => ({
      ...answer,
      n,
      include_usage,
      name: `${n}-${kind}${include_usage ? '-with-usage' : ''}`,
    })),
  ),
);
type Cell = (typeof CELLS)[number];

interface ToolDelta {
  index?: number;
  id?: string;
  function?: { name?: string; arguments?: string };
}

/** Chunks of one choice. */
function choicesAt({ chunks }: Stream, index: number): Chunk['choices'] {
  return chunks.flatMap(({ choices }) => choices).filter((choice) => choice.index === index);
}

function textOf(choices: Chunk['choices']): string {
  return choices.map(({ delta }) => (typeof delta.content === 'string' ? delta.content : '')).join('');
}

function expectWhole(choices: Chunk['choices'], { says, finish }: Cell): void {
  if (says !== undefined) expectTrue(textOf(choices).includes(says), `a choice says ${textOf(choices)}, not ${says}`);
  if (finish === 'tool_calls') {
    const deltas = choices.flatMap(({ delta }) =>
      Array.isArray(delta.tool_calls) ? (delta.tool_calls as ToolDelta[]) : [],
    );
    const [opening] = deltas;
    expectEqual(
      [opening?.index, opening?.function?.name],
      [0, FORECAST_NAME],
      'index and name in the first delta of a call',
    );
    expectTrue(typeof opening?.id === 'string' && opening.id !== '', 'the first delta of a call has its id');
    const joined = deltas
      .filter(({ index }) => index === 0)
      .map((delta) => delta.function?.arguments ?? '')
      .join('');
    expectShape(ForecastArguments, parseJson(joined), 'the joined arguments of a call');
  } else expectTrue(textOf(choices) !== '', 'a choice says nothing');
}

async function judge(context: CaseContext<string>, cell: Cell): Promise<void> {
  const { n, include_usage, body, finish, name } = cell;
  const stream = await streamChat(context, {
    ...body,
    n,
    temperature: 0.6,
    ...(include_usage && { stream_options: { include_usage } }),
  });
  const { chunks, events } = stream;
  const each = Array.from({ length: n }, (_, index) => choicesAt(stream, index));
  const check = (part: Part, judged: () => unknown) => context.check(`${name}-${part}`, judged);
  const finishing = (choices: Chunk['choices']) => choices.filter(({ finish_reason }) => finish_reason != null);
  await check('role-first', () => {
    for (const choices of each) {
      const roles = choices.filter(({ delta }) => Object.keys(delta).length > 0).map(({ delta }) => delta.role);
      expectEqual(roles[0], 'assistant', 'the role in the first delta of a choice');
    }
  });
  await check('one-finish', () => {
    for (const choices of each) {
      expectEqual(
        finishing(choices).map(({ finish_reason }) => finish_reason),
        [finish],
        'the finish_reason of a choice',
      );
      expectTrue(choices.at(-1)?.finish_reason != null, 'no delta of a choice comes after its finish chunk');
    }
  });
  await check('whole', () => each.forEach((choices) => void expectWhole(choices, cell)));
  await check('in-order', () => {
    const indices = new Set(chunks.flatMap(({ choices }) => choices).map(({ index }) => index));
    expectEqual([...indices].toSorted(), [...each.keys()], 'the indices of the choices');
    expectEqual(events.indexOf('[DONE]'), events.length - 1, 'the place of [DONE] among the events');
    const heading = ({ id, object, created, model }: Chunk) => ({ id, object, created, model });
    for (const chunk of chunks)
      expectEqual(heading(chunk), heading(chunks[0] as Chunk), 'id, object, time and model of a chunk');
  });
  const prompt = await estimateTokens(context, {
    messages: body.messages,
    ...(body.tools !== undefined && { tools: body.tools }),
  });
  const tokens: number[] = [];
  await check('usage-of-each', async () => {
    for (const choices of each) {
      const [last] = finishing(choices);
      const usage = expectUsage(
        (last as { usage?: unknown } | undefined)?.usage,
        'usage of the finish chunk of a choice',
      );
      expectEqual(usage.prompt_tokens, prompt, 'the prompt in the usage of a choice');
      tokens.push(usage.completion_tokens);
      const text = textOf(choices);
      if (finish === 'stop' && !body.stop) {
        expectEqual(usage.completion_tokens, await textTokens(context, text), 'the tokens of a choice');
      }
      const early = choices.filter((choice) => choice.finish_reason == null && 'usage' in choice);
      expectEqual(early.length, 0, 'usages before the finish chunk of a choice');
    }
  });
  await check('usage-of-all', () => {
    const whole = chunks.filter(({ choices }) => choices.length === 0);
    expectEqual(whole.length, include_usage ? 1 : 0, 'chunks without choices');
    if (!include_usage) return;
    expectEqual(chunks.at(-1), whole[0], 'the last chunk');
    const usage = expectUsage((whole[0] as { usage?: unknown }).usage, 'usage of the last chunk');
    const sum = tokens.reduce((total, count) => total + count, 0);
    expectEqual(
      [usage.prompt_tokens, usage.completion_tokens],
      [prompt, sum],
      'the tokens of the prompt and of every answer',
    );
  });
}

export const streamChoices = defineCase<string>({
  id: 'stream.choices',
  title: 'several choices, streamed',
  needs: ['chat', 'chat.stream', 'chat.tools', 'tokens.estimate'],
  checks: Object.fromEntries(CELLS.flatMap(({ name }) => PARTS.map((part) => [`${name}-${part}`, RULES[part]]))),
  cost: costOfChats(3 * CELLS.length, { requests: 6 * CELLS.length }),
  async run(context) {
    for (const cell of CELLS) await judge(context, cell);
  },
}) satisfies Case;
