import type { Exchange } from '../journal/exchange.ts';

/** What became of one tool call. */
export interface CallFate {
  opened: Exchange | undefined;
  /** Where in its history it stands. */
  place: number | undefined;
  answered?: Exchange;
  gone?: { by: Exchange; how: 'cut' | 'compressed' | 'rolled back' | 'never stored' };
}

type Calls = Map<string, CallFate>;

/** Follows the tool calls of all sessions of an account through what the journal knows. */
export class CallStory {
  readonly #sessions = new Map<string, Calls>();
  readonly #snapshots = new Map<string, Calls>();

  constructor(exchanges: readonly Exchange[]) {
    for (const exchange of exchanges) this.#follow(exchange);
  }

  of(session: string | undefined, id: string): CallFate | undefined {
    return this.#sessions.get(session ?? '')?.get(id);
  }

  /** Calls of a session that wait for their result. */
  open(session: string | undefined): string[] {
    const calls = [...(this.#sessions.get(session ?? '') ?? [])];
    return calls.filter(([, fate]) => !fate.answered && !fate.gone).map(([id]) => id);
  }

  /** Another session in which the call was issued and still waits. */
  elsewhere(session: string | undefined, id: string): { session: string; opened: Exchange } | undefined {
    for (const [other, calls] of this.#sessions) {
      const fate = calls.get(id);
      if (other !== session && fate?.opened && !fate.answered && !fate.gone)
        return { session: other, opened: fate.opened };
    }
    return undefined;
  }

  #follow(exchange: Exchange): void {
    const { session } = exchange;
    if (session === undefined) return;
    const { facts } = exchange;
    const { created, wrote, turn, cut, compressed, snapshot, rolled_back } = facts;
    const calls = this.#sessions.get(session) ?? new Map();
    this.#sessions.set(session, calls);
    if (created?.from_snapshot !== undefined) {
      this.#sessions.set(session, copied(this.#snapshots.get(created.from_snapshot)));
    }
    for (const id of wrote?.opened ?? []) calls.set(id, { opened: exchange, place: wrote?.place });
    for (const id of wrote?.answered ?? []) {
      calls.set(id, { opened: undefined, place: wrote?.place, ...calls.get(id), answered: exchange });
    }
    if (turn?.stored === false) {
      for (const id of turn.calls ?? []) calls.set(id, lost(exchange));
    }
    if (cut) leave(calls, exchange, 'cut', (fate) => (fate.place ?? Number.POSITIVE_INFINITY) < cut.first_place);
    if (compressed?.snapshot !== undefined) {
      this.#snapshots.set(compressed.snapshot, copied(calls));
      leave(calls, exchange, 'compressed', () => true);
    }
    if (snapshot) this.#snapshots.set(snapshot.id, copied(calls));
    if (rolled_back) this.#rollBack(session, exchange, rolled_back);
  }

  #rollBack(session: string, exchange: Exchange, { snapshot, first_place }: { snapshot: string; first_place: number }) {
    const before = this.#sessions.get(session) ?? new Map();
    const after = copied(this.#snapshots.get(snapshot));
    for (const [id, fate] of before) {
      if (!after.has(id)) after.set(id, { ...fate, gone: fate.gone ?? { by: exchange, how: 'rolled back' } });
    }
    leave(after, exchange, 'rolled back', (fate) => (fate.place ?? Number.POSITIVE_INFINITY) < first_place);
    this.#sessions.set(session, after);
  }
}

function lost(exchange: Exchange): CallFate {
  return { opened: exchange, place: undefined, gone: { by: exchange, how: 'never stored' } };
}

function copied(calls: Calls | undefined): Calls {
  return new Map([...(calls ?? [])].map(([id, fate]) => [id, { ...fate }]));
}

function leave(
  calls: Calls,
  by: Exchange,
  how: NonNullable<CallFate['gone']>['how'],
  which: (fate: CallFate) => boolean,
): void {
  for (const fate of calls.values()) if (!fate.gone && which(fate)) fate.gone = { by, how };
}
