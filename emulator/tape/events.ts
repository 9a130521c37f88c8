import { readEvents } from '../gateway/read-events.ts';
import { members } from '../gateway/usage.ts';
import { toEvent } from '../http/streams.ts';
import type { TapeRedactor } from './redaction.ts';
import type { TapedAnswer } from './tape.ts';

type Parts = TapedAnswer['parts'];

/** An event of a recorded stream. */
export interface TapedEvent {
  /** Milliseconds from the request to its end. */
  readonly at: number;
  readonly raw: string;
  /** Its data as JSON; undefined where it has none. */
  readonly chunk: Readonly<Record<string, unknown>> | undefined;
}

/** The events of a recorded stream, each with its time. */
export async function eventsOf(parts: Parts): Promise<TapedEvent[]> {
  let at = 0;
  async function* bytes(): AsyncGenerator<Uint8Array, void> {
    for (const [time, part] of parts) {
      at = time;
      yield Buffer.from(typeof part === 'string' ? part : '');
    }
  }
  const found: TapedEvent[] = [];
  for await (const events of readEvents(bytes())) {
    for (const { raw, data } of events) found.push({ at, raw, chunk: toChunk(data) });
  }
  return found;
}

function toChunk(data: string | undefined): TapedEvent['chunk'] {
  if (data === undefined) return undefined;
  try {
    const chunk: unknown = JSON.parse(data);
    return typeof chunk === 'object' && chunk !== null ? members(chunk) : undefined;
  } catch {
    return undefined;
  }
}

/** A text that comes in pieces, and how to put other pieces in their place. */
interface Spread {
  text: string;
  readonly places: { readonly owner: Record<string, unknown>; readonly name: string }[];
}

/** A stream without what must not be written, where a secret came in pieces too. What holds none stays as it came. */
export async function redactedEvents(parts: Parts, redactor: TapeRedactor): Promise<Parts> {
  const events = (await eventsOf(parts)).map((event) => ({ ...event, chunk: structuredClone(event.chunk) }));
  const text = events.map(({ raw }) => raw).join('');
  const spreads = spreadTexts(events.map(({ chunk }) => chunk));
  const shared = spreads.filter((spread) => redactor.text(spread.text) !== spread.text);
  const whole = events.every(({ chunk }) => JSON.stringify(redactor.value(chunk)) === JSON.stringify(chunk));
  if (shared.length === 0 && whole && redactor.text(text) === text) return parts;
  for (const { places, text: secret } of shared) {
    for (const [place, { owner, name }] of places.entries()) owner[name] = place === 0 ? redactor.text(secret) : '';
  }
  return events.map(({ at, raw, chunk }) => [
    at,
    chunk ? toEvent(redactor.value(chunk) as object) : redactor.text(raw),
  ]);
}

/** The texts that the chunks of a chat tell piece by piece: of each choice its content, its reasoning, each call's arguments. */
function spreadTexts(chunks: readonly TapedEvent['chunk'][]): Spread[] {
  const spreads = new Map<string, Spread>();
  const add = (key: string, owner: Record<string, unknown>): void => {
    for (const [name, piece] of Object.entries(owner)) {
      if (typeof piece !== 'string') continue;
      const spread = spreads.get(`${key}/${name}`) ?? { text: '', places: [] };
      spreads.set(`${key}/${name}`, spread);
      spread.text += piece;
      spread.places.push({ owner, name });
    }
  };
  for (const chunk of chunks) {
    for (const [place, choice] of listOf(chunk?.choices).entries()) {
      const key = String(choice.index ?? place);
      const delta = members(choice.delta);
      add(key, delta);
      for (const [nth, call] of listOf(delta.tool_calls).entries()) {
        add(`${key}/call ${call.index ?? nth}`, members(call.function));
      }
    }
  }
  return [...spreads.values()];
}

/** A list of objects; empty where it is not one. */
export function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map((item) => members(item) as Record<string, unknown>) : [];
}
