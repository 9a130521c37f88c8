import { promisify } from 'node:util';
import { brotliDecompress, unzip } from 'node:zlib';
import type { Exchange } from '../journal/exchange.ts';
import { type UpstreamUsage, usageIn } from './usage.ts';

const unzipped = promisify(unzip);
const unbrotlied = promisify(brotliDecompress);

/** Of an answer, so much is remembered: a longer one by its two ends. */
const HEAD_BYTES = 1_048_576;
const TAIL_BYTES = 65_536;
/** A compressed answer may unfold to so much. */
const UNFOLDED_BYTES = 16 * 2 ** 20;

/** Sees the bytes of an answer that is handed on, and remembers what the journal and the bill need of it. */
export class AnswerTap {
  /** Set once the answer has come to its end. */
  isWhole = false;
  readonly #encoding: string;
  #head: Uint8Array[] = [];
  #headBytes = 0;
  #tail: Uint8Array = new Uint8Array();
  #size = 0;

  constructor(encoding = 'identity') {
    this.#encoding = encoding.toLowerCase();
  }

  push(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#headBytes < HEAD_BYTES) {
      this.#head.push(part);
      this.#headBytes += part.length;
    } else {
      this.#tail = Buffer.concat([this.#tail, part]).subarray(-TAIL_BYTES);
    }
  }

  /** What the journal shows of it. */
  journal(exchange: Exchange): void {
    exchange.keepAnswer(this.#encoding === 'identity' ? this.#kept() : `[${this.#size} bytes, ${this.#encoding}]`);
  }

  #kept(): Uint8Array {
    const [only] = this.#head;
    const head = this.#head.length === 1 && only ? only : Buffer.concat(this.#head);
    this.#head = [head];
    return this.#tail.length === 0 ? head : Buffer.concat([head, this.#tail]);
  }

  /** The usage that it tells of; undefined where it does not, or broke off. */
  async usage(): Promise<UpstreamUsage | undefined> {
    if (!this.isWhole) return undefined;
    const text = await this.#text();
    if (text === undefined) return undefined;
    if (text.trimStart().startsWith('{')) return usageIn(parse(text));
    // Usage stands in one of the last events.
    const datas = text.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:') && line.includes('"usage"'));
    for (const line of datas.reverse()) {
      const usage = usageIn(parse(line.slice('data:'.length)));
      if (usage) return usage;
    }
    return undefined;
  }

  async #text(): Promise<string | undefined> {
    const bytes = this.#kept();
    if (this.#encoding === 'identity') return Buffer.from(bytes).toString();
    const unfold = this.#encoding === 'br' ? unbrotlied : unzipped;
    return unfold(bytes, { maxOutputLength: UNFOLDED_BYTES }).then(
      (unfolded) => unfolded.toString(),
      () => undefined,
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
