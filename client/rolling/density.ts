/** Nearly what text takes in most languages; a write that is refused for its size teaches better. */
const FIRST_BYTES_PER_TOKEN = 3;
/** Kept free, so that text a little denser than what came before still fits. */
const MARGIN = 0.9;
const AFTER_REFUSAL = 0.6;
/** Below this nothing can be learned: frames count more than text. */
const LEAST_TOKENS = 512;

/** Learns how many bytes a write may have. The client has no tokenizer: the server counts, and says what it counted. */
export class Density {
  #bytesPerToken = FIRST_BYTES_PER_TOKEN;
  readonly #appendTokens: number;

  constructor(appendTokens: number) {
    this.#appendTokens = appendTokens;
  }

  /** Bytes that one write most likely takes. So many that are no more than its tokens surely fit. */
  get maxBytes(): number {
    return Math.max(this.#appendTokens, Math.floor(this.#appendTokens * this.#bytesPerToken * MARGIN));
  }

  /** Tokens that a text of so many bytes most likely takes. */
  tokens(bytes: number): number {
    return Math.ceil(bytes / this.#bytesPerToken);
  }

  learn(bytes: number, tokens: number): void {
    if (tokens >= LEAST_TOKENS) this.#bytesPerToken = Math.max(1, bytes / tokens);
  }

  /** A write of so many bytes was too large. @returns false where no smaller one could be told from it */
  refused(bytes: number): boolean {
    const before = this.maxBytes;
    this.#bytesPerToken = Math.max(0.5, Math.min(this.#bytesPerToken, bytes / this.#appendTokens) * AFTER_REFUSAL);
    return this.maxBytes < Math.min(before, bytes);
  }
}
