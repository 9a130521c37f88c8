import type { Asking, Hint } from './asking.ts';
import { named } from './line.ts';
import { aboutQuery, controlPage } from './query.ts';

/** Headers that are refused, and what they take. */
const HEADERS: Record<string, Hint> = {
  'Content-Type': () =>
    'say Content-Type: application/json with a JSON body (curl -d and some clients say form or text); a streamed append says application/x-ndjson',
  'If-Match': ({ exchange, past }) => {
    const known = past.last((each) => each.session === exchange?.session && each.version !== undefined);
    const example = known ? `, which ${past.name(known)} answered as "${known.version}"` : ', such as "7"';
    return `If-Match takes the ETag of the session as it came, quotes included${example}`;
  },
  'Kimi-Emulator-Fault': () =>
    'the header takes an effect and its parameters, such as cut_stream; after_events=2; docs/faults.md has them all',
  'Content-Encoding': () => 'send the body unpacked, and without the header; the limit of a body is that of its text',
  'Idempotency-Key': () => 'make one key for each write, such as a UUID, and keep it for all its retries',
};

/** A field may be wrong and not in the body: the text of a streamed line, or of a message that stands alone. */
const MISSING = /received undefined$/;

/** Texts of refusals that no field is to blame for. */
const TEXTS: [RegExp, string][] = [
  [
    /kimi-api-version/,
    'leave the header kimi-api-version out: an SDK sends it for Hosted Agents, which is another API under the same path',
  ],
  [
    /no rule of the script answers/,
    'the request is sound, the script is strict: add a rule for it or change the closest one; not strict, the model answers what no rule does',
  ],
  [
    /not valid JSON/,
    'the body is no JSON: make it with JSON.stringify or json.dumps, not by hand; a streamed append, one JSON a line, says application/x-ndjson',
  ],
  [
    /not valid UTF-8|lone surrogate/,
    'send UTF-8, and cut texts between characters: half of a pair of surrogates is no character',
  ],
  [
    /broke off/,
    'the connection ended before the body did: see that Content-Length is the length in bytes, and that nothing aborts the request',
  ],
  [
    /nested deeper|more than \d+ values/,
    'bodies that deep or that large are refused unread: send large data as text, or raise json_depth or json_values with --limit',
  ],
  [
    /messages must not be empty/,
    'send at least one message; in a session an empty list is for going on behind messages that were appended before',
  ],
  [/n must be 1/, 'ask for one choice a request; for several from the same state, snapshot and fork'],
  [/is used twice/, 'give every call of a message an id of its own'],
];

/** A refused field, header or body, as far as its text and its name say what would be right. */
export const invalidRequest: Hint = (asking) => {
  const { refusal, query } = asking;
  const header = HEADERS[refusal.param ?? ''];
  if (header) return header(asking);
  const known = TEXTS.find(([pattern]) => pattern.test(refusal.message));
  if (known) return known[1];
  if (query && refusal.param !== undefined) return aboutQuery(asking, query, refusal.param);
  return (refusal.param !== undefined && misspelt(asking, refusal.param)) || aboutField(asking);
};

export const contentEmpty: Hint = ({ refusal }) => {
  const { index } = refusal.grounds;
  const which = index === undefined ? 'a message' : `messages[${index}]`;
  return `${which} has no text: leave it out, or say something; only an assistant message with tool_calls may be empty, and a tool that returned nothing says so`;
};

export const bodyTooLarge: Hint = ({ exchange, limits }) => {
  const stream =
    exchange?.addressed.operation === 'appendMessages'
      ? ', or stream it as application/x-ndjson, whose lines are limited and not their sum'
      : '';
  return `send it in several requests${stream}; here --limit body_bytes=N allows more than ${limits.body_bytes}, the live API does not`;
};

function aboutField({ refusal, exchange, path }: Asking): string {
  const page = controlPage(path);
  if (page !== undefined) return `the message says what is taken here; ${page} has it all`;
  const operation = exchange?.addressed.operation;
  const where = operation === undefined ? '' : ` of ${operation}`;
  const field = refusal.param === undefined ? `the body${where}` : `${named(refusal.param)}${where}`;
  return `the message says what ${field} takes; docs/api.md and GET /openapi.json have all fields and limits`;
}

/** Where the field is missing, or another has nearly its name. */
function misspelt({ body, refusal }: Asking, param: string): string | undefined {
  const sent = membersOf(body);
  const wanted = param.split(/[.[]/)[0] ?? '';
  if (!sent || wanted === '' || sent.includes(wanted)) return undefined;
  const near = sent.find((name) => isNear(plain(name), plain(wanted)));
  if (near === undefined && !MISSING.test(refusal.message)) return undefined;
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

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

function isNear(name: string, wanted: string): boolean {
  if (name === '' || wanted === '') return false;
  return name.startsWith(wanted) || wanted.startsWith(name) || distance(name, wanted) <= 2;
}

/** Letters to add, drop or change. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, place) => place);
  for (let i = 1; i <= Math.min(from.length, 64); i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
