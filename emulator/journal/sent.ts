import { createHash } from 'node:crypto';

/** What a request's body says beside its texts, read when it comes: of a long body the journal stores only the two ends. */
export interface Sent {
  model?: string;
  /** Tools and the form of the answer, as JSON text: the same text again for every request that declares the same. */
  declared?: string;
  /** Tool results at the end of its messages, with the calls that they answer where those stand before them. */
  results?: ToolResult[];
  /** The longest row of the same calls with the same results among its messages. */
  repeated?: { name: string; times: number };
}

/** Fingerprints, so that what is long takes no room: equal texts have equal ones. */
interface ToolResult {
  id: string;
  result: string;
  call?: string;
}

/** Longer declarations are not stored. */
const MOST_DECLARED = 256 * 1_024;
/** Results of one request that are stored. */
const MOST_RESULTS = 32;
const LEAST_REPEATED = 2;

interface Call {
  id: string;
  name: string;
  arguments: string;
}

export function sentIn(body: unknown): Sent {
  if (!isRecord(body)) return {};
  const messages = (Array.isArray(body.messages) ? body.messages : [body]).filter(isRecord);
  const declared = declaredBy(body, messages);
  const results = resultsAtEnd(messages);
  const repeated = longestRepetition(messages);
  return {
    ...(typeof body.model === 'string' && { model: body.model }),
    ...(declared !== undefined && { declared }),
    ...(results.length > 0 && { results }),
    ...(repeated !== undefined && { repeated }),
  };
}

/** The name and arguments of a call, as a fingerprint. */
export const callFingerprint = ({ name, arguments: text }: Omit<Call, 'id'>): string => fingerprint(`${name} ${text}`);

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

function declaredBy(body: Record<string, unknown>, messages: readonly Record<string, unknown>[]): string | undefined {
  const dynamic = messages.flatMap(({ tools }) => (Array.isArray(tools) ? tools : []));
  const tools = [...(!('role' in body) && Array.isArray(body.tools) ? body.tools : []), ...dynamic];
  const { response_format: format } = body;
  if (tools.length === 0 && !isRecord(format)) return undefined;
  const text = JSON.stringify({
    ...(tools.length > 0 && { tools }),
    ...(isRecord(format) && { response_format: format }),
  });
  return text.length > MOST_DECLARED ? undefined : text;
}

function resultsAtEnd(messages: readonly Record<string, unknown>[]): ToolResult[] {
  const before = messages.findLastIndex(({ role }) => role !== 'tool');
  const calls = new Map(callsOf(messages[before]).map((call) => [call.id, call]));
  return messages.slice(before + 1, before + 1 + MOST_RESULTS).flatMap(({ tool_call_id: id, content }) => {
    if (typeof id !== 'string') return [];
    const call = calls.get(id);
    return [{ id, result: fingerprint(textOf(content)), ...(call && { call: callFingerprint(call) }) }];
  });
}

/** Calls and results that stand one after another, with nothing said between them. */
function longestRepetition(messages: readonly Record<string, unknown>[]): Sent['repeated'] {
  let longest: Sent['repeated'];
  let last: readonly string[] = [];
  let times = 0;
  for (let at = 0; at < messages.length; at += 1) {
    const calls = callsOf(messages[at]);
    if (calls.length === 0) {
      if (messages[at]?.role !== 'tool') last = [];
      continue;
    }
    const round = calls.flatMap((call) => [call.name, call.arguments]);
    while (messages[at + 1]?.role === 'tool') round.push(textOf(messages[++at]?.content));
    times = round.length === last.length && round.every((part, place) => part === last[place]) ? times + 1 : 1;
    last = round;
    if (times >= LEAST_REPEATED && times > (longest?.times ?? 0)) longest = { name: calls[0]?.name ?? '', times };
  }
  return longest;
}

function callsOf(message: Record<string, unknown> | undefined): Call[] {
  const calls: unknown = message?.tool_calls;
  if (!Array.isArray(calls)) return [];
  return calls.filter(isRecord).flatMap(({ id, function: called }) => {
    const { name, arguments: text } = isRecord(called) ? called : {};
    return typeof name === 'string' ? [{ id: String(id), name, arguments: String(text ?? '') }] : [];
  });
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : (JSON.stringify(content) ?? '');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
