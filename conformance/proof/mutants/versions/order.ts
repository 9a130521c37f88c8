import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import { mutantsOf } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';
import { on } from '../../proxy.ts';
import { codeOf, messagesOf, refusal, WRITE } from '../../rewrites.ts';
import { changedBy, versionOf, whileChatting } from '../../touches.ts';

const mutant = mutantsOf('versions');
const isOrphan = (body: unknown) => messagesOf(body)?.some(({ tool_call_id }) => tool_call_id === 'nobody') === true;
const lengthOf = (body: unknown) =>
  messagesOf(body)?.reduce((sum, { content }) => sum + String(content).length, 0) ?? 0;

export const ORDER_MUTANTS: readonly Mutant[] = [
  mutant(
    'size-first',
    'a body is read, and its size looked at, before the key',
    ['versions.order/authentication-before-size'],
    () =>
      async ({ headers, method }, forward) => {
        if (method !== 'POST' || headers.authorization !== undefined) return forward();
        const response = await forward({ headers: { ...headers, authorization: 'Bearer anybody' } });
        return (await response.clone().text()).includes('total message size') ? response : forward();
      },
  ),
  mutant('size-last', 'a body is parsed before its size is looked at', ['versions.order/size-before-schema'], () =>
    on('POST', WRITE, async ({ body }, forward) => {
      const response = await forward();
      const tooLarge = response.status === 400 && (await response.clone().text()).includes('total message size');
      return tooLarge && typeof body === 'object' ? forward({ body }) : response;
    }),
  ),
  mutant(
    'key-before-schema',
    'the key is looked up before the body is understood',
    ['versions.order/schema-before-replay'],
    () => {
      const used = new Set<string>();
      return async ({ headers, method }, forward) => {
        const key = headers['idempotency-key'];
        const response = await forward();
        if (method !== 'POST' || key === undefined) return response;
        if (response.ok) used.add(key);
        return (await codeOf(response)) === 'invalid_request' && used.has(key)
          ? refusal('idempotency_mismatch')
          : response;
      };
    },
  ),
  mutant(
    'existence-before-key',
    'whether the session is there is looked at before the key',
    ['versions.order/replay-before-existence'],
    () => async (request, forward) => {
      const id = changedBy(request);
      if (id === undefined) return forward();
      return (await versionOf(request, forward, id)) === undefined ? refusal('session_not_found') : forward();
    },
  ),
  mutant(
    'version-before-existence',
    'a version that is asked for of nothing is a conflict',
    ['versions.order/existence-before-version'],
    () =>
      async ({ headers }, forward) => {
        const response = await forward();
        const asked = headers['if-match'] !== undefined;
        return asked && (await codeOf(response)) === 'session_not_found' ? refusal('version_conflict') : response;
      },
  ),
  mutant(
    'pairing-before-version',
    'the pairing of tools is looked at before the version',
    ['versions.order/version-before-pairing'],
    () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        return isOrphan(body) && (await codeOf(response)) === 'version_conflict'
          ? refusal('tool_result_orphan')
          : response;
      }),
  ),
  mutant(
    'write-before-pairing',
    'the size of a write is looked at before the pairing of tools',
    ['versions.order/pairing-before-size-of-write'],
    () =>
      on('POST', WRITE, async ({ body }, forward) =>
        isOrphan(body) && lengthOf(body) > 4 * SMALL_LIMITS.append_tokens ? refusal('append_too_large') : forward(),
      ),
  ),
  mutant(
    'window-before-write',
    'the window is looked at before the size of the write',
    ['versions.order/size-of-write-before-window'],
    () =>
      on('POST', WRITE, async ({ body }, forward) =>
        lengthOf(body) > 5 * SMALL_LIMITS.window_tokens ? refusal('context_window_exceeded') : forward(),
      ),
  ),
  mutant(
    'busy-before-version',
    'whether the session is busy is looked at before the version',
    ['versions.busy/version-before-busy'],
    whileChatting(async ({ headers }, forward) =>
      headers['if-match'] === undefined ? forward() : refusal('session_busy'),
    ),
  ),
  mutant(
    'pairing-before-busy',
    'the pairing of tools is looked at before the session is seen to be busy',
    ['versions.busy/busy-before-pairing'],
    () =>
      async ({ body }, forward) => {
        const response = await forward();
        return isOrphan(body) && (await codeOf(response)) === 'session_busy' ? refusal('tool_result_orphan') : response;
      },
  ),
];
