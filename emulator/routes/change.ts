import { ApiError, invalid } from '../errors.ts';
import type { RequestContext } from '../middleware/context.ts';
import { type Claim, claimKey } from '../middleware/idempotency.ts';
import { setHeader } from '../middleware/send.ts';
import { requireSession } from '../sessions/create.ts';
import { withCuts } from '../sessions/prepared-cuts.ts';
import type { StoredAnswer } from '../store/answers.ts';
import type { SessionRow } from '../store/sessions.ts';
import { type Answer, respondWritten, type WrittenAnswer, written } from './respond.ts';
import { holdState } from './same-state.ts';

const VERSION = /^"(\d{1,15})"$/;

/**
 * A change that takes effect at once: what it does and its answer are stored in one transaction, under the request's
 * idempotency key where it has one.
 * @param prepare what must be awaited before, such as counting
 * @param work may be done more than once, with nothing left of it before: see `PreparedCuts`
 */
export async function change<Prepared>(
  c: RequestContext,
  prepare: () => Promise<Prepared> | Prepared,
  work: (prepared: Prepared) => Answer,
): Promise<Response> {
  const claim = claimKey(c, c.get('body'));
  if ('replay' in claim) return replayAnswer(c, claim.replay);
  const requireSameState = holdState(c);
  try {
    const prepared = await prepare();
    const { store } = c.get('services');
    const attempt = () => {
      requireSameState();
      const answer = work(prepared);
      const kept = keep(claim, answer);
      c.get('faults')?.requireDisk();
      return { kept, afterwards: answer.afterwards };
    };
    const { kept, afterwards } = await withCuts(() => store.commit(attempt));
    afterwards?.();
    return respondWritten(c, kept);
  } finally {
    claim.release();
  }
}

/**
 * A change of the session that the path names.
 * @throws ApiError `session_not_found`, `version_conflict`, `session_busy`, in this order
 */
export function changeSession<Prepared>(
  c: RequestContext,
  prepare: () => Promise<Prepared> | Prepared,
  work: (session: SessionRow, prepared: Prepared) => Answer,
): Promise<Response> {
  const expected = expectedVersion(c);
  return change(c, prepare, (prepared) => work(requireIdleSession(c, c.req.param('id') ?? '', expected), prepared));
}

/** A change that takes a while: the session is kept from changing from `prepare` to the end. */
export async function changeExclusively<Prepared>(
  c: RequestContext,
  prepare: (session: SessionRow) => Promise<Prepared>,
  work: (prepared: Prepared) => Answer,
): Promise<Response> {
  const expected = expectedVersion(c);
  let release = (): void => undefined;
  try {
    return await change(
      c,
      () => {
        const session = requireIdleSession(c, c.req.param('id') ?? '', expected);
        release = c.get('services').locks.acquire(session.id);
        return prepare(session);
      },
      (prepared) => {
        requireVersion(c, c.req.param('id') ?? '', expected);
        return work(prepared);
      },
    );
  } finally {
    release();
  }
}

/** @throws ApiError `session_not_found`, `version_conflict`, `session_busy` */
export function requireIdleSession(
  c: RequestContext,
  id: string,
  expected: number | undefined,
  param?: string,
): SessionRow {
  const session = requireVersion(c, id, expected, param);
  c.get('faults')?.requireIdle(id);
  c.get('services').locks.requireIdle(id);
  return session;
}

/**
 * @param param the field that names the session, where it is not the path
 * @throws ApiError `session_not_found`, `version_conflict`
 */
export function requireVersion(
  c: RequestContext,
  id: string,
  expected: number | undefined,
  param?: string,
): SessionRow {
  const session = requireSession(c.get('services'), c.get('account'), id, param);
  if (expected !== undefined && expected !== session.version) {
    throw new ApiError('version_conflict', { session: id, version: session.version, expected });
  }
  return session;
}

/** The version that `If-Match` asks for. @throws ApiError where it is malformed */
export function expectedVersion(c: RequestContext): number | undefined {
  const header = c.req.header('if-match');
  if (header === undefined || header === '*') return undefined;
  const version = VERSION.exec(header)?.[1];
  if (version === undefined) throw invalid('If-Match takes one version in quotes, such as "7"', 'If-Match');
  return Number(version);
}

/** Keeps an answer under its key, in the caller's transaction. */
export function keep(claim: Claim, answer: Answer): WrittenAnswer {
  const kept = written(answer);
  claim.save(kept);
  return kept;
}

export function replayAnswer(c: RequestContext, stored: StoredAnswer): Response {
  setHeader(c, 'Idempotent-Replayed', 'true');
  return respondWritten(c, stored);
}
