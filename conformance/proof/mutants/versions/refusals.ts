import { errors, mutantsOf } from '../../chats.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import type { Handler } from '../../proxy.ts';

const mutant = mutantsOf('versions');
type Kills = readonly [string, ...string[]];

/** Changes one header of answers; null takes it away. */
function header(name: string, edit: (value: string | null, response: Response) => string | null): () => Handler {
  return () => async (_, forward) => {
    const response = await forward();
    const headers = new Headers(response.headers);
    const value = edit(headers.get(name), response);
    if (value === null) headers.delete(name);
    else headers.set(name, value);
    return new Response(response.body, { status: response.status, headers });
  };
}

/** Lets everything pass until a session has been created. */
function onceThere(broken: () => Handler): () => Handler {
  return () => {
    const handler = broken();
    let there = false;
    return async (request, forward) => {
      const response = await (there ? handler(request, forward) : forward());
      if (request.path === '/v1/sessions' && request.method === 'POST') there ||= response.ok;
      return response;
    };
  };
}

const NO_RETRY = ['not-found', 'invalid', 'conflict', 'mismatch', 'unauthorized'].map(
  (name) => `versions.headers/${name}-no-retry`,
) as unknown as Kills;

/** Codes that stand for rows of the live API. */
const LIVE_CODES: Record<string, string> = {
  invalid_authentication_error: 'invalid_api_key',
  resource_not_found_error: 'model_not_found',
  invalid_request_error: 'body_too_large',
};

export const REFUSAL_MUTANTS: readonly Mutant[] = [
  mutant(
    'no-codes',
    'refusals carry no code',
    ['versions.envelope/path-code', 'versions.envelope/snapshot-code', 'versions.envelope/chat-code'],
    // Not before a session is there: who has no codes at all is not taken to have sessions.
    onceThere(errors(({ code, ...error }) => error)),
  ),
  mutant(
    'code-is-type',
    'the code of a refusal repeats its type',
    ['versions.envelope/path-code', 'versions.envelope/snapshot-code', 'versions.envelope/chat-code'],
    errors((error) => (error.code === undefined ? error : { ...error, code: error.type })),
  ),
  mutant(
    'no-params',
    'refusals do not name the field',
    ['versions.envelope/chat-code', 'versions.envelope/field-named', 'versions.envelope/deep-field-named'],
    errors(({ param, ...error }) => error),
  ),
  mutant(
    'params-shallow',
    'of a field within others the outermost is named',
    ['versions.envelope/deep-field-named'],
    errors((error) =>
      typeof error.param === 'string' ? { ...error, param: error.param.replace(/[.[].*$/s, '') } : error,
    ),
  ),
  mutant(
    'all-coded',
    "the live API's own refusals are given a code as well",
    ['versions.envelope/authentication-bare', 'versions.envelope/model-bare', 'versions.envelope/size-bare'],
    errors((error: Json) => ({ ...error, code: error.code ?? LIVE_CODES[String(error.type)] ?? 'error' })),
  ),
  mutant(
    'retry-unsaid',
    'refusals do not say whether to try again',
    [...NO_RETRY, 'versions.busy/should-retry'] as unknown as Kills,
    header('x-should-retry', () => null),
  ),
  mutant(
    'retry-always',
    'every refusal asks to be tried again',
    NO_RETRY,
    header('x-should-retry', (value) => (value === null ? null : 'true')),
  ),
  mutant(
    'conflicts-final',
    'no conflict is to be tried again',
    ['versions.busy/should-retry'],
    header('x-should-retry', (value) => (value === null ? null : 'false')),
  ),
  mutant(
    'no-retry-after',
    'a busy session does not say when to come again',
    ['versions.busy/retry-after'],
    header('retry-after', () => null),
  ),
  mutant(
    'retry-at-once',
    'a busy session asks to come again after no time',
    ['versions.busy/retry-after'],
    header('retry-after', (value) => (value === null ? null : '0')),
  ),
  mutant(
    'request-unnamed',
    'requests are not named',
    ['versions.headers/success-named', 'versions.headers/refusal-named'],
    header('msh-request-id', () => null),
  ),
  mutant(
    'refusals-unnamed',
    'requests that are refused are not named',
    ['versions.headers/refusal-named'],
    header('msh-request-id', (value, { ok }) => (ok ? value : null)),
  ),
  mutant(
    'requests-named-alike',
    'every request has the name of the server',
    ['versions.headers/each-differently'],
    header('msh-request-id', () => 'req_0001'),
  ),
];
