import { createHash } from 'node:crypto';
import { unixSeconds } from '../clock.ts';
import { ApiError, invalid } from '../errors.ts';
import type { Services } from '../services.ts';
import type { StoredAnswer } from '../store/answers.ts';
import type { Store } from '../store/store.ts';
import type { RequestContext } from './context.ts';

const MAX_KEY_LENGTH = 255;

/** A key taken for the time of one request. */
export interface Claim {
  /** False for a request without a key: then nothing is kept. */
  keyed: boolean;
  /** Keeps the answer under the key, in the caller's transaction. */
  save(answer: Omit<StoredAnswer, 'fingerprint'>): void;
  release(): void;
}

const NO_CLAIM: Claim = { keyed: false, save: () => undefined, release: () => undefined };

/** Keys of requests that are under way, by state. */
const running = new WeakMap<Store, Set<string>>();

/**
 * Takes the request's key, or finds the answer that it already has. A request without a key claims nothing.
 * @param part tells the lines of a streamed append apart
 * @throws ApiError `idempotency_mismatch`, `request_in_progress`
 */
export function claimKey(c: RequestContext, body: Uint8Array, part = ''): Claim | { replay: StoredAnswer } {
  const header = c.req.header('idempotency-key');
  if (header === undefined) return NO_CLAIM;
  if (header === '' || header.length > MAX_KEY_LENGTH) {
    throw invalid(`Idempotency-Key takes 1 to ${MAX_KEY_LENGTH} characters`, 'Idempotency-Key');
  }
  const services = c.get('services');
  const account = c.get('account');
  const key = part === '' ? header : `${header}\0${part}`;
  const fingerprint = createHash('sha256').update(`${c.req.method} ${c.req.path}\0`).update(body).digest('hex');
  const stored = services.store.answers.find(account, key, unixSeconds(services.clock));
  if (stored) {
    if (stored.fingerprint === fingerprint) return { replay: stored };
    throw new ApiError('idempotency_mismatch', { key: header });
  }
  return takeKey(services, account, key, fingerprint);
}

/** Frees the keys of requests that are under way. */
export function freeKeys(store: Store): void {
  running.delete(store);
}

function takeKey(services: Services, account: string, key: string, fingerprint: string): Claim {
  const keys = running.get(services.store) ?? new Set<string>();
  running.set(services.store, keys);
  const place = `${account}\0${key}`;
  if (keys.has(place)) {
    throw new ApiError('request_in_progress', {});
  }
  keys.add(place);
  return {
    keyed: true,
    save(answer) {
      const now = unixSeconds(services.clock);
      const expiresAt = now + services.limits.idempotency_seconds;
      services.store.answers.save(account, key, { fingerprint, ...answer }, now, expiresAt);
    },
    release: () => keys.delete(place),
  };
}
