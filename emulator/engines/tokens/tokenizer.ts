/** Counts and cuts plain text. Markers of the chat template are not text: see `prompt.ts`. */
export interface Tokenizer {
  /** The vocabulary's name, e.g. `o200k_base` or `kimi-k2`. */
  readonly name: string;
  /** True where counts equal the live service's. */
  readonly exact: boolean;
  /** Token ids, identical to the reference implementation's. Text never encodes to special ids. */
  encode(text: string): number[];
  /** Number of tokens; runs to the end without a pause, in time linear (n·log n at worst) in the text. */
  count(text: string): number;
  /** The same number, giving way to the event loop every few milliseconds. */
  countSliced(text: string): Promise<number>;
  /** The longest prefix of whole characters that counts at most `maxTokens`; gives way to the event loop. */
  prefixWithin(text: string, maxTokens: number): Promise<string>;
  /**
   * The longest suffix of whole characters that counts at most `maxTokens`; gives way to the event loop. Of text that is
   * encoded in parts, one that is a few tokens shorter at most.
   */
  suffixWithin(text: string, maxTokens: number): Promise<string>;
}

/** A vocabulary that is parsed when something is counted first. */
export interface TokenizerSource {
  readonly name: string;
  readonly exact: boolean;
  /** Loads at the first call, without holding the event loop; later calls share the result. */
  load(): Promise<Tokenizer>;
}

/** A vocabulary that cannot be used; the message is one line that says which file, what is wrong and what to do. */
export class TokenizerFileError extends Error {
  override readonly name = 'TokenizerFileError';
}
