import type { Tokenizer } from '../engines/tokens/tokenizer.ts';
import type { Settings } from './settings.ts';

/** A token takes a byte at least, and a UTF-16 unit at most three bytes. */
const TOKENS_PER_UNIT = 3;
/** What follows a text can change how its end is divided, by a few tokens. */
const BORDER_TOKENS = 64;

/** The bounds of one answer, applied alike to every model: stop strings end it, `max_tokens` cuts it. Counts in slices. */
export class Bounds {
  readonly #tokenizer: Tokenizer;
  readonly #maxTokens: number;
  readonly #stop: readonly string[];
  readonly #heldBack: number;
  /** Tokens that the text may take: `max_tokens` less those of the calls. */
  #room: number;
  #sent = '';
  #waiting = '';
  /** Tokens and length of the text when it was last counted. */
  #counted = { tokens: 0, units: 0 };
  /** Why the answer ended before the model did. */
  ended: 'stop' | 'length' | undefined;

  constructor(tokenizer: Tokenizer, { maxTokens, stop }: Pick<Settings, 'maxTokens' | 'stop'>) {
    this.#tokenizer = tokenizer;
    this.#maxTokens = maxTokens;
    this.#room = maxTokens;
    this.#stop = stop;
    this.#heldBack = Math.max(0, ...stop.map((text) => text.length - 1));
  }

  /** All text let through so far. */
  get text(): string {
    return this.#sent;
  }

  /** How many tokens that is. */
  async tokens(): Promise<number> {
    if (this.#counted.units !== this.#sent.length) {
      this.#counted = { tokens: await this.#tokenizer.countSliced(this.#sent), units: this.#sent.length };
    }
    return this.#counted.tokens;
  }

  /** The part of `text` that may be delivered now. What could begin a stop string waits for what follows. */
  async push(text: string): Promise<string> {
    this.#waiting += text;
    const stopAt = this.#firstStop();
    if (stopAt !== undefined) {
      this.ended = 'stop';
      return this.#deliver(this.#waiting.slice(0, stopAt));
    }
    const ready = this.#waiting.length - this.#heldBack;
    return ready > 0 ? this.#deliver(wholeCharacters(this.#waiting, ready)) : '';
  }

  /** What still waits where no more of the text will follow at once. */
  async rest(): Promise<string> {
    return this.ended ? '' : this.#deliver(this.#waiting);
  }

  /**
   * The arguments of the next call that are within `max_tokens`.
   * @param frameTokens what all calls so far take, with this one's frame
   * @returns undefined where not even the frame is
   */
  async pushArguments(text: string, frameTokens: number): Promise<string | undefined> {
    const left = this.#maxTokens - (await this.tokens()) - frameTokens;
    const tokens = await this.#tokenizer.countSliced(text);
    if (tokens <= left) {
      this.#room = this.#maxTokens - frameTokens - tokens;
      return text;
    }
    this.ended = 'length';
    return left >= 0 ? this.#tokenizer.prefixWithin(text, left) : undefined;
  }

  #firstStop(): number | undefined {
    const places = this.#stop.map((text) => this.#waiting.indexOf(text)).filter((place) => place >= 0);
    return places.length > 0 ? Math.min(...places) : undefined;
  }

  async #deliver(text: string): Promise<string> {
    this.#waiting = this.#waiting.slice(text.length);
    const whole = this.#sent + text;
    if (await this.#fits(whole)) {
      this.#sent = whole;
      return text;
    }
    this.ended = 'length';
    const cut = (await this.#tokenizer.prefixWithin(whole, this.#room)).slice(this.#sent.length);
    this.#sent += cut;
    return cut;
  }

  /** Counts only where the text could have come near the end of its room: it grows by a few units at a time. */
  async #fits(whole: string): Promise<boolean> {
    const { tokens, units } = this.#counted;
    if (tokens + TOKENS_PER_UNIT * (whole.length - units) + BORDER_TOKENS <= this.#room) return true;
    this.#counted = { tokens: await this.#tokenizer.countSliced(whole), units: whole.length };
    return this.#counted.tokens <= this.#room;
  }
}

/** The head of `text` that ends at `end`, or one unit before where that would split a character. */
export function wholeCharacters(text: string, end: number): string {
  const unit = text.charCodeAt(end - 1);
  const splits = end < text.length && unit >= 0xd800 && unit <= 0xdbff;
  return text.slice(0, splits ? end - 1 : end);
}
