import type { ErrorCode } from '../../contract/errors.ts';
import { ApiError, injectedError } from '../errors.ts';
import { type NextItems, StreamCut } from '../streams/output.ts';
import type { Effect, EffectName } from './fault-spec.ts';
import type { Fault, Subject, Wait, Waited } from './faults.ts';

type Of<Name extends EffectName> = Extract<Effect, { effect: Name }>;

/**
 * What is to go wrong with one request, asked at the places where it does. All that fit act, each at its own place; of two of
 * the same effect, the one that was set first. What has no place in a request is not used up by it.
 */
export class RequestFaults {
  readonly #faults: readonly Fault[];
  readonly #subject: Subject;
  readonly #wait: Wait;
  readonly #onActed: (effect: EffectName) => void;
  #slow: Taken<'slow_stream'> | undefined;

  /** @param onActed told of each that acts */
  constructor(faults: readonly Fault[], subject: Subject, wait: Wait, onActed: (effect: EffectName) => void) {
    this.#faults = faults;
    this.#subject = subject;
    this.#wait = wait;
    this.#onActed = onActed;
  }

  /** One that acts now, if any. */
  take<Name extends EffectName>(name: Name, when: (effect: Of<Name>) => boolean = () => true): Taken<Name> | undefined {
    const taken = this.#of(name).find(({ fault, effect }) => when(effect) && fault.take());
    if (taken) this.#onActed(name);
    return taken;
  }

  /** One that may act yet, if any. */
  expect<Name extends EffectName>(name: Name): Taken<Name> | undefined {
    return this.#of(name).find(({ fault }) => fault.remaining > 0);
  }

  /** Before anything is done: waits. */
  async hold(): Promise<Waited> {
    const delay = this.take('delay');
    if (delay && (await this.#wait(delay.fault, delay.effect.ms)) === 'over') return 'over';
    const hang = this.take('hang');
    return hang ? this.#wait(hang.fault) : 'on';
  }

  /** Before an event of a stream is sent: waits. */
  holdEvent(): Promise<Waited> | Waited {
    this.#slow ??= this.take('slow_stream');
    return this.#slow ? this.#wait(this.#slow.fault, this.#slow.effect.ms) : 'on';
  }

  /** Before anything is done. @throws ApiError */
  requireNoError(): void {
    const failing = this.take('error');
    if (failing) throw this.#refusal('error', failing.effect.code);
  }

  /** Where a session is found idle. @throws ApiError `session_busy` */
  requireIdle(session: string): void {
    if (this.take('session_busy')) throw this.#refusal('session_busy', 'session_busy', session);
  }

  /** Where a snapshot is looked up. @throws ApiError `snapshot_not_found` */
  requireSnapshot(id: string, param = 'snapshot_id'): void {
    if (!this.take('snapshot_expired')) return;
    throw new ApiError('snapshot_not_found', { snapshot: id, param }, 'snapshot_expired');
  }

  /** When a summary is ready and nothing is changed yet. @throws ApiError as for an engine that fails */
  requireCompression(): void {
    if (this.take('compress_fails')) throw this.#refusal('compress_fails', 'unexpected_output');
  }

  /** In a transaction, when all is written that it changes. @throws ApiError as the store's own error is answered */
  requireDisk(): void {
    if (this.take('disk_full')) throw this.#refusal('disk_full', 'unexpected_output');
  }

  /**
   * When a request has passed its checks. Departure: the live API has no text for an engine that runs out of memory; it answers
   * one that fails with a 500.
   * @throws ApiError for a call of too many new tokens
   */
  requireMemory(newTokens: number): void {
    if (this.take('window_pressure', ({ max_new_tokens }) => newTokens > max_new_tokens)) {
      throw this.#refusal('window_pressure', 'unexpected_output');
    }
  }

  /** Where an answer to what took effect leaves: whether it never arrives. */
  losesAnswer(): boolean {
    return this.take('lose_answer') !== undefined;
  }

  /** The items of an answer that is streamed, as they arrive. */
  faulty<Item>(next: NextItems<Item>, encode: (item: Item) => string): NextItems<Item> {
    const items = faultyItems(next, encode, this);
    return () => items.next();
  }

  /** Takes all items and sends none. How they end is of no interest: nobody hears of it. */
  swallow<Item>(next: NextItems<Item>): Promise<void> {
    return swallow(next).catch(() => undefined);
  }

  #of<Name extends EffectName>(name: Name): Taken<Name>[] {
    return this.#faults
      .filter((fault) => fault.effect.effect === name)
      .map((fault) => ({ fault, effect: fault.effect as Of<Name> }));
  }

  #refusal(fault: EffectName, code: ErrorCode, session = this.#subject.session): ApiError {
    const { account, model } = this.#subject;
    const subject = { account, ...(model !== undefined && { model }), ...(session !== undefined && { session }) };
    return injectedError(code, subject, fault);
  }
}

interface Taken<Name extends EffectName> {
  fault: Fault;
  effect: Of<Name>;
}

const NON_ASCII = /[^\0-\x7f]/u;

/** The items of a stream, one by one, slowed down and cut off as the request's faults have it. */
export async function* faultyItems<Item>(
  next: NextItems<Item>,
  encode: (item: Item) => string,
  faults: RequestFaults,
): AsyncGenerator<Iterable<Item>, void> {
  const cut = faults.expect('cut_stream');
  let sent = 0;
  const cutHere = () => cut?.effect.after_events === sent && cut.fault.take();
  const cutOff = (head?: Uint8Array<ArrayBuffer>) => new StreamCut(head, cut?.effect.cleanly);
  if (cutHere()) throw cutOff();
  for (let step = await next(); !step.done; step = await next()) {
    for (const item of step.value) {
      if ((await faults.holdEvent()) === 'over') throw new StreamCut();
      const head = cut?.effect.inside_character ? headOfCharacter(encode(item)) : undefined;
      if (head && cut?.fault.take()) throw cutOff(head);
      yield [item];
      sent += 1;
      // Before the next is asked for: what is not sent any more must not take effect.
      if (cutHere()) throw cutOff();
    }
  }
}

/** Takes all items and sends none. */
export async function swallow<Item>(next: NextItems<Item>): Promise<void> {
  for (let step = await next(); !step.done; step = await next()) for (const _ of step.value);
}

/** The text up to the first byte of its first character that takes several. */
function headOfCharacter(text: string): Uint8Array<ArrayBuffer> | undefined {
  const place = text.search(NON_ASCII);
  if (place === -1) return undefined;
  const before = Buffer.byteLength(text.slice(0, place));
  return Buffer.from(text).subarray(0, before + 1);
}
