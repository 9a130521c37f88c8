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
}

/** Answers that come from another server. */
export class Gateway {
  readonly upstream: Upstream;
  readonly caps: SpendCaps;
  readonly finishesAbandoned: boolean;
  readonly #key: string | undefined;

  constructor({ upstream, key, caps = [], finishesAbandoned = false }: GatewaySettings) {
    this.upstream = upstream;
    this.#key = key;
    this.caps = new SpendCaps(caps);
    this.finishesAbandoned = finishesAbandoned;
  }

  /** Whether clients bring the upstream's keys. */
  get passesKeys(): boolean {
    return this.#key === undefined;
  }

  /** A client's headers as they are sent on. @param drops further names, in lower case */
  headersFor(headers: readonly string[], drops: (name: string) => boolean = () => false): string[] {
    const sent = endToEnd(headers, (name) => {
      if (name === 'host' || name === 'expect' || name.startsWith('kimi-emulator-')) return true;
      return (name === 'authorization' && !this.passesKeys) || drops(name);
    });
    return this.#key === undefined ? sent : [...sent, 'Authorization', `Bearer ${this.#key}`];
  }
}
