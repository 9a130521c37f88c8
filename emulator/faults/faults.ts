import type { OperationId } from '../../contract/operation-routes.ts';
import { accountOf } from '../account.ts';
import { EFFECTS, type Effect, type FaultSpec, operationsOf, readSpec, type Selection } from './fault-spec.ts';

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

/** A fault that has been set. */
export interface FaultHandle {
  readonly id: string;
  /** How often it has yet to act. */
  readonly remaining: number;
  /** How many requests wait in it now. */
  readonly waiting: number;
  /** Takes it away; requests that wait in it go on. */
  remove(): void;
}

/** A fault that has yet to act, or in which requests wait. Its key is told as the beginning of its account's hash. */
export type ListedFault = Omit<Selection, 'key'> &
  Effect & { id: string; account?: string; remaining: number; waiting: number };

/** How a wait has ended: in time or let go, or because nobody waits any more. */
export type Waited = 'on' | 'over';

/** Waits in a fault. */
export type Wait = (fault: Fault, ms?: number) => Promise<Waited>;

interface Waiting {
  fault: Fault;
  end(waited: Waited): void;
}

const SHOWN_DIGITS = 8;

/** The faults that are set, in the order in which they were. */
export class Faults {
  readonly #faults = new Map<string, Fault>();
  readonly #waiting = new Set<Waiting>();
  #set = 0;
  #cleared = 0;
  #closed = false;

  /** True where nothing is to go wrong. */
  get none(): boolean {
    return this.#faults.size === 0;
  }

  /** @throws FaultError that says which names and values are right */
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
    const fault = new Fault(effect as Effect, selection, id, () => this.#faults.delete(id));
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

  /** Faults that have yet to act, and those that have in which requests wait. */
  list(): ListedFault[] {
    return this.#known().map((fault) => {
      const { id = '', effect, times, remaining } = fault;
      const { account, ...rest } = fault.selection;
      const shown = account?.slice(0, SHOWN_DIGITS);
      const waiting = this.#countWaiting(fault);
      return { id, ...effect, ...rest, ...(shown !== undefined && { account: shown }), times, remaining, waiting };
    });
  }

  /** The same as texts, for whoever expected them to have acted. */
  unused(): string[] {
    return [...this.#faults.values()].map(({ effect, selection, times, remaining }) => {
      const { effect: name, ...parameters } = effect;
      const details = Object.entries(parameters).map(([parameter, value]) => ` ${parameter}=${value}`);
      const operations = operationsOf(selection.operation).join(', ');
      const where = operations === '' ? '' : ` on ${operations}`;
      return `${name}${details.join('')}${where}: ${remaining} of ${times} left`;
    });
  }

  /** Takes one away by its id. @returns whether there was one */
  remove(id: string): boolean {
    const fault = this.#known().find((each) => each.id === id);
    if (fault) this.#remove(fault);
    return fault !== undefined;
  }

  /** Takes all away; requests that wait go on. */
  clear(): void {
    for (const fault of this.#faults.values()) fault.remove();
    this.#faults.clear();
    this.#cleared += 1;
    this.#release('on');
  }

  /** Ends all waiting for good. */
  close(): void {
    this.#closed = true;
    this.#release('over');
  }

  fitting(subject: Subject): Fault[] {
    return [...this.#faults.values()].filter((fault) => fault.fits(subject));
  }

  /**
   * What a request waits with: in a fault, until that is taken away or `ms` milliseconds are over; of real time, since who waits
   * for the answer measures real time as well.
   * @param onGone is told whom to call where the client goes, and returns what takes that back
   */
  waiter(onGone: (listener: () => void) => () => void): Wait {
    const cleared = this.#cleared;
    return (fault, ms) => {
      if (this.#closed) return Promise.resolve('over');
      if (fault.removed || this.#cleared !== cleared) return Promise.resolve('on');
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
      const timer = ms === undefined ? undefined : setTimeout(() => end('on'), ms);
      this.#waiting.add(waiting);
      stop = onGone(() => end('over'));
      if (ended) stop();
    });
  }

  /** Those that are set, and those that are used up but not over. */
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
    this.#release('on', fault);
  }

  #release(waited: Waited, fault?: Fault): void {
    for (const waiting of this.#waiting) if (!fault || waiting.fault === fault) waiting.end(waited);
  }
}
