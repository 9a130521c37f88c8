import { mutantsOf } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';
import { codeOf, refusal } from '../../rewrites.ts';
import { changedBy, versionOf, whileChatting } from '../../touches.ts';
import { KEY } from './keys.ts';

const mutant = mutantsOf('idempotency');

export const STATE_MUTANTS: readonly Mutant[] = [
  mutant(
    'version-before-replay',
    'the version is looked at before the key',
    ['idempotency.state/version-gone-on'],
    () => async (request, forward) => {
      const id = changedBy(request);
      const expected = request.headers['if-match'];
      if (id === undefined || expected === undefined) return forward();
      const version = await versionOf(request, forward, id);
      return version !== undefined && expected !== `"${version}"` ? refusal('version_conflict') : forward();
    },
  ),
  mutant(
    'existence-before-replay',
    'whether the session is there is looked at before the key',
    ['idempotency.state/session-deleted'],
    () => async (request, forward) => {
      const id = changedBy(request);
      if (id === undefined) return forward();
      return (await versionOf(request, forward, id)) === undefined ? refusal('session_not_found') : forward();
    },
  ),
  mutant(
    'busy-before-replay',
    'whether the session is busy is looked at before the key',
    ['idempotency.busy/while-busy'],
    whileChatting(async (request, forward) =>
      request.headers[KEY] === undefined ? forward() : refusal('session_busy'),
    ),
  ),
  mutant(
    'race-runs-all',
    'a key is known only once its first request has ended',
    ['idempotency.race/append-once', 'idempotency.race/chat-once'],
    () => {
      const running = new Map<string, Promise<unknown>>();
      return async (request, forward) => {
        const { [KEY]: key, ...headers } = request.headers;
        if (key === undefined) return forward();
        const before = running.get(key);
        const sent = (before ?? Promise.resolve()).then(() => forward(before ? { headers } : {}));
        running.set(key, sent);
        return sent.then((response) => response.clone());
      };
    },
  ),
  mutant(
    'race-told-busy',
    'a request that is still running is told as a busy session',
    ['idempotency.race/others-told'],
    () => async (_, forward) => {
      const response = await forward();
      return (await codeOf(response)) === 'request_in_progress' ? refusal('session_busy') : response;
    },
  ),
];
