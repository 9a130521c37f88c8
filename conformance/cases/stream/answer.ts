import { z } from 'zod';
import { defineCase } from '../../core/case.ts';
import { equal, holds, shaped } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { type Chunk, finishing, orders, type Stream, soundUsage, stream } from '../../wire/completions.ts';

const TRIES = 3;
const WORDS = 8;
/** Characters of three and four bytes, one of them of two code units, between the words. */
const GLUES = [' 你好 ', ' 🌍 '];

export const streamAnswer = defineCase({
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
