import { withHeader } from '../../proof/cells.ts';
import { editErrors } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Handler, Json, Passing } from '../../proof/proxy.ts';
import { bumpVersion, changedBy, codeOf, messagesOf, refusal, versionOf, WRITE } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';
import { PARAM_MUTANTS } from './param-mutants.ts';
import { VERSION_CASES } from './route-cases.ts';

const mutant = mutantsOf('versions', { etags, header, onceThere, stepping });

type Kills = readonly [string, ...string[]];

/** The same check of each route that changes a session. */
const each = (...checks: string[]) =>
  VERSION_CASES.flatMap(({ id, checks: known }) =>
    checks.filter((check) => check in known).map((check) => `${id}/${check}`),
  );

/** Changes the ETag of every answer. */
function etags(edit: (etag: string) => string): Handler {
  return header('etag', (etag) => (etag === null ? null : edit(etag)));
}

const TAGGED = [
  'versions.reads/create-etag',
  'versions.reads/read-etag',
  'versions.reads/window-etag',
  'versions.reads/snapshot-etag',
  ...each('etag').filter((check) => !check.includes('streamed')),
] as unknown as Kills;

const MATCH_MUTANTS = [
  mutant('etag-unquoted', 'the ETag is not in quotes')
    .caughtBy(...TAGGED)
    .etags((etag) => etag.replaceAll('"', '')),
];

const isOrphan = (body: unknown) => messagesOf(body)?.some(({ tool_call_id }) => tool_call_id === 'nobody') === true;

const lengthOf = (body: unknown) =>
  messagesOf(body)?.reduce((sum, { content }) => sum + String(content).length, 0) ?? 0;

const ORDER_MUTANTS = [
  mutant('size-first', 'a body is read, and its size looked at, before the key')
    .caughtBy('versions.order/authentication-before-size')
    .proxy(() => async ({ headers, method }, forward) => {
      if (method !== 'POST' || headers.authorization !== undefined) return forward();
      const response = await forward({ headers: { ...headers, authorization: 'Bearer anybody' } });
      return (await response.clone().text()).includes('total message size') ? response : forward();
    }),
  mutant('size-last', 'a body is parsed before its size is looked at')
    .caughtBy('versions.order/size-before-schema')
    .on('POST', WRITE, async ({ body }, forward) => {
      const response = await forward();
      const tooLarge = response.status === 400 && (await response.clone().text()).includes('total message size');
      return tooLarge && typeof body === 'object' ? forward({ body }) : response;
    }),
  mutant('key-before-schema', 'the key is looked up before the body is understood')
    .caughtBy('versions.order/schema-before-replay')
    .proxy(() => {
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
    }),
  mutant('existence-before-key', 'whether the session is there is looked at before the key')
    .caughtBy('versions.order/replay-before-existence')
    .proxy(() => async (request, forward) => {
      const id = changedBy(request);
      if (id === undefined) return forward();
      return (await versionOf(request, forward, id)) === undefined ? refusal('session_not_found') : forward();
    }),
  mutant('version-before-existence', 'a version that is asked for of nothing is a conflict')
    .caughtBy('versions.order/existence-before-version')
    .proxy(() => async ({ headers }, forward) => {
      const response = await forward();
      const asked = headers['if-match'] !== undefined;
      return asked && (await codeOf(response)) === 'session_not_found' ? refusal('version_conflict') : response;
    }),
  mutant('pairing-before-version', 'the pairing of tools is looked at before the version')
    .caughtBy('versions.order/version-before-pairing')
    .on('POST', WRITE, async ({ body }, forward) => {
      const response = await forward();
      return isOrphan(body) && (await codeOf(response)) === 'version_conflict'
        ? refusal('tool_result_orphan')
        : response;
    }),
  mutant('write-before-pairing', 'the size of a write is looked at before the pairing of tools')
    .caughtBy('versions.order/pairing-before-size-of-write')
    .on('POST', WRITE, async ({ body }, forward) =>
      isOrphan(body) && lengthOf(body) > 4 * SMALL_LIMITS.append_tokens ? refusal('append_too_large') : forward(),
    ),
  mutant('window-before-write', 'the window is looked at before the size of the write')
    .caughtBy('versions.order/size-of-write-before-window')
    .on('POST', WRITE, async ({ body }, forward) =>
      lengthOf(body) > 5 * SMALL_LIMITS.window_tokens ? refusal('context_window_exceeded') : forward(),
    ),
];

/** Changes one header of answers; null takes it away. */
function header(name: string, edit: (value: string | null, response: Response) => string | null): Handler {
  return async (_, forward) => {
    const response = await forward();
    return withHeader(response, name, edit(response.headers.get(name), response));
  };
}

/** Lets everything pass until a session has been created. */
function onceThere(broken: () => Handler): Handler {
  const handler = broken();
  let there = false;
  return async (request, forward) => {
    const response = await (there ? handler(request, forward) : forward());
    if (request.path === '/v1/sessions' && request.method === 'POST') there ||= response.ok;
    return response;
  };
}

const NO_RETRY = ['not-found', 'invalid', 'conflict', 'mismatch', 'unauthorized'].map(
  (name) => `versions.headers/${name}-no-retry`,
) as unknown as Kills;

/** Codes that stand for rows of the live API. */
const LIVE_CODES: Record<string, string> = {
  incorrect_api_key_error: 'invalid_api_key',
  resource_not_found_error: 'model_not_found',
  invalid_request_error: 'body_too_large',
};

const REFUSAL_MUTANTS = [
  mutant('no-codes', 'refusals carry no code')
    .caughtBy('versions.envelope/path-code snapshot-code chat-code')
    .onceThere(() => editErrors(({ code, ...error }) => error)),
  mutant('code-is-type', 'the code of a refusal repeats its type')
    .caughtBy('versions.envelope/path-code snapshot-code chat-code')
    .editErrors((error) => (error.code === undefined ? error : { ...error, code: error.type })),
  mutant('no-params', 'refusals do not name the field')
    .caughtBy('versions.envelope/chat-code field-named deep-field-named')
    .editErrors(({ param, ...error }) => error),
  mutant('params-shallow', 'of a field within others the outermost is named')
    .caughtBy('versions.envelope/deep-field-named')
    .editErrors((error) =>
      typeof error.param === 'string' ? { ...error, param: error.param.replace(/[.[].*$/s, '') } : error,
    ),
  mutant('all-coded', "the live API's own refusals are given a code as well")
    .caughtBy('versions.envelope/authentication-bare model-bare size-bare')
    .editErrors((error: Json) => ({ ...error, code: error.code ?? LIVE_CODES[String(error.type)] ?? 'error' })),
  mutant('retry-unsaid', 'refusals do not say whether to try again')
    .caughtBy(...NO_RETRY)
    .header('x-should-retry', () => null),
  mutant('retry-always', 'every refusal asks to be tried again')
    .caughtBy(...NO_RETRY)
    .header('x-should-retry', (value) => (value === null ? null : 'true')),
  mutant('request-unnamed', 'requests are not named')
    .caughtBy('versions.headers/success-named refusal-named')
    .header('msh-request-id', () => null),
  mutant('refusals-unnamed', 'requests that are refused are not named')
    .caughtBy('versions.headers/refusal-named')
    .header('msh-request-id', (value, { ok }) => (ok ? value : null)),
  mutant('requests-named-alike', 'every request has the name of the server')
    .caughtBy('versions.headers/each-differently')
    .header('msh-request-id', () => 'req_0001'),
];

/** What was done to a session, and what came of it. */
interface Done {
  request: Passing;
  response: Response;
  stepped: boolean;
}

/** Lets the version step once more where `isIt` says so. */
function stepping(isIt: (done: Done) => boolean): Handler {
  return async (request, forward) => {
    const id = changedBy(request);
    if (id === undefined) return forward();
    const before = await versionOf(request, forward, id);
    const response = await forward();
    // A stream has ended, and with it the turn, once all of it is read.
    const text = await response.text();
    if (before === undefined) return new Response(text, response);
    const stepped = (await versionOf(request, forward, id)) !== before;
    if (isIt({ request, response, stepped })) await bumpVersion(request, forward, id);
    return new Response(text, response);
  };
}

const rehearses = ({ body }: Passing) => (body as { dry_run?: unknown } | undefined)?.dry_run === true;

const snapshots = ({ path }: Passing) => path.endsWith('/snapshots');

const STEP_MUTANTS = [
  mutant('steps-twice', 'the version steps once for the change and once for its bookkeeping')
    .caughtBy('versions.streamed-chat/steps-once', ...each('steps-once'))
    .stepping(({ stepped }) => stepped),
  mutant('steps-for-nothing', 'what changes nothing makes the version step')
    .caughtBy(
      'versions.no-ops/same-title same-metadata same-tools no-field pin-as-it-is pin-again',
      'versions.truncations/nothing-to-cut',
    )
    .stepping(
      ({ request, response, stepped }) => response.ok && !stepped && !rehearses(request) && !snapshots(request),
    ),
  mutant('rehearsal-steps', 'a rehearsal makes the version step')
    .caughtBy('versions.truncations/rehearsal')
    .stepping(({ request, response }) => response.ok && rehearses(request)),
  mutant('rehearsal-plays', 'a rehearsal is carried out')
    .caughtBy('versions.truncations/rehearsal')
    .proxy(() => (request, forward) => {
      if (!rehearses(request)) return forward();
      const { dry_run: _, ...body } = request.body as { dry_run: boolean };
      return forward({ body });
    }),
  mutant('snapshot-steps', 'a snapshot makes the version step')
    .caughtBy('versions.reads/snapshot-leaves')
    .stepping(({ request, response }) => response.ok && snapshots(request)),
  mutant('refusal-steps', 'a refusal makes the version step')
    .caughtBy('versions.no-ops/refusals', 'versions.truncations/too-little-kept')
    .stepping(({ response }) => response.status >= 400),
];

export const VERSIONS_MUTANTS: readonly Mutant[] = [
  ...MATCH_MUTANTS,
  ...STEP_MUTANTS,
  ...ORDER_MUTANTS,
  ...REFUSAL_MUTANTS,
  ...PARAM_MUTANTS,
];
