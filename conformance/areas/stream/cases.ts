import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { Mismatch } from '../../core/verdict.ts';
import {
  type Chunk,
  chats,
  complete,
  finishing,
  orders,
  type Stream,
  send,
  soundUsage,
  stream,
} from '../../wire/completions.ts';
import { ASKING_FOR_A_CALL, CALLED, ForecastArguments, jsonOf } from '../../wire/functions.ts';

const TRIES = 3;

const WORDS = 8;

/** Characters of three and four bytes, one of them of two code units, between the words. */
const GLUES = [' 你好 ', ' 🌍 '];

const streamAnswer = defineCase({
  id: 'stream.answer',
  title: 'a streamed answer: its chunks, their order and their end',
  needs: ['chat', 'chat.stream'],
  checks: {
    'event-stream': 'stream.events',
    'same-answer': 'stream.chunk',
    'role-first': 'stream.role-first',
    'one-finish': 'stream.finish',
    'nothing-after-finish': 'stream.finish',
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
  cost: () => ({ requests: TRIES, promptTokens: TRIES * 200, completionTokens: TRIES * 128 }),
  async run(trial) {
    const phrase = longPhrase(trial);
    const answer = await streamOf(trial, phrase);
    const { reply, events, chunks } = answer;
    const last = finishing(chunks).at(-1);
    const before = last ? chunks.slice(0, chunks.indexOf(last)) : chunks;
    const after = last ? chunks.slice(chunks.indexOf(last) + 1) : [];
    await trial.check('event-stream', () => {
      const type = reply.headers.get('content-type');
      holds(type?.startsWith('text/event-stream') ?? false, `the content type of a stream is ${type}`);
    });
    await trial.check('same-answer', () => sameAnswer(chunks));
    await trial.check('role-first', () => {
      const first = chunks.flatMap(({ choices }) => choices).find(({ delta }) => Object.keys(delta).length > 0);
      equal(first?.delta.role, 'assistant', 'the role in the first delta');
    });
    await trial.check('one-finish', () => equal(finishing(chunks).length, 1, 'chunks with a finish_reason'));
    await trial.check('nothing-after-finish', () => {
      holds(last !== undefined, 'no chunk has a finish_reason');
      equal(after.flatMap(({ choices }) => choices).length, 0, 'choices after the finish chunk');
    });
    await trial.check('done-last', () => {
      equal(events.indexOf('[DONE]'), events.length - 1, 'the place of [DONE] among the events');
    });
    await trial.check('usage-in-finish', () =>
      shaped(z.object({}), last?.choices[0]?.usage, 'usage of the finish chunk'),
    );
    await trial.check('usage-sum', () =>
      soundUsage(last?.choices[0]?.usage ?? last?.usage, 'usage of the finish chunk'),
    );
    await trial.check('no-usage-before', () => {
      const early = before.filter((chunk) => 'usage' in chunk || chunk.choices.some((choice) => 'usage' in choice));
      equal(early, [], 'chunks with a usage before the finish chunk');
    });
    await trial.check('no-usage-chunk', () => {
      const asked = chunks.filter(({ choices, usage }) => choices.length === 0 && usage !== undefined);
      equal(asked, [], 'chunks of usage that nobody asked for');
    });
    await trial.check('whole-in-order', () => {
      holds(answer.text.includes(phrase), `the deltas do not join to ${phrase}: ${JSON.stringify(answer.pieces)}`);
    });
    await trial.check('whole-characters', () => {
      const broken = answer.pieces.filter((piece) => !piece.isWellFormed() || piece.includes('\uFFFD'));
      equal(broken, [], 'deltas that hold half a character');
    });
    await trial.check('several-deltas', () => {
      holds(answer.pieces.length > 1, `a text of ${answer.text.length} characters comes in one delta`);
    });
    await trial.check('fingerprint', () => {
      holds(typeof last?.system_fingerprint === 'string', 'the finish chunk has no system_fingerprint');
    });
  },
});

function longPhrase(trial: Trial<string>): string {
  return Array.from({ length: WORDS }, (_, index) => trial.nonce() + (GLUES[index % GLUES.length] ?? ''))
    .join('')
    .trim();
}

/** A stream that says the phrase; where the model does not get it right, the last of three. */
async function streamOf(trial: Trial<string>, phrase: string): Promise<Stream> {
  for (let tries = 1; ; tries += 1) {
    const answer = await stream(trial, { messages: orders(phrase), max_tokens: 128 });
    if (tries === TRIES || answer.text.includes(phrase)) return answer;
  }
}

function sameAnswer(chunks: readonly Chunk[]): void {
  const [first] = chunks;
  holds(first !== undefined, 'a stream without chunks');
  const Heading = z.object({
    id: z.string().min(1),
    object: z.literal('chat.completion.chunk'),
    created: z.int(),
    model: z.string().min(1),
  });
  const heading = shaped(Heading, first, 'the first chunk');
  for (const chunk of chunks) equal(Heading.safeParse(chunk).data, heading, 'id, object, time and model of a chunk');
}

const Opening = z.object({
  index: z.literal(0),
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.object({ name: z.literal(CALLED) }),
});

const Piece = z.object({ index: z.int(), function: z.object({ arguments: z.string() }) });

const streamCalls = defineCase({
  id: 'stream.calls',
  title: 'a streamed call: its opening, its arguments and its end',
  needs: ['chat', 'chat.stream', 'chat.tools'],
  checks: {
    'opening-first': 'stream.call-opening',
    'arguments-join': 'stream.call-arguments',
    'says-tool-calls': 'stream.call-finish',
  },
  cost: chats(TRIES),
  async run(trial) {
    const chunks = await streamedCall(trial);
    const deltas = deltasOf(chunks);
    await trial.check('opening-first', () => shaped(Opening, deltas[0], 'the first delta of the call'));
    await trial.check('arguments-join', () => {
      const pieces = deltas.map((delta) => shaped(Piece, delta, 'a delta of the call'));
      const first = pieces.filter(({ index }) => index === 0).map((piece) => piece.function.arguments);
      holds(
        ForecastArguments.safeParse(jsonOf(first.join(''))).success,
        `the arguments do not join: ${first.join('|')}`,
      );
    });
    await trial.check('says-tool-calls', () => {
      equal(finishing(chunks)[0]?.choices[0]?.finish_reason, 'tool_calls', 'finish_reason');
    });
  },
});

function deltasOf(chunks: readonly Chunk[]): unknown[] {
  return chunks
    .flatMap(({ choices }) => choices)
    .flatMap(({ delta }) => (Array.isArray(delta.tool_calls) ? delta.tool_calls : []));
}

async function streamedCall(trial: Trial<string>): Promise<Chunk[]> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { chunks } = await stream(trial, ASKING_FOR_A_CALL);
    if (deltasOf(chunks).length > 0) return chunks;
  }
  throw new Mismatch(`the model does not call the function that it is told to call (${TRIES} tries)`);
}

const streamUsage = defineCase({
  id: 'stream.usage',
  title: 'include_usage adds one chunk with the usage',
  needs: ['chat', 'chat.stream'],
  checks: {
    'chunk-added': 'stream.include-usage',
    'same-usage': 'stream.include-usage',
    'false-adds-none': 'stream.include-usage',
  },
  cost: chats(2),
  async run(trial) {
    const { chunks } = await stream(trial, { stream_options: { include_usage: true } });
    const last = chunks.at(-1);
    await trial.need('chunk-added', () => {
      equal(chunks.filter(({ choices }) => choices.length === 0).length, 1, 'chunks without choices');
      equal(last?.choices, [], 'choices of the last chunk');
    });
    await trial.check('same-usage', () => {
      const usage = soundUsage(last?.usage, 'usage of the last chunk');
      equal(
        usage,
        soundUsage(finishing(chunks)[0]?.choices[0]?.usage, 'usage of the finish chunk'),
        'the usage asked for',
      );
    });
    await trial.check('false-adds-none', async () => {
      const without = await stream(trial, { stream_options: { include_usage: false } });
      equal(
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
  title: 'a streamed answer that is cut says so',
  needs: ['chat', 'chat.stream'],
  checks: { 'cut-says-length': 'stream.length', bounded: 'stream.length' },
  cost: chats(1),
  async run(trial) {
    const messages = orders([trial.nonce(), trial.nonce(), trial.nonce()].join(' '));
    const { chunks } = await stream(trial, { messages, max_tokens: FEW });
    const [choice] = finishing(chunks)[0]?.choices ?? [];
    await trial.check('cut-says-length', () => equal(choice?.finish_reason, 'length', 'finish_reason'));
    await trial.check('bounded', () => {
      const { completion_tokens } = shaped(z.looseObject({ completion_tokens: z.int() }), choice?.usage, 'usage');
      holds(completion_tokens <= FEW, `an answer of at most ${FEW} tokens takes ${completion_tokens}`);
    });
  },
});

const streamAsked = defineCase({
  id: 'stream.asked',
  title: 'only what is to be streamed is',
  needs: ['chat', 'chat.stream'],
  checks: { 'false-is-whole': 'stream.asked', 'absent-is-whole': 'stream.asked', 'true-is-streamed': 'stream.asked' },
  cost: chats(3),
  async run(trial) {
    await trial.check('true-is-streamed', async () => {
      holds((await stream(trial)).chunks.length > 0, 'no event came');
    });
    await trial.check('false-is-whole', () => complete(trial, { stream: false }));
    await trial.check('absent-is-whole', () => complete(trial));
  },
});

const streamRefusal = defineCase({
  id: 'stream.refusal',
  title: 'a refusal is plain JSON, also where a stream was asked for',
  needs: ['chat', 'chat.stream'],
  checks: { 'plain-json': 'stream.refusal', 'next-streamed': 'stream.events' },
  cost: chats(2),
  async run(trial) {
    await trial.check('plain-json', async () => {
      const reply = await send(trial, { stream: true, messages: [{ role: 'user', content: '' }] });
      equal(refused(reply, 'content_empty'), LIVE_TEXT.contentEmpty, 'the message');
      const type = reply.headers.get('content-type');
      holds(type?.startsWith('application/json') ?? false, `the content type of a refusal is ${type}`);
    });
    await trial.check('next-streamed', async () => {
      const { reply } = await stream(trial);
      holds(reply.headers.get('content-type')?.startsWith('text/event-stream') ?? false, 'no event stream');
    });
  },
});

export const STREAM_CASES: readonly Case[] = [
  streamAnswer,
  streamUsage,
  streamLength,
  streamAsked,
  streamCalls,
  streamRefusal,
];
