import { z } from 'zod';
import { defineCase } from '../../core/case.ts';
import { equal, holds, shaped } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { Mismatch } from '../../core/verdict.ts';
import { type Chunk, chats, finishing, stream } from '../../wire/completions.ts';
import { ASKING_FOR_A_CALL, CALLED, ForecastArguments, jsonOf } from '../../wire/functions.ts';

const TRIES = 3;

const Opening = z.object({
  index: z.literal(0),
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.object({ name: z.literal(CALLED) }),
});
const Piece = z.object({ index: z.int(), function: z.object({ arguments: z.string() }) });

export const streamCalls = defineCase({
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
