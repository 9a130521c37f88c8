import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import { ApiError } from '../api-error.ts';
import type { Pattern } from '../engines/patterns/pattern.ts';
import { decoded } from '../gateway/ask-turn.ts';
import {
  endToEnd,
  headerOf,
  pairsOf,
  type Upstream,
  type UpstreamAnswer,
  type UpstreamRequest,
  upstreamFailed,
} from '../gateway/upstream.ts';
import { redactedEvents } from './events.ts';
import { secretsIn, TapeRedactor } from './redaction.ts';
import { BodyHash, isChat, otherRequest, type ReadRequest, readChatRequest } from './request.ts';
import { type End, type Tape, type TapedAnswer, TapeError } from './tape.ts';

/** An answer of more bytes is not recorded. */
const ANSWER_BYTES = 64 * 2 ** 20;
/** What an answer tells in its headers. Others, such as cookies, are about one connection, one account or one day. */
const KEPT =
  /^(?:content-(?:type|disposition|language)|location|(?:x-)?retry-after(?:-ms)?|x-should-retry|(?:x-)?request-id|(?:x-)?(?:msh|ratelimit|kimi|openai)(?:-[\w-]+)?|deprecation|sunset|warning|www-authenticate|allow|etag|last-modified)$/i;

type Parts = TapedAnswer['parts'];

/** Hands everything on as it comes, and adds each exchange to a tape before its answer is told to be at its end. */
export class RecordingUpstream implements Upstream {
  readonly name: string;
  readonly #upstream: Upstream;
  readonly #tape: Tape;
  readonly #patterns: readonly Pattern[];
  readonly #warn: (note: string) => void;
  #failure: string | undefined;

  constructor(upstream: Upstream, tape: Tape, patterns: readonly Pattern[], warn: (note: string) => void) {
    this.name = upstream.name;
    this.#upstream = upstream;
    this.#tape = tape;
    this.#patterns = patterns;
    this.#warn = warn;
  }

  async ask(request: UpstreamRequest): Promise<UpstreamAnswer> {
    if (this.#failure !== undefined) throw upstreamFailed(this.#failure, true);
    const start = performance.now();
    const hash = new BodyHash(request.headers);
    const chat = isChat(request) ? Buffer.concat(await gathered(request.body)) : undefined;
    const body = chat ? [chat] : hashed(request.body, hash);
    const answer = await this.#upstream.ask({ ...request, body });
    const recording = new Recording(request, answer, start, (secrets) => {
      const redactor = new TapeRedactor(secrets, this.#patterns);
      return {
        redactor,
        asked:
          (chat && readChatRequest(request, chat, redactor)) ?? otherRequest(request, bodyOf(hash, chat), redactor),
      };
    });
    if (request.method === 'HEAD' || answer.status === 204 || answer.status === 304) {
      await this.#write(recording, 'whole');
      return answer;
    }
    return { ...answer, body: this.#taped(answer.body, recording) };
  }

  async *#taped(body: AsyncIterable<Uint8Array>, recording: Recording): AsyncGenerator<Uint8Array, void> {
    let end: End = 'left';
    try {
      for await (const part of body) {
        recording.push(part);
        yield part;
      }
      end = 'whole';
    } catch (error) {
      if (error instanceof ApiError) end = { code: error.code, details: { ...error.details } };
      throw error;
    } finally {
      await this.#write(recording, end);
    }
  }

  /** What cannot be recorded lets no further request through: its run would cost money and leave a hole. */
  async #write(recording: Recording, end: End): Promise<void> {
    try {
      const exchange = await recording.toExchange(end);
      if (exchange) this.#tape.append(exchange);
      else this.#warn(`tape ${this.#tape.path}: an answer of more than ${ANSWER_BYTES} bytes is not recorded`);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (error instanceof TapeError) this.#failure = problem;
      this.#warn(
        error instanceof ApiError ? `tape ${this.#tape.path}: an answer is not recorded: ${problem}` : problem,
      );
    }
  }

  async close(): Promise<void> {
    await this.#upstream.close();
    this.#tape.close();
  }
}

async function gathered(body: UpstreamRequest['body']): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return parts;
}

async function* hashed(body: UpstreamRequest['body'], hash: BodyHash): AsyncGenerator<Uint8Array, void> {
  for await (const part of body) {
    hash.push(part);
    yield part;
  }
}

function bodyOf(hash: BodyHash, chat: Uint8Array | undefined): { sha256: string; bytes: number } {
  if (chat) hash.push(chat);
  return hash.end();
}

/** One exchange while it runs. */
class Recording {
  readonly #answer: UpstreamAnswer;
  readonly #secrets: readonly string[];
  readonly #start: number;
  readonly #read: (secrets: readonly string[]) => { redactor: TapeRedactor; asked: ReadRequest };
  #parts: { at: number; bytes: Uint8Array }[] = [];
  #bytes = 0;

  constructor(
    { headers }: UpstreamRequest,
    answer: UpstreamAnswer,
    start: number,
    read: (secrets: readonly string[]) => { redactor: TapeRedactor; asked: ReadRequest },
  ) {
    this.#answer = answer;
    this.#secrets = [...secretsIn(headers), ...secretsIn(answer.headers)];
    this.#start = start;
    this.#read = read;
  }

  push(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > ANSWER_BYTES) this.#parts = [];
    else this.#parts.push({ at: Math.round(performance.now() - this.#start), bytes });
  }

  /** Undefined where it is too long to be kept. */
  async toExchange(end: End) {
    if (this.#bytes > ANSWER_BYTES) return undefined;
    const { redactor, asked } = this.#read(this.#secrets);
    const { status, statusText, headers } = this.#answer;
    const kept = pairsOf(endToEnd(headers, (name) => !KEPT.test(name)));
    const parts = await this.#readable();
    const isText = parts.every(([, part]) => typeof part === 'string');
    const isStream = isText && /^text\/event-stream\b/i.test(headerOf(headers, 'content-type') ?? '');
    const redacted = isStream ? await redactedEvents(parts, redactor) : redactedBody(parts, redactor);
    const answer: TapedAnswer = {
      status,
      statusText: redactor.text(statusText),
      headers: kept.map(([name, value]) => [
        name,
        name.toLowerCase() === 'location' ? redactor.path(value) : redactor.text(value),
      ]),
      parts: redacted,
      end: end === 'left' && isStream && saysDone(redacted) ? 'whole' : (redactor.value(end) as End),
    };
    return { ...asked, answer };
  }

  /** The parts without their encoding, as text where they are one. */
  async #readable(): Promise<Parts> {
    const encoding = headerOf(this.#answer.headers, 'content-encoding')?.trim().toLowerCase() ?? 'identity';
    const last = this.#parts.at(-1);
    if (encoding === 'identity' || !last) return toParts(this.#parts);
    const bytes = this.#parts.map((part) => part.bytes);
    const unfolded = await gathered(decoded({ ...this.#answer, body: inTurn(bytes) }));
    return toParts([{ at: last.at, bytes: Buffer.concat(unfolded) }]);
  }
}

async function* inTurn(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* parts;
}

function toParts(parts: readonly { at: number; bytes: Uint8Array }[]): Parts {
  if (!isUtf8(Buffer.concat(parts.map(({ bytes }) => bytes)))) {
    return parts.map(({ at, bytes }) => [at, { base64: Buffer.from(bytes).toString('base64') }]);
  }
  const decoder = new StringDecoder('utf8');
  // A character that two parts share comes with the second.
  return parts.map(({ at, bytes }) => [at, decoder.write(Buffer.from(bytes))]);
}

/** Where something is taken out, all of the answer comes with its last part. */
function redactedBody(parts: Parts, redactor: TapeRedactor): Parts {
  const last = parts.at(-1);
  if (!last) return parts;
  const [at] = last;
  if (typeof last[1] !== 'string') {
    const bytes = Buffer.concat(parts.map(([, part]) => toBytes(part))).toString('latin1');
    const shown = redactor.text(bytes);
    return shown === bytes ? parts : [[at, { base64: Buffer.from(shown, 'latin1').toString('base64') }]];
  }
  const text = parts.map(([, part]) => part).join('');
  const shown = redactedJson(redactor.text(text), redactor);
  return shown === text ? parts : [[at, shown]];
}

/** In JSON, an escape can stand for any character of a secret. */
function redactedJson(text: string, redactor: TapeRedactor): string {
  try {
    const value: unknown = JSON.parse(text);
    const shown = JSON.stringify(redactor.value(value));
    return shown === JSON.stringify(value) ? text : shown;
  } catch {
    return text;
  }
}

function saysDone(parts: Parts): boolean {
  const end = parts
    .slice(-3)
    .map(([, part]) => part)
    .join('');
  return /data: ?\[DONE\]\s*$/.test(end);
}

export function toBytes(part: Parts[number][1]): Uint8Array {
  return typeof part === 'string' ? Buffer.from(part) : Buffer.from(part.base64, 'base64');
}
