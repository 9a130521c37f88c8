import type { Tokenizer } from '../tokens/tokenizer.ts';
import type { Settings } from './settings.ts';

/** The bounds of one answer, applied alike to every model: stop strings end it, `max_tokens` cuts it. */
export class Bounds {
  readonly #tokenizer: Tokenizer;
  readonly #maxTokens: number;
  readonly #stop: readonly string[];
  readonly #heldBack: number;
  #sent = '';
  #waiting = '';
  /** Why the answer ended before the model did. */
  ended: 'stop' | 'length' | undefined;

  constructor(tokenizer: Tokenizer, { maxTokens, stop }: Pick<Settings, 'maxTokens' | 'stop'>) {
    this.#tokenizer = tokenizer;
    this.#maxTokens = maxTokens;
    this.#stop = stop;
    this.#heldBack = Math.max(0, ...stop.map((text) => text.length - 1));
  }

  /** All text let through so far. */
  get text(): string {
    return this.#sent;
  }

  /** The part of `text` that may be delivered now. What could begin a stop string waits for what follows. */
  take(text: string): string {
    this.#waiting += text;
    const stopAt = this.#firstStop();
    if (stopAt !== undefined) {
      this.ended = 'stop';
      return this.#deliver(this.#waiting.slice(0, stopAt));
    }
    const ready = this.#waiting.length - this.#heldBack;
    return ready > 0 ? this.#deliver(wholeCharacters(this.#waiting, ready)) : '';
  }

  /** What still waits when the model has said everything. */
  rest(): string {
    return this.ended ? '' : this.#deliver(this.#waiting);
  }

  /**
   * The arguments of a call that are within `max_tokens`, given what the call's frame takes.
   * @returns undefined where not even the frame is
   */
  takeArguments(text: string, frameTokens: number): string | undefined {
    const left = this.#maxTokens - this.#tokenizer.count(this.#sent) - frameTokens;
    if (this.#tokenizer.count(text) <= left) return text;
    this.ended = 'length';
    return left >= 0 ? this.#tokenizer.prefixWithin(text, left) : undefined;
  }

  #firstStop(): number | undefined {
    const places = this.#stop.map((text) => this.#waiting.indexOf(text)).filter((place) => place >= 0);
    return places.length > 0 ? Math.min(...places) : undefined;
  }

  #deliver(text: string): string {
    this.#waiting = this.#waiting.slice(text.length);
    const whole = this.#sent + text;
    // A token takes a byte at least, and a UTF-16 unit at most three bytes.
    if (3 * whole.length <= this.#maxTokens || this.#tokenizer.count(whole) <= this.#maxTokens) {
      this.#sent = whole;
      return text;
    }
    this.ended = 'length';
    const cut = this.#tokenizer.prefixWithin(whole, this.#maxTokens).slice(this.#sent.length);
    this.#sent += cut;
    return cut;
  }
}

/** The head of `text` that ends at `end`, or one unit before where that would split a character. */
export function wholeCharacters(text: string, end: number): string {
  const unit = text.charCodeAt(end - 1);
  const splits = end < text.length && unit >= 0xd800 && unit <= 0xdbff;
  return text.slice(0, splits ? end - 1 : end);
}
