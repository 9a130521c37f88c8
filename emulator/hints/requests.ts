import type { InvalidReason } from '../../contract/errors.ts';
import { FILE_PURPOSES } from '../../contract/files.ts';
import { operationOf } from '../../contract/operation-routes.ts';
import { didYouMean, distanceOf } from '../bad-input.ts';
import { CONTROL_ROUTES, controlPage } from '../control-routes.ts';
import { type Asking, count, type Hint, named, toLine } from './asking.ts';

/** Takes a form, whose fields are not those of a JSON body. */
const UPLOADS = '/v1/files';

/** Headers that are refused, and what they take. */
const HEADERS: Record<string, Hint<'invalid_request'>> = {
  'Content-Type': ({ path }) =>
    path === UPLOADS
      ? 'send the file as multipart/form-data and let the client set Content-Type, which names the boundary: FormData, curl -F and files= of Python do'
      : 'send Content-Type: application/json with a JSON body (curl -d and some clients send form or text); a streamed append needs application/x-ndjson',
  'If-Match': ({ exchange, past }) => {
    const known = past.last((each) => each.session === exchange?.session && each.version !== undefined);
    const example = known ? `, which ${past.name(known)} answered as "${known.version}"` : ', such as "7"';
    return `If-Match takes the ETag of the session as it came, quotes included${example}`;
  },
  'Kimi-Emulator-Fault': () =>
    'the header takes an effect and its parameters, such as cut_stream; after_events=2; docs/faults.md has them all',
  'Content-Encoding': () =>
    'send the body uncompressed, and without the header; the limit applies to the uncompressed body',
  'Idempotency-Key': () => 'use a new key for each write, such as a UUID, and the same key for its retries',
};

/** What to do about what no field or header is to blame for. */
const REASONS: Partial<Record<InvalidReason, () => string>> = {
  hosted_agents: () =>
    'leave out the header kimi-api-version: SDKs send it for Hosted Agents, a different API under the same path',
  no_script_rule: () =>
    'the request is valid, but the script is strict: add a rule for it or change the closest one; without strict, the model answers if no rule matches',
  not_json: () =>
    'the body is not JSON: make it with JSON.stringify or json.dumps, not by hand; a streamed append, one JSON a line, says application/x-ndjson',
  not_unicode: () => 'send UTF-8, and cut texts between characters: half of a surrogate pair is not a character',
  body_cut_off: () =>
    'the connection ended before the body did: check that Content-Length is the length in bytes, and that nothing aborts the request',
  too_many_values: () =>
    'a body nested that deep, or with that many values, is refused: send large data as text, or raise json_depth or json_values with --limit',
  no_messages: () =>
    'send at least one message; only in a session may the list be empty, to answer messages that were appended before',
  one_choice_only: () =>
    'ask for one choice per request: a turn of a session has one answer (fork a snapshot for another), and near temperature 0 all are the same',
  repeated_call_id: () => 'give every call of a message an id of its own',
};

/** A refused field, header or body, as far as its reason and its name say what would be right. */
export const invalidRequest: Hint<'invalid_request'> = (asking) => {
  const { refusal, query } = asking;
  const header = HEADERS[refusal.param ?? ''];
  if (header) return header(asking);
  const { reason } = refusal.details;
  const known = reason && REASONS[reason];
  if (known) return known();
  if (query && refusal.param !== undefined) return aboutQuery(asking, query, refusal.param);
  const isJson = asking.path !== UPLOADS;
  return (isJson && refusal.param !== undefined && misspelt(asking, refusal.param)) || aboutField(asking);
};

export const filePurposeInvalid: Hint<'file_purpose_invalid'> = ({ refusal: { details } }) =>
  `${details.purpose === undefined ? 'the form has no field purpose' : `the purpose is ${details.purpose}`}: send one of ${FILE_PURPOSES.join(', ')}`;

export const fileTooLarge: Hint<'file_too_large'> = ({ refusal }) =>
  `a file takes at most ${count(refusal.details.limit)} bytes (file_bytes): make it smaller, or raise it with --limit, which the live API cannot`;

export const fileEmpty: Hint<'file_empty'> = () =>
  'the field file came with no bytes: a stream that was read before, or a path instead of a file, sends none';

export const filesLimitReached: Hint<'files_limit_reached'> = ({ refusal: { details } }) =>
  `this account may hold ${count(details.limit)} ${details.of === 'files' ? 'files' : 'bytes of files'} (${details.of}): delete those that are no longer needed (DELETE /v1/files/{id})`;

export const contentEmpty: Hint<'content_empty'> = ({ refusal }) =>
  `messages[${refusal.details.index}] has no text: leave it out, or write a text; only an assistant message with tool_calls may be empty, so write one for a tool that returned nothing, too`;

export const assistantEmpty: Hint<'assistant_empty'> = ({ refusal }) =>
  `messages[${refusal.details.index}] has neither text nor tool_calls: leave it out; an answer that was cut off or aborted is often stored so`;

export const roleUnsupported: Hint<'role_unsupported'> = ({ refusal }) => {
  const { role, param } = refusal.details;
  const instead = role === 'developer' ? ': send it as system' : role === 'function' ? ': send it as tool' : '';
  return `${param} is ${JSON.stringify(role)}; roles are system, user, assistant, tool${instead}`;
};

export const stopTooLong: Hint<'stop_too_long'> = ({ refusal }) =>
  `stop has ${refusal.details.count} strings: send at most ${refusal.details.limit}, and look for the others in the answer`;

const HOW_TO_SEND_LESS: Readonly<Record<string, () => string>> = {
  appendMessages: () =>
    'send it in several requests, or stream it as application/x-ndjson, whose lines are limited and not their sum',
  createChatCompletion: () =>
    'a chat is one request: send fewer or shorter messages, or keep them in a session and send only the new ones',
};

export const bodyTooLarge: Hint<'body_too_large'> = ({ refusal, exchange, path }) => {
  const { limit } = refusal.details;
  if (path.startsWith('/_emulator/'))
    return `a file of state has at most ${count(limit)} bytes: export and import its sessions one by one`;
  const operation = exchange?.addressed.operation;
  const how = HOW_TO_SEND_LESS[operation ?? '']?.() ?? 'send it in several requests';
  return `${how}; --limit body_bytes=N allows more than ${limit} here, but not on the live API`;
};

function aboutField({ refusal, exchange, path }: Asking<'invalid_request'>): string {
  const page = controlPage(path);
  if (page !== undefined) return `the message says what is accepted; ${page} has the details`;
  const operation = exchange?.addressed.operation;
  const where = operation === undefined ? '' : ` of ${operation}`;
  const field = refusal.param === undefined ? `the body${where}` : `${named(refusal.param)}${where}`;
  return `the message says what ${field} takes; docs/api.md and GET /openapi.json have all fields and limits`;
}

/** Where the field is missing, or another has nearly its name. */
function misspelt({ body, refusal }: Asking<'invalid_request'>, param: string): string | undefined {
  const sent = membersOf(body);
  const wanted = param.split(/[.[]/)[0] ?? '';
  if (!sent || wanted === '' || sent.includes(wanted)) return undefined;
  const near = sent.find((name) => isNear(lettersOf(name), lettersOf(wanted)));
  if (near === undefined && refusal.details.reason !== 'missing_field') return undefined;
  if (near === undefined)
    return `${wanted} is missing from the body${sent.length > 0 ? `, which has ${sent.slice(0, 6).map(named).join(', ')}` : ', which is empty'}`;
  return `${wanted} is missing; the body has ${named(near)} instead: call it ${wanted}`;
}

function membersOf(body: Uint8Array): string[] | undefined {
  try {
    const value: unknown = JSON.parse(body.length === 0 ? '{}' : Buffer.from(body).toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined;
  } catch {
    return undefined;
  }
}

function lettersOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Longer names are compared by their beginning. */
const MAX_COMPARED = 64;

function isNear(name: string, wanted: string): boolean {
  if (name === '' || wanted === '') return false;
  return name.startsWith(wanted) || wanted.startsWith(name) || distanceOf(name.slice(0, MAX_COMPARED), wanted) <= 2;
}

/** Valid values of the fields of a list's query. */
const FIELDS: Record<string, (asking: Pick<Asking, 'limits'>) => string> = {
  limit: ({ limits }) =>
    `ask for limit=1 to ${count(limits.page_size_max)} items a page (page_size_max), and continue with after=LAST_ID`,
  order: () => 'order=asc puts the oldest first, order=desc the newest; or leave it out',
  after: () => 'after takes the last_id of the page before; leave it out for the first page',
  scope: () => 'scope=restored lists what a rollback brings back, scope=archived all that the snapshot holds',
};

/** What a field of the query should have been. */
function aboutQuery(asking: Asking<'invalid_request'>, query: NonNullable<Asking['query']>, field: string): string {
  const value = query[field];
  const said = value ? `says ${named(field)}=${named(value)}` : `has ${named(field)} without a value`;
  const page = controlPage(asking.path);
  const own = page === undefined ? FIELDS[field]?.(asking) : `the fields and what they take are in ${page}`;
  return `the query ${said}${own === undefined ? '' : `: ${own}`}`;
}

/** What was probably meant by a method and path that are not served. @param isStateless where no sessions are kept */
export function unknownRouteHint(method: string, path: string, isStateless: boolean): string {
  if (/^\/_emulator(?:\/|$)/.test(path)) return toLine(unknownControlRoute(method, path));
  const { operation, otherMethods } = operationOf(method, path);
  if (isStateless && (operation !== undefined || otherMethods.length > 0))
    return 'this emulator keeps no sessions (--stateless), as the live API: start it without, or put a gateway in front of it';
  if (otherMethods.length > 0)
    return toLine(`${named(path)} is served with ${otherMethods.join(' and ')}, not with ${method}`);
  const trimmed = path.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  for (const better of [trimmed, `/v1${trimmed}`, trimmed.replace(/^\/v1\/v1/, '/v1')]) {
    const found = operationOf(method, better);
    if (found.operation !== undefined || found.otherMethods.length > 0) {
      return toLine(`did you mean ${named(better)}? A client's base URL ends in /v1, once`);
    }
  }
  return 'no such route: GET /openapi.json lists those of the API, GET / all of them';
}

const CONTROL_PREFIX = '/_emulator/';

/** The same for a control route: its name misspelt, or another method. */
function unknownControlRoute(method: string, path: string): string {
  const routes = CONTROL_ROUTES.map(({ route }) => route.split(' '));
  const methods = routes.filter(([, served]) => served === path).map(([served]) => served);
  if (methods.length > 0) return `${named(path)} is served with ${methods.join(' and ')}, not with ${method}`;
  const nameOf = (route: string) => route.slice(CONTROL_PREFIX.length);
  const near = didYouMean(nameOf(path), [...new Set(routes.map(([, served = '']) => nameOf(served)))], CONTROL_PREFIX);
  return `no such control route${near}${near === '' ? ': GET / lists all of them' : ''}`;
}
