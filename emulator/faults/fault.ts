import type { OperationId } from '../../contract/operation-routes.ts';
import { EFFECTS, type Effect } from './effects.ts';
import { operationsOf, type Selection } from './spec.ts';

/** What one request is about, as far as faults ask. */
export interface Subject {
  operation: OperationId;
  session: string | undefined;
  model: string | undefined;
  /** Hash of the key. */
  account: string;
}

/** Which requests, where a key is known by the hash that stands for its account. */
export type HashedSelection = Omit<Selection, 'key'> & { account?: string };

/** One fault with what is left of it. */
export class Fault {
  /** What it is known by; one that came with a request has none. */
  readonly id: string | undefined;
  readonly effect: Effect;
  readonly selection: Readonly<HashedSelection>;
  readonly times: number;
  readonly #onSpent: () => void;
  #remaining: number;
  #removed = false;

  /** @param onSpent called when it has acted for the last time */
  constructor(effect: Effect, selection: HashedSelection = {}, id?: string, onSpent: () => void = () => undefined) {
    this.id = id;
    this.effect = effect;
    this.selection = selection;
    this.times = selection.times ?? 1;
    this.#remaining = this.times;
    this.#onSpent = onSpent;
  }

  /** How often it has yet to act. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Whether it was taken away. */
  get removed(): boolean {
    return this.#removed;
  }

  fits({ operation, session, account }: Subject): boolean {
    const wanted = this.selection;
    return (
      EFFECTS[this.effect.effect].operations.includes(operation) &&
      (wanted.operation === undefined || operationsOf(wanted.operation).includes(operation)) &&
      (wanted.session === undefined || wanted.session === session) &&
      (wanted.account === undefined || wanted.account === account)
    );
  }

  /** Whether it acts now, which uses it up by one. */
  take(): boolean {
    if (this.#removed || this.#remaining === 0) return false;
    this.#remaining -= 1;
    if (this.#remaining === 0) this.#onSpent();
    return true;
  }

  /** It acts no more. */
  remove(): void {
    this.#removed = true;
  }
}
