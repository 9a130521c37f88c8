import type { ChatMessage, Tool } from '../../contract/messages.ts';
import { chained, type Fingerprint, fingerprint, fingerprintTools } from './fingerprint.ts';

/** A message with the tokens that it takes. `message` names stored content that never changes, so that its hash is remembered. */
export interface CountedMessage {
  body: ChatMessage;
  tokens: number;
  message?: number;
}

/** Messages up to one, as a list that shares its beginning with others: to remember one costs nothing. */
export interface Chain {
  readonly before: Chain | undefined;
  /** Stands for all messages up to this one. */
  readonly fingerprint: Fingerprint;
  /** Of all messages up to this one. */
  readonly tokens: number;
}

/** What a request sends: tools, then messages. */
export interface Prompt {
  tools: { fingerprint: Fingerprint; tokens: number };
  messages: Chain | undefined;
  /** Of the whole prompt: tools, messages and what the template adds. */
  tokens: number;
}

const MAX_REMEMBERED = 262_144;

/** Makes chains. Remembers the hashes of stored messages, because a window is read again with every turn. */
export class Chains {
  readonly #known = new Map<number, Fingerprint>();

  grow(before: Chain | undefined, messages: readonly CountedMessage[]): Chain | undefined {
    let chain = before;
    for (const message of messages) {
      chain = {
        before: chain,
        fingerprint: chained(chain?.fingerprint ?? 0, this.#fingerprint(message)),
        tokens: (chain?.tokens ?? 0) + message.tokens,
      };
    }
    return chain;
  }

  tools(tools: readonly Tool[], tokens: number): Prompt['tools'] {
    return { fingerprint: fingerprintTools(tools), tokens };
  }

  /** Rows may be given out anew after this. */
  forget(): void {
    this.#known.clear();
  }

  #fingerprint({ body, message }: CountedMessage): Fingerprint {
    if (message === undefined) return fingerprint(body);
    const known = this.#known.get(message);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    const made = fingerprint(body);
    this.#known.set(message, made);
    return made;
  }
}
