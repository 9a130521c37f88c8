import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import { ApiError } from '../api-error.ts';
import type { Pattern } from '../engines/patterns/pattern.ts';
import { yieldToEventLoop } from '../engines/scheduler.ts';
import { type Upstream, type UpstreamAnswer, type UpstreamRequest, upstreamFailed } from '../gateway/upstream.ts';
import { nearestOf } from './nearest.ts';
import { toBytes } from './recording-upstream.ts';
import { secretsIn, TapeRedactor } from './redaction.ts';
import { BodyHash, type Form, isChat, otherRequest, type ReadRequest, readChatRequest } from './request.ts';
import { type End, type Tape, type TapedAnswer, type TapeEntry, TapeError } from './tape.ts';

/** Whether the parts of an answer come at once, or as they were recorded. */
export type Speed = 'instant' | 'original';

interface Replaying {
  readonly tape: Tape;
  readonly patterns: readonly Pattern[];
  readonly speed: Speed;
  /** Asked for what the tape lacks, and records it there. */
  readonly misses?: Upstream | undefined;
}

/** Answers with a recording, and asks nobody. */
export class ReplayUpstream implements Upstream {
  readonly name: string;
  readonly #replaying: Replaying;
  readonly #used = new Set<TapeEntry>();

  constructor(replaying: Replaying) {
    this.name = `tape ${replaying.tape.path}`;
    this.#replaying = replaying;
  }

  async ask(request: UpstreamRequest): Promise<UpstreamAnswer> {
    const { tape, misses, speed } = this.#replaying;
    request.signal.throwIfAborted();
    const start = performance.now();
    const { asked, body } = await this.#read(request);
    const entry = this.#choose(asked);
    if (entry) return this.#answer(entry, asked.form, { start, speed, signal: request.signal });
    if (misses) return misses.ask({ ...request, body });
    const { method, path } = asked.request;
    const nearest = await reading(() => nearestOf(tape, asked));
    throw new ApiError('tape_miss', { method, path, ...nearest, recorded: tape.entries.length });
  }

  async #read(request: UpstreamRequest): Promise<{ asked: ReadRequest; body: Uint8Array[] }> {
    const redactor = new TapeRedactor(secretsIn(request.headers), this.#replaying.patterns);
    const hash = new BodyHash(request.headers);
    const keepsBody = isChat(request) || this.#replaying.misses !== undefined;
    const body: Uint8Array[] = [];
    for await (const part of request.body) {
      if (keepsBody) body.push(part);
      hash.push(part);
    }
    const chat = isChat(request) ? readChatRequest(request, Buffer.concat(body), redactor) : undefined;
    return { asked: chat ?? otherRequest(request, hash.end(), redactor), body };
  }

  /** Equal requests are answered in the order recorded, those in the same form first; then with the last one again. */
  #choose({ key, form }: ReadRequest): TapeEntry | undefined {
    const all = this.#replaying.tape.find(key);
    const byForm = (one: TapeEntry, other: TapeEntry) => distance(one.form, form) - distance(other.form, form);
    const fresh = all.filter((entry) => !this.#used.has(entry)).sort(byForm)[0];
    if (fresh) this.#used.add(fresh);
    return fresh ?? all.toReversed().sort(byForm)[0];
  }

  async #answer(entry: TapeEntry, form: Form, pace: Pace): Promise<UpstreamAnswer> {
    const exchange = await reading(() => this.#replaying.tape.read(entry));
    const { inForm } = await import('./convert.ts');
    const answer = await inForm(exchange, form);
    const isWhole = answer.end === 'whole';
    // What was put together of pieces has no place at which it could break off.
    if (!isWhole && form === 'plain' && exchange.form !== 'plain') throw failureOf(answer.end);
    const [first = [0]] = answer.parts;
    await reached(first[0], pace);
    return {
      status: answer.status,
      statusText: answer.statusText,
      headers: answer.headers.flat(),
      body: partsOf(answer, pace),
    };
  }

  async close(): Promise<void> {
    await this.#replaying.misses?.close();
    this.#replaying.tape.close();
  }
}

/** @throws ApiError `upstream_failed` where the tape has been changed since it was opened */
async function reading<Result>(read: () => Result): Promise<Awaited<Result>> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof TapeError ? upstreamFailed(error.message, true) : error;
  }
}

/** How far a recorded form is from the one that is asked for: a stream is nearer to a stream. */
function distance(recorded: Form, asked: Form): number {
  if (recorded === asked) return 0;
  return recorded === 'plain' || asked === 'plain' ? 2 : 1;
}

interface Pace {
  readonly start: number;
  readonly speed: Speed;
  readonly signal: AbortSignal;
}

async function* partsOf({ parts, end }: TapedAnswer, pace: Pace): AsyncGenerator<Uint8Array, void> {
  for (const [at, part] of parts) {
    await reached(at, pace);
    pace.signal.throwIfAborted();
    yield toBytes(part);
  }
  if (end === 'whole') return;
  // What came before the break has to leave before the connection is given up.
  await yieldToEventLoop();
  throw failureOf(end);
}

/** Waits until so many milliseconds after the request, where answers keep their recorded times. */
async function reached(at: number, { start, speed, signal }: Pace): Promise<void> {
  const ms = start + at - performance.now();
  if (speed === 'instant' || ms <= 0) return;
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}

function failureOf(end: End): Error {
  if (typeof end === 'string') return upstreamFailed('its recording ends where its reader had gone');
  const { code, details } = end;
  if (!Object.hasOwn(ERRORS, code)) return upstreamFailed(`its recording ends with the error ${code}`);
  return new ApiError(code as ErrorCode, details as never);
}
