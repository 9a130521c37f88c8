import type { Chain } from './prompt-chain.ts';

const MAX_SESSIONS = 4_096;
const MAX_SNAPSHOTS = 65_536;

/**
 * What a client without sessions would have had to keep: all that was ever written to each session, uncut. Truncate and compress
 * take nothing from it. A snapshot marks it; a rollback or a fork continues from the mark, because there the work since is given up
 * by either client. Unknown of a session that this process has not seen from its beginning.
 */
export class Histories {
  readonly #sessions = new Map<string, Chain | undefined>();
  readonly #snapshots = new Map<string, Chain | undefined>();

  knows(session: string): boolean {
    return this.#sessions.has(session);
  }

  of(session: string): Chain | undefined {
    return this.#sessions.get(session);
  }

  set(session: string, history: Chain | undefined): void {
    put(this.#sessions, session, history, MAX_SESSIONS);
  }

  mark(session: string, snapshot: string): void {
    if (this.knows(session)) put(this.#snapshots, snapshot, this.of(session), MAX_SNAPSHOTS);
  }

  /** `session` goes on from a snapshot, its own or another's. */
  continueFrom(session: string, snapshot: string): void {
    if (this.#snapshots.has(snapshot)) this.set(session, this.#snapshots.get(snapshot));
    else this.#sessions.delete(session);
  }

  drop(session: string): void {
    this.#sessions.delete(session);
  }

  clear(): void {
    this.#sessions.clear();
    this.#snapshots.clear();
  }
}

/** The one that was put longest ago goes where there are too many. */
function put<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.size > max ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}
