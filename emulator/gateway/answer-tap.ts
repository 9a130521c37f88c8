import { promisify } from 'node:util';
import { brotliDecompress, unzip } from 'node:zlib';
import type { Exchange } from '../journal/exchange.ts';
import { JoinedBytes } from './read-events.ts';
import { type UpstreamUsage, usageIn } from './usage.ts';

const unzipped = promisify(unzip);
const unbrotlied = promisify(brotliDecompress);

/** Of an answer, so much is remembered: a longer one by its two ends. */
const HEAD_BYTES = 1_048_576;
const TAIL_BYTES = 65_536;
/** A compressed answer may unfold to so much. */
const UNFOLDED_BYTES = 16 * 2 ** 20;
/** Usage stands in one of the last events that name it. */
const EVENTS_READ = 16;

/** Sees the bytes of an answer that is handed on, and remembers what the journal and the bill need of it. */
export class AnswerTap {
  /** Set once the answer has come to its end. */
  isWhole = false;
  readonly #encoding: string;
  readonly #head = new JoinedBytes();
  #tail: Uint8Array = new Uint8Array();
  #size = 0;

  constructor(encoding = 'identity') {
    this.#encoding = encoding.toLowerCase();
  }

  push(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#head.length < HEAD_BYTES) this.#head.push(part);
    else this.#tail = Buffer.concat([this.#tail, part]).subarray(-TAIL_BYTES);
  }

  /** What the journal shows of it. */
  journal(exchange: Exchange): void {
    exchange.keepAnswer(this.#encoding === 'identity' ? this.#kept() : `[${this.#size} bytes, ${this.#encoding}]`);
  }

  #kept(): Uint8Array {
    const head = this.#head.bytes;
    return this.#tail.length === 0 ? head : Buffer.concat([head, this.#tail]);
  }

  /** The usage that it tells of; undefined where it does not, or broke off. */
  async usage(): Promise<UpstreamUsage | undefined> {
    if (!this.isWhole) return undefined;
    const text = await this.#text();
    if (text === undefined) return undefined;
    if (text.trimStart().startsWith('{')) return usageIn(parse(text));
    return lastUsage(text);
  }

  async #text(): Promise<string | undefined> {
    const bytes = this.#kept();
    if (this.#encoding === 'identity') return Buffer.from(bytes).toString();
    const unfold = this.#encoding === 'br' ? unbrotlied : unzipped;
    return unfold(bytes, { maxOutputLength: UNFOLDED_BYTES }).then(
      (unfolded) => endsOf(unfolded).toString(),
      () => undefined,
    );
  }
}

/** As much of an answer as is remembered of one that is not compressed. */
function endsOf(bytes: Buffer): Buffer {
  if (bytes.length <= HEAD_BYTES + TAIL_BYTES) return bytes;
  return Buffer.concat([bytes.subarray(0, HEAD_BYTES), bytes.subarray(-TAIL_BYTES)]);
}

/** From the end, a line at a time: a million lines need not all be looked at. */
function lastUsage(text: string): UpstreamUsage | undefined {
  let at = text.lastIndexOf('"usage"');
  for (let read = 0; at !== -1 && read < EVENTS_READ; read += 1) {
    const start = Math.max(text.lastIndexOf('\n', at), text.lastIndexOf('\r', at)) + 1;
    const [line = ''] = text.slice(start).split(/[\r\n]/, 1);
    const usage = line.startsWith('data:') ? usageIn(parse(line.slice('data:'.length))) : undefined;
    if (usage) return usage;
    at = start === 0 ? -1 : text.lastIndexOf('"usage"', start - 1);
  }
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
