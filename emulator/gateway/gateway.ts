import type { SpendCap } from './spend-caps.ts';
import { SpendCaps } from './spend-caps.ts';
import { endToEnd, type Upstream } from './upstream.ts';

interface GatewaySettings {
  readonly upstream: Upstream;
  /** The gateway's own key; where undefined, each client's is passed on. */
  readonly key?: string | undefined;
  readonly caps?: readonly SpendCap[];
  /** Whether an answer whose client has gone is read to its end and stored, so that a retry gets what was paid for. */
  readonly finishesAbandoned?: boolean;
  /** Milliseconds that the upstream may take for the whole answer of a session turn. */
  readonly turnMs: number;
}

/** Answers that come from another server. */
export class Gateway {
  readonly upstream: Upstream;
  readonly caps: SpendCaps;
  readonly finishesAbandoned: boolean;
  readonly turnMs: number;
  readonly #key: string | undefined;

  constructor({ upstream, key, caps = [], finishesAbandoned = false, turnMs }: GatewaySettings) {
    this.upstream = upstream;
    this.#key = key;
    this.caps = new SpendCaps(caps);
    this.finishesAbandoned = finishesAbandoned;
    this.turnMs = turnMs;
  }

  /** Whether clients bring the upstream's keys. */
  get passesKeys(): boolean {
    return this.#key === undefined;
  }

  /** A client's headers as they are sent on. @param drops further names, in lower case */
  headersFor(headers: readonly string[], drops: (name: string) => boolean = () => false): string[] {
    let keys = 0;
    const sent = endToEnd(headers, (name) => {
      // The first is the one that the account was told from.
      if (name === 'authorization' && ++keys > 1) return true;
      if (name === 'host' || name === 'expect' || name.startsWith('kimi-emulator-')) return true;
      return (name === 'authorization' && !this.passesKeys) || drops(name);
    });
    return this.#key === undefined ? sent : [...sent, 'Authorization', `Bearer ${this.#key}`];
  }
}
