import type { InputMessage } from '../../contract/messages.ts';
import type { PendingWrite } from '../checkpoint.ts';
import type { RollingContext } from './context.ts';
import { planWrites } from './plan-writes.ts';
import type { AppendOptions, TurnOptions } from './settings.ts';
import { makeRoom } from './shrink.ts';
import { readPieces, skipUnits, type TextSource } from './split-text.ts';
import { fitUnsplittable } from './tool-results.ts';
import { makeWrites, sumBytes } from './write.ts';

/** Writes down the turn that is to be carried out, once it is known to fit. */
export async function beginTurn(
  context: RollingContext,
  messages: readonly InputMessage[],
  input: string,
  { params, signal }: TurnOptions,
): Promise<void> {
  const { client, settings, limits, density } = context;
  const { model, maxTokens: max_tokens, temperature, clip } = settings;
  const limit = { client, model, appendTokens: limits.append_tokens, clip, signal };
  const fitting = await fitUnsplittable(messages, limit);
  const request = { model, max_tokens, temperature, ...params };
  const incoming = density.tokens(sumBytes(fitting));
  const room = { incoming, maxTokens: request.max_tokens ?? max_tokens, betweenRounds: true };
  await makeRoom(context, room, signal);
  const writes = planWrites(fitting, density.maxBytes);
  await begin(context, { kind: 'turn', input, writes, request, document: null });
}

/** Appends a text piece by piece. @returns how much was appended now, in UTF-16 units */
export async function appendText(
  context: RollingContext,
  source: TextSource,
  { role = 'user', id, signal }: AppendOptions,
): Promise<number> {
  const { ledger, density } = context;
  const skip = id === undefined ? 0 : (ledger.state.documents[id]?.chars ?? 0);
  let chars = skip;
  for await (const content of readPieces(skipUnits(source, skip), () => density.maxBytes)) {
    chars += content.length;
    const writes = planWrites([{ role, content }], density.maxBytes);
    const document = id === undefined ? null : { id, chars };
    await begin(context, { kind: 'append', input: '', writes, request: {}, document });
    await makeWrites(context, false, signal);
  }
  return chars - skip;
}

/** Appends one message. */
export async function appendMessage(context: RollingContext, message: InputMessage, signal?: AbortSignal) {
  await begin(context, { kind: 'append', input: '', writes: [[message]], request: {}, document: null });
  await makeWrites(context, false, signal);
}

async function begin({ ledger }: RollingContext, write: Omit<PendingWrite, 'step' | 'cancelled'>): Promise<void> {
  const step = ledger.nextStep;
  await ledger.save({ step, write: { ...write, step, cancelled: false } });
}
