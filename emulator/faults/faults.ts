import type { OperationId } from '../../contract/operation-routes.ts';
import { accountOf } from '../ids.ts';
import {
  FAULT_EFFECTS,
  type FaultEffect,
  type FaultSpec,
  operationsOf,
  readSpec,
  type Selection,
} from './fault-spec.ts';

/** What faults need to know of a request. */
export interface Subject {
  operation: OperationId;
  session: string | undefined;
  model: string | undefined;
  /** Hash of the key. */
  account: string;
}

/** A selection with the account in place of the key. */
type HashedSelection = Omit<Selection, 'key'> & { account?: string };

/** One fault, and how often it has yet to act. */
export class Fault {
  /** Undefined for a fault from a request header. */
  readonly id: string | undefined;
  readonly effect: FaultEffect;
  readonly selection: Readonly<HashedSelection>;
  readonly times: number;
  readonly #onSpent: () => void;
  #remaining: number;
  #removed = false;

  /** @param onSpent called once it has acted for the last time */
  constructor(
    effect: FaultEffect,
    selection: HashedSelection = {},
    id?: string,
    onSpent: () => void = () => undefined,
  ) {
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

  /** Whether it was removed. */
  get removed(): boolean {
    return this.#removed;
  }

  fits({ operation, session, account }: Subject): boolean {
    const wanted = this.selection;
    return (
      FAULT_EFFECTS[this.effect.effect].operations.includes(operation) &&
      (wanted.operation === undefined || operationsOf(wanted.operation).includes(operation)) &&
      (wanted.session === undefined || wanted.session === session) &&
      (wanted.account === undefined || wanted.account === account)
    );
  }

  /** Uses it up by one. @returns whether it acts now */
  consume(): boolean {
    if (this.#removed || this.#remaining === 0) return false;
    this.#remaining -= 1;
    if (this.#remaining === 0) this.#onSpent();
    return true;
  }

  /** Stops it from acting again. */
  remove(): void {
    this.#removed = true;
  }
}

/** A fault that was added. */
export interface FaultHandle {
  readonly id: string;
  /** How often it has yet to act. */
  readonly remaining: number;
  /** How many requests it holds up now. */
  readonly waiting: number;
  /** Removes it; requests that it holds up continue. */
  remove(): void;
}

/** A fault that has yet to act or holds up requests. Its key is shown as the start of its account's hash. */
export type ListedFault = Omit<Selection, 'key'> &
  FaultEffect & { id: string; account?: string; remaining: number; waiting: number };

/** How a wait ended: the request continues, or its client or the emulator is gone. */
export type Waited = 'continue' | 'gone';

/** Holds up a request in a fault. */
export type Wait = (fault: Fault, ms?: number) => Promise<Waited>;

interface Waiting {
  fault: Fault;
  end(waited: Waited): void;
}

const SHOWN_DIGITS = 8;

/** The faults of an emulator, in the order in which they were added. */
export class Faults {
  readonly #faults = new Map<string, Fault>();
  readonly #waiting = new Set<Waiting>();
  #set = 0;
  #cleared = 0;
  #closed = false;

  /** True if there is no fault. */
  get none(): boolean {
    return this.#faults.size === 0;
  }

  /** @throws FaultError naming the valid names and values */
  add(spec: FaultSpec): FaultHandle {
    const { operation, session, key, times, ...effect } = readSpec(spec);
    this.#set += 1;
    const id = `fault_${this.#set}`;
    const selection = {
      ...(operation !== undefined && { operation }),
      ...(session !== undefined && { session }),
      ...(key !== undefined && { account: accountOf(key) }),
      ...(times !== undefined && { times }),
    };
    const fault = new Fault(effect as FaultEffect, selection, id, () => this.#faults.delete(id));
    this.#faults.set(id, fault);
    const countWaiting = () => this.#countWaiting(fault);
    return {
      id,
      get remaining() {
        return fault.remaining;
      },
      get waiting() {
        return countWaiting();
      },
      remove: () => this.#remove(fault),
    };
  }

  /** Faults that have yet to act or hold up requests. */
  list(): ListedFault[] {
    return this.#known().map((fault) => {
      const { id = '', effect, times, remaining } = fault;
      const { account, ...rest } = fault.selection;
      const shown = account?.slice(0, SHOWN_DIGITS);
      const waiting = this.#countWaiting(fault);
      return { id, ...effect, ...rest, ...(shown !== undefined && { account: shown }), times, remaining, waiting };
    });
  }

  /** Unused faults, one line each, for a test that expected them to act. */
  unused(): string[] {
    return [...this.#faults.values()].map(({ effect, selection, times, remaining }) => {
      const { effect: name, ...parameters } = effect;
      const details = Object.entries(parameters).map(([parameter, value]) => ` ${parameter}=${value}`);
      const operations = operationsOf(selection.operation).join(', ');
      const where = operations === '' ? '' : ` on ${operations}`;
      return `${name}${details.join('')}${where}: ${remaining} of ${times} left`;
    });
  }

  /** Removes a fault by its id. @returns whether there was one */
  remove(id: string): boolean {
    const fault = this.#known().find((each) => each.id === id);
    if (fault) this.#remove(fault);
    return fault !== undefined;
  }

  /** Removes all faults; requests that they hold up continue. */
  clear(): void {
    for (const fault of this.#faults.values()) fault.remove();
    this.#faults.clear();
    this.#cleared += 1;
    this.#release('continue');
  }

  /** Ends all waiting, and lets no request wait again. */
  close(): void {
    this.#closed = true;
    this.#release('gone');
  }

  fitting(subject: Subject): Fault[] {
    return [...this.#faults.values()].filter((fault) => fault.fits(subject));
  }

  /**
   * Returns the function with which one request waits in a fault: until the fault is removed or `ms` milliseconds have passed, in
   * real time, because the client measures real time too.
   * @param onGone registers a listener for the client going away, and returns a function that unregisters it
   */
  waiter(onGone: (listener: () => void) => () => void): Wait {
    const cleared = this.#cleared;
    return (fault, ms) => {
      if (this.#closed) return Promise.resolve('gone');
      if (fault.removed || this.#cleared !== cleared) return Promise.resolve('continue');
      return this.#wait(fault, ms, onGone);
    };
  }

  #wait(fault: Fault, ms: number | undefined, onGone: (listener: () => void) => () => void): Promise<Waited> {
    return new Promise((resolve) => {
      let stop = (): void => undefined;
      let ended = false;
      const end = (waited: Waited): void => {
        ended = true;
        clearTimeout(timer);
        stop();
        this.#waiting.delete(waiting);
        resolve(waited);
      };
      const waiting: Waiting = { fault, end };
      const timer = ms === undefined ? undefined : setTimeout(() => end('continue'), ms);
      this.#waiting.add(waiting);
      stop = onGone(() => end('gone'));
      if (ended) stop();
    });
  }

  /** Faults that have yet to act, and used up ones that still hold up requests. */
  #known(): Fault[] {
    const waitedIn = [...this.#waiting].map(({ fault }) => fault).filter(({ id }) => id !== undefined);
    return [...new Set([...this.#faults.values(), ...waitedIn])];
  }

  #countWaiting(fault: Fault): number {
    return [...this.#waiting].filter((one) => one.fault === fault).length;
  }

  #remove(fault: Fault): void {
    if (fault.id !== undefined) this.#faults.delete(fault.id);
    fault.remove();
    this.#release('continue', fault);
  }

  #release(waited: Waited, fault?: Fault): void {
    for (const waiting of this.#waiting) if (!fault || waiting.fault === fault) waiting.end(waited);
  }
}
