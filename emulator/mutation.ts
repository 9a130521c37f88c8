import { createHash } from 'node:crypto';
import { ApiError, invalid } from './api-error.ts';
import { billingOf } from './billing/billing.ts';
import { unixSeconds } from './clock.ts';
import type { RequestContext } from './http/context.ts';
import { journalStreamedText, noteEffects, type WrittenAnswer, written } from './http/respond.ts';
import type { Billed } from './journal/exchange.ts';
import type { Services } from './services.ts';
import type { MediaSource } from './sessions/media.ts';
import { type Applied, type Change, type Preparing, requireSession } from './sessions/session.ts';
import { CutMissing } from './sessions/truncate.ts';
import type { Write } from './sessions/write.ts';
import { BlobGone } from './store/blobs.ts';
import type { SessionRow } from './store/sessions.ts';

const VERSION = /^"(0|[1-9]\d{0,14})"$/;
const MAX_KEY_LENGTH = 255;

/** The session that a request changes. */
export interface SessionTarget {
  id: string;
  /** The version that `If-Match` asks for. */
  expected: number | undefined;
  /** The field that names the session, where it is not the path. */
  param?: string;
  /** True where it need not be idle, because it is only read. */
  busy?: true;
}

type Loaded<Target> = Target extends SessionTarget ? SessionRow : undefined;

/** One line of a streamed append. `generation` is that of the state in which the stream began. */
interface Line {
  index: number;
  bytes: Uint8Array;
  generation: number;
}

/**
 * Changes state, as every request that does so: claim the key → prepare → in one transaction: load, check version, check busy,
 * apply, store the answer.
 * @returns the answer, which is the stored one where the key has one already
 * @throws ApiError `idempotency_mismatch`, `request_in_progress`; `session_not_found`, `version_conflict`, `session_busy`, in
 * this order; and as `prepare` and `apply` do
 */
export async function mutate<Prepared, Target extends SessionTarget | undefined>(
  c: RequestContext,
  target: Target,
  change: Change<Prepared, Loaded<Target>>,
  line?: Line,
): Promise<WrittenAnswer> {
  const mutation = new Mutation(c, target, line);
  if (mutation.replay) return mutation.replay;
  try {
    const prepared = (await change.prepare?.(mutation)) as Prepared;
    await mutation.commit((session) => change.apply(session, prepared));
    return mutation.answer;
  } finally {
    mutation.release();
  }
}

/** One change of state, step by step. `mutate` takes all steps in a row; a chat turn generates its answer between them. */
export class Mutation<Target extends SessionTarget | undefined> implements Preparing<Loaded<Target>> {
  /** The answer that the key has already: then there is nothing to do. */
  readonly replay: WrittenAnswer | undefined;
  readonly services: Services;
  readonly #c: RequestContext;
  readonly #target: Target;
  readonly #line: Line | undefined;
  readonly #claim: Claim | undefined;
  readonly #generation: number;
  #held: SessionRow | undefined;
  /** The session as the change found it. */
  #before: SessionRow | undefined;
  readonly #releases: (() => void)[] = [];
  #applied: Applied | undefined;
  #answer: WrittenAnswer | undefined;

  /** Claims the request's key. @throws ApiError `idempotency_mismatch`, `request_in_progress` */
  constructor(c: RequestContext, target: Target, line?: Line) {
    const claim = claimKey(c, line);
    this.#c = c;
    this.services = c.get('services');
    this.#target = target;
    this.#line = line;
    this.#generation = line?.generation ?? c.get('services').store.generation;
    if (claim && 'replay' in claim) this.replay = claim.replay;
    else this.#claim = claim;
  }

  /** True where nothing of it can be stored any more: all state has been reset since it began. */
  get isStale(): boolean {
    return this.services.store.generation !== this.#generation;
  }

  get account(): string {
    return this.#c.get('account');
  }

  /** Where the pictures and videos of the request are. */
  get media(): MediaSource {
    return this.#c.var;
  }

  /** Charges the account's rate with what the request may use. @throws ApiError `tpm_limit`, `tpd_limit` */
  charge(tokens: number): void {
    this.#c.get('rate')?.charge(tokens);
  }

  /** @throws ApiError where a fault says that there is no memory for so many new tokens */
  requireMemory(newTokens: number): void {
    this.#c.get('faults')?.requireMemory(newTokens);
  }

  /** Loads the session. @throws ApiError `session_not_found`, `version_conflict`, `session_busy` */
  load(): Loaded<Target> {
    const target: SessionTarget | undefined = this.#target;
    return (target && loadSession(this.#c, target)) as Loaded<Target>;
  }

  /** Loads the session, and locks it until the release. @throws as `load` does */
  hold(): Loaded<Target> {
    const session = this.load();
    if (!session) return session;
    this.#releases.push(this.services.store.locks.acquire(session.id));
    this.#held = session;
    return session;
  }

  /** Stores the bytes that a write's messages refer to, in slices. */
  async storeBlobs({ blobs }: Pick<Write, 'blobs'>): Promise<void> {
    const { store } = this.services;
    for (const blob of blobs) this.#releases.push(await store.blobs.put(blob).catch(refuseGone));
  }

  /**
   * Applies the change in one transaction, which it may share with others; anew where a text has to be cut first, which a
   * transaction cannot wait for. @throws as `load` and `apply` do
   */
  async commit(apply: (session: Loaded<Target>) => Applied): Promise<void> {
    const { store } = this.services;
    for (;;) {
      try {
        return this.#announce(await store.commit(() => this.#attempt(apply)));
      } catch (error) {
        if (!(error instanceof CutMissing)) throw error;
        await error.workOut();
      }
    }
  }

  /** The same at once, in a transaction of its own; in none where nothing is to be stored, neither in a session nor under a key. */
  commitNow<Result extends Applied>(apply: (session: Loaded<Target>) => Result): Result {
    const isStored = this.#target !== undefined || (this.#claim !== undefined && !this.isStale);
    const applied = isStored
      ? this.services.store.transaction(() => this.#attempt(apply))
      : apply(undefined as Loaded<Target>);
    this.#announce(applied);
    return applied;
  }

  /** Journals what was charged for it. */
  noteBilled(billed: Billed): void {
    const exchange = this.#c.get('exchange');
    if (exchange) exchange.billed = billed;
  }

  /** The answer as it is sent, once it is committed. */
  get answer(): WrittenAnswer {
    this.#answer ??= written(this.#applied ?? { body: {} });
    return this.#answer;
  }

  /** Frees the key and the session, however it ended. */
  readonly release = (): void => {
    for (const release of this.#releases.splice(0)) release();
    this.#claim?.release();
  };

  #attempt<Result extends Applied>(apply: (session: Loaded<Target>) => Result): Result {
    if (this.isStale) throw staleError(this.#target);
    const session = (this.#held ?? this.load()) as Loaded<Target>;
    this.#before = session;
    const applied = apply(session);
    if (applied.newTokens !== undefined) this.requireMemory(applied.newTokens);
    if (this.#claim) {
      this.#answer = written(applied);
      this.#claim.storeAnswer(this.#answer);
    }
    this.#c.get('faults')?.requireDisk();
    return applied;
  }

  /** Reports a committed change to the session's past, the journal and the bill. */
  #announce(applied: Applied): void {
    this.#applied = applied;
    const { store, clock } = this.services;
    if (applied.past) store.recordMoment(applied.past, clock.now(), this.#c.get('exchange')?.n, this.#before);
    else if (applied.history?.step === 'deleted') store.forgetMoments(applied.history.session);
    if (applied.effects) noteEffects(this.#c, applied.effects, this.#line !== undefined);
    if (applied.streamed !== undefined) journalStreamedText(this.#c, applied.streamed);
    if (!applied.history) return;
    const { session, step, items } = applied.history;
    const billing = billingOf(this.services);
    if (step === 'created') billing.created(session);
    else if (step === 'deleted') billing.deleted(session);
    else if (step !== 'written') {
      if ('restored' in step) billing.continued(session, step.restored);
      else billing.snapshotted(session, step.snapshot);
    }
    if (items) billing.wrote(session, items);
  }
}

/** @throws ApiError where a file was deleted while a request that names it was read */
function refuseGone(error: unknown): never {
  throw error instanceof BlobGone ? invalid('a file that the messages name was deleted meanwhile', 'messages') : error;
}

/** The session of the path. @throws ApiError where `If-Match` is malformed */
export function pathSession(c: RequestContext): SessionTarget {
  return { id: c.req.param('id') ?? '', expected: expectedVersion(c) };
}

/** The session that a body names, if any. @throws ApiError where `If-Match` is malformed */
export function namedSession(c: RequestContext, id: string | null | undefined): SessionTarget | undefined {
  const expected = expectedVersion(c);
  return id == null ? undefined : { id, expected, param: 'session_id' };
}

/** The version that `If-Match` asks for. @throws ApiError where it is malformed */
export function expectedVersion(c: RequestContext): number | undefined {
  const header = c.req.header('if-match');
  if (header === undefined || header === '*') return undefined;
  const version = VERSION.exec(header)?.[1];
  if (version === undefined) throw invalid('If-Match takes one version in quotes, such as "7"', 'If-Match');
  return Number(version);
}

/** @throws ApiError `session_not_found`, `version_conflict`, `session_busy`, in this order */
export function loadSession(c: RequestContext, { id, expected, param, busy }: SessionTarget): SessionRow {
  const services = c.get('services');
  const session = requireSession(services, c.get('account'), id, param);
  if (expected !== undefined && expected !== session.version) {
    throw new ApiError('version_conflict', { session: id, version: session.version, expected });
  }
  if (busy) return session;
  c.get('faults')?.requireIdle(id);
  services.store.locks.requireIdle(id);
  return session;
}

/** Departure: after a reset a chat's session is not found, while other changes conflict with the state. */
function staleError(target: SessionTarget | undefined): ApiError {
  if (target?.param === undefined) return new ApiError('version_conflict', { reset: true });
  return new ApiError('session_not_found', { session: target.id, param: target.param });
}

/** A key that belongs to one request for as long as that runs. */
interface Claim {
  /** Stores the answer under the key, in the caller's transaction. */
  storeAnswer(answer: WrittenAnswer): void;
  release(): void;
}

/** Claims the request's key, or finds the answer that it already has. Undefined for a request without a key. */
function claimKey(c: RequestContext, line: Line | undefined): Claim | { replay: WrittenAnswer } | undefined {
  const header = c.req.header('idempotency-key');
  if (header === undefined) return undefined;
  if (header === '' || header.length > MAX_KEY_LENGTH) {
    throw invalid(`Idempotency-Key takes 1 to ${MAX_KEY_LENGTH} characters`, 'Idempotency-Key');
  }
  const { store, clock, limits } = c.get('services');
  const account = c.get('account');
  const key = line === undefined ? header : `${header}\0${line.index}`;
  const body = line?.bytes ?? c.get('body');
  const fingerprint = createHash('sha256').update(`${c.req.method} ${c.req.path}\0`).update(body).digest('hex');
  const stored = store.answers.find(account, key, unixSeconds(clock));
  if (stored) {
    if (stored.fingerprint !== fingerprint) throw new ApiError('idempotency_mismatch', { key: header });
    return { replay: { ...stored, replayed: true } };
  }
  return {
    release: store.locks.claimKey(`${account}\0${key}`),
    storeAnswer({ status, etag, body: text }) {
      const now = unixSeconds(clock);
      const expiresAt = now + limits.idempotency_seconds;
      store.answers.save(account, key, { fingerprint, status, etag, body: text }, now, expiresAt);
    },
  };
}
