import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectShape, expectTrue } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import {
  type Chunk,
  completeChat,
  costOfChats,
  expectUsage,
  FORECAST_NAME,
  FORECAST_REQUEST,
  ForecastArguments,
  finishing,
  parseJson,
  replyExactly,
  type Stream,
  sendChat,
  streamChat,
} from '../../wire/chat.ts';
import { streamChoices } from './choice-cases.ts';
import { SAME_CASES } from './same-cases.ts';

const TRIES = 3;

const WORDS = 8;

/** Characters of three and four bytes, one of them of two code units, between the words. */
const GLUES = [' 你好 ', ' 🌍 '];

const ANSWERS = {
  'stream.answer': { title: 'a streamed answer', inSession: false },
  'turn.streamed-answer': { title: 'a streamed answer in a session', inSession: true },
};

const streamAnswers = Object.entries(ANSWERS).map(([id, { title, inSession }]) =>
  defineCase({
    id,
    title: `${title}: its chunks, their order and their end`,
    needs: ['chat', 'chat.stream', ...(inSession ? ['sessions' as const] : [])],
    checks: {
      'event-stream': 'stream.events',
      'same-answer': 'stream.chunk',
      'role-first': 'stream.role-first',
      'one-finish nothing-after-finish': 'stream.finish',
      'done-last': 'stream.done',
      'usage-in-finish': 'stream.finish-usage',
      'usage-sum': 'stream.usage-sum',
      'no-usage-before': 'stream.no-early-usage',
      'no-usage-chunk': 'stream.include-usage',
      'whole-in-order': 'stream.text',
      'whole-characters': 'stream.characters',
      'several-deltas': 'stream.incremental',
      fingerprint: 'stream.fingerprint',
    },
    cost: () => ({ requests: 2 * TRIES, promptTokens: TRIES * 200, completionTokens: TRIES * 128 }),
    async run({ api, check }, context) {
      const phrase = longPhrase(context);
      const answer = await streamOf(context, phrase, inSession ? { session_id: (await api.createSession()).id } : {});
      const { reply, events, chunks } = answer;
      const last = finishing(chunks).at(-1);
      const before = last ? chunks.slice(0, chunks.indexOf(last)) : chunks;
      const after = last ? chunks.slice(chunks.indexOf(last) + 1) : [];
      await check('event-stream', () => {
        const type = reply.headers.get('content-type');
        expectTrue(type?.startsWith('text/event-stream') ?? false, `the content type of a stream is ${type}`);
      });
      await check('same-answer', () => sameAnswer(chunks));
      await check('role-first', () => {
        const first = chunks.flatMap(({ choices }) => choices).find(({ delta }) => Object.keys(delta).length > 0);
        expectEqual(first?.delta.role, 'assistant', 'the role in the first delta');
      });
      await check('one-finish', () => expectEqual(finishing(chunks).length, 1, 'chunks with a finish_reason'));
      await check('nothing-after-finish', () => {
        expectTrue(last !== undefined, 'no chunk has a finish_reason');
        expectEqual(after.flatMap(({ choices }) => choices).length, 0, 'choices after the finish chunk');
      });
      await check('done-last', () => {
        expectEqual(events.indexOf('[DONE]'), events.length - 1, 'the place of [DONE] among the events');
      });
      await check('usage-in-finish', () =>
        expectShape(z.object({}), last?.choices[0]?.usage, 'usage of the finish chunk'),
      );
      await check('usage-sum', () => expectUsage(last?.choices[0]?.usage ?? last?.usage, 'usage of the finish chunk'));
      await check('no-usage-before', () => {
        const early = before.filter((chunk) => 'usage' in chunk || chunk.choices.some((choice) => 'usage' in choice));
        expectEqual(early, [], 'chunks with a usage before the finish chunk');
      });
      await check('no-usage-chunk', () => {
        const asked = chunks.filter(({ choices, usage }) => choices.length === 0 && usage !== undefined);
        expectEqual(asked, [], 'chunks of usage that nobody asked for');
      });
      await check('whole-in-order', () => {
        expectTrue(
          answer.text.includes(phrase),
          `the deltas do not join to ${phrase}: ${JSON.stringify(answer.pieces)}`,
        );
      });
      await check('whole-characters', () => {
        const broken = answer.pieces.filter((piece) => !piece.isWellFormed() || piece.includes('\uFFFD'));
        expectEqual(broken, [], 'deltas that hold half a character');
      });
      await check('several-deltas', () => {
        expectTrue(answer.pieces.length > 1, `a text of ${answer.text.length} characters comes in one delta`);
      });
      await check('fingerprint', () => {
        expectTrue(typeof last?.system_fingerprint === 'string', 'the finish chunk has no system_fingerprint');
      });
    },
  }),
);

function longPhrase(context: CaseContext<string>): string {
  return Array.from({ length: WORDS }, (_, index) => context.nonce() + (GLUES[index % GLUES.length] ?? ''))
    .join('')
    .trim();
}

/** A stream that says the phrase; where the model does not get it right, the last of three. */
async function streamOf(context: CaseContext<string>, phrase: string, fields: object): Promise<Stream> {
  for (let tries = 1; ; tries += 1) {
    const answer = await streamChat(context, {
      ...fields,
      messages: replyExactly(phrase),
      max_tokens: 128 + context.texts.overhead.answer,
    });
    if (tries === TRIES || answer.text.includes(phrase)) return answer;
  }
}

function sameAnswer(chunks: readonly Chunk[]): void {
  const [first] = chunks;
  expectTrue(first !== undefined, 'a stream without chunks');
  const Heading = z.object({
    id: z.string().min(1),
    object: z.literal('chat.completion.chunk'),
    created: z.int(),
    model: z.string().min(1),
  });
  const heading = expectShape(Heading, first, 'the first chunk');
  for (const chunk of chunks)
    expectEqual(Heading.safeParse(chunk).data, heading, 'id, object, time and model of a chunk');
}

const Opening = z.object({
  index: z.literal(0),
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.object({ name: z.literal(FORECAST_NAME) }),
});

const Piece = z.object({ index: z.int(), function: z.object({ arguments: z.string() }) });

const CALLS = {
  'stream.calls': { title: 'a streamed call', inSession: false },
  'turn.streamed-calls': { title: 'a streamed call in a session', inSession: true },
};

const streamCalls = Object.entries(CALLS).map(([id, { title, inSession }]) =>
  defineCase({
    id,
    title: `${title}: its opening, its arguments and its end`,
    needs: ['chat', 'chat.stream', 'chat.tools', ...(inSession ? ['sessions' as const] : [])],
    checks: {
      'opening-first': 'stream.call-opening',
      'arguments-join': 'stream.call-arguments',
      'says-tool-calls': 'stream.call-finish',
    },
    cost: costOfChats(TRIES, { requests: 3 * TRIES }),
    async run({ check }, context) {
      const chunks = await streamedCall(context, inSession);
      const deltas = deltasOf(chunks);
      await check('opening-first', () => expectShape(Opening, deltas[0], 'the first delta of the call'));
      await check('arguments-join', () => {
        const pieces = deltas.map((delta) => expectShape(Piece, delta, 'a delta of the call'));
        const first = pieces.filter(({ index }) => index === 0).map((piece) => piece.function.arguments);
        expectTrue(
          ForecastArguments.safeParse(parseJson(first.join(''))).success,
          `the arguments do not join: ${first.join('|')}`,
        );
      });
      await check('says-tool-calls', () => {
        expectEqual(finishing(chunks)[0]?.choices[0]?.finish_reason, 'tool_calls', 'finish_reason');
      });
    },
  }),
);

function deltasOf(chunks: readonly Chunk[]): unknown[] {
  return chunks
    .flatMap(({ choices }) => choices)
    .flatMap(({ delta }) => (Array.isArray(delta.tool_calls) ? delta.tool_calls : []));
}

async function streamedCall(context: CaseContext<string>, inSession: boolean): Promise<Chunk[]> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const session = inSession ? { session_id: (await context.api.createSession()).id } : {};
    const { chunks } = await streamChat(context, { ...FORECAST_REQUEST, ...session });
    if (deltasOf(chunks).length > 0) return chunks;
  }
  throw new Mismatch(`the model does not call the function that it must call (${TRIES} tries)`);
}

const streamUsage = defineCase({
  id: 'stream.usage',
  title: 'include_usage adds one chunk with the usage',
  needs: ['chat', 'chat.stream'],
  checks: { 'chunk-added same-usage false-adds-none': 'stream.include-usage' },
  cost: costOfChats(2),
  async run({ check, require }, context) {
    const { chunks } = await streamChat(context, { stream_options: { include_usage: true } });
    const last = chunks.at(-1);
    await require('chunk-added', () => {
      expectEqual(chunks.filter(({ choices }) => choices.length === 0).length, 1, 'chunks without choices');
      expectEqual(last?.choices, [], 'choices of the last chunk');
    });
    await check('same-usage', () => {
      const usage = expectUsage(last?.usage, 'usage of the last chunk');
      expectEqual(
        usage,
        expectUsage(finishing(chunks)[0]?.choices[0]?.usage, 'usage of the finish chunk'),
        'the usage asked for',
      );
    });
    await check('false-adds-none', async () => {
      const without = await streamChat(context, { stream_options: { include_usage: false } });
      expectEqual(
        without.chunks.filter(({ choices }) => choices.length === 0),
        [],
        'chunks without choices',
      );
    });
  },
});

const FEW = 5;

const streamLength = defineCase({
  id: 'stream.length',
  title: 'a streamed answer that was cut has finish_reason length',
  needs: ['chat', 'chat.stream'],
  checks: { 'cut-says-length bounded': 'stream.length' },
  cost: costOfChats(1),
  async run({ check, nonce }, context) {
    const messages = replyExactly([nonce(), nonce(), nonce()].join(' '));
    const { chunks } = await streamChat(context, { messages, max_tokens: FEW });
    const [choice] = finishing(chunks)[0]?.choices ?? [];
    await check('cut-says-length', () => expectEqual(choice?.finish_reason, 'length', 'finish_reason'));
    await check('bounded', () => {
      const { completion_tokens } = expectShape(z.looseObject({ completion_tokens: z.int() }), choice?.usage, 'usage');
      expectTrue(completion_tokens <= FEW, `an answer of at most ${FEW} tokens takes ${completion_tokens}`);
    });
  },
});

const streamAsked = defineCase({
  id: 'stream.asked',
  title: 'an answer is streamed only on request',
  needs: ['chat', 'chat.stream'],
  checks: { 'false-is-whole absent-is-whole true-is-streamed': 'stream.asked' },
  cost: costOfChats(3),
  async run({ check }, context) {
    await check('true-is-streamed', async () => {
      expectTrue((await streamChat(context)).chunks.length > 0, 'no event came');
    });
    await check('false-is-whole', () => completeChat(context, { stream: false }));
    await check('absent-is-whole', () => completeChat(context));
  },
});

const streamRefusal = defineCase({
  id: 'stream.refusal',
  title: 'a refused request is answered in JSON, also when a stream was requested',
  needs: ['chat', 'chat.stream'],
  checks: { 'plain-json': 'stream.refusal', 'next-streamed': 'stream.events' },
  cost: costOfChats(2),
  async run({ check }, context) {
    await check('plain-json', async () => {
      const reply = await sendChat(context, { stream: true, messages: [{ role: 'user', content: '' }] });
      expectEqual(expectError(reply, 'content_empty'), LIVE_TEXT.contentEmpty, 'the message');
      const type = reply.headers.get('content-type');
      expectTrue(type?.startsWith('application/json') ?? false, `the content type of a refusal is ${type}`);
    });
    await check('next-streamed', async () => {
      const { reply } = await streamChat(context);
      expectTrue(reply.headers.get('content-type')?.startsWith('text/event-stream') ?? false, 'no event stream');
    });
  },
});

export const STREAM_CASES: readonly Case[] = [
  ...streamAnswers,
  streamUsage,
  streamLength,
  streamAsked,
  ...streamCalls,
  streamRefusal,
  streamChoices,
  ...SAME_CASES,
];
