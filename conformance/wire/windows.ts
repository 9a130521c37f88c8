import type { Tool } from '../../contract/messages.ts';
import { TokenEstimate } from '../../contract/models.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import type { CaseContext } from '../core/case.ts';
import { expectBody, expectError, expectTrue } from '../core/expect.ts';
import { Inconclusive, Mismatch } from '../core/verdict.ts';
import type { SendOptions } from './api.ts';
import type { Reply } from './reply.ts';
import { type Message, type State, toolCall, toolResult, user } from './sessions.ts';

/** Small on purpose: tools stand in every window that is cut. */
export const TOOL: Tool = { type: 'function', function: { name: 'look_up' } };
export const OTHER_TOOL: Tool = { type: 'function', function: { name: 'find_out' } };
/** More than two words count, or a call, in any vocabulary. */
const SHORT_TEXT = 12;
/** More than the text of a fact counts. */
const FACT_TEXT = 28;

/**
 * A session with all that a cut has to mind: a leading system message, a pinned one in the middle, a call with its result, and plain ones of
 * several sizes; two and a half times `min_preserve_tokens`, or more. Any limit of one write will do.
 */
export async function mixedWindow(context: CaseContext<string>, fields: object = {}): Promise<State> {
  const { api, limits, texts } = context;
  const [four, eight] = [4, 8].map((part) => Math.floor(limits.min_preserve_tokens / part)) as [number, number];
  const [quarter, eighth] = [await texts.exactly(four), await texts.exactly(eight)];
  const short = SHORT_TEXT + texts.overhead.assistant;
  const assistant = (content: string): Message => ({ role: 'assistant', content });
  const groups: Sized[] = [
    { tokens: short, messages: [{ role: 'system', content: 'Be brief.' }] },
    { tokens: four, messages: [user(quarter)] },
    { tokens: four, messages: [user(quarter)] },
    { tokens: four, messages: [assistant(quarter)] },
    { tokens: eight, messages: [user(eighth)] },
    { tokens: four, messages: [{ ...user(quarter), pinned: true }] },
    { tokens: eight + 4 * short, messages: [toolCall('call_1'), toolResult('call_1', eighth)] },
    { tokens: four, messages: [user(quarter)] },
    { tokens: eight, messages: [assistant(eighth)] },
    { tokens: four, messages: [user(quarter)] },
    { tokens: four, messages: [assistant(quarter)] },
    { tokens: eight, messages: [user(eighth)] },
  ];
  const { id } = await api.createSession(fields);
  for (const write of writesOf(groups, limits.append_tokens - 2 * short)) await api.append(id, write);
  return api.stateOf(id);
}

interface Sized {
  /** At least as many as they count. */
  tokens: number;
  messages: Message[];
}

/** As few writes as the limit allows. */
function writesOf(groups: readonly Sized[], limit: number): Message[][] {
  const writes: Message[][] = [];
  let left = 0;
  for (const { tokens, messages } of groups) {
    if (tokens > left) {
      writes.push([]);
      left = limit;
    }
    writes.at(-1)?.push(...messages);
    left -= tokens;
  }
  return writes;
}

/** Messages with something to tell: enough of them for a summary at any ratio that a window of them is asked for. */
export function facts(count: number): Message[] {
  return Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content: `Order ${1_000 + index} goes to warehouse ${index} and costs ${index * 7} dollars, as agreed on day ${index}.`,
  }));
}

/** Appends facts, as many in one write as are allowed. */
export async function appendFacts(
  { api, limits, texts }: CaseContext<string>,
  id: string,
  messages: Message[],
): Promise<void> {
  const most = Math.max(1, Math.floor(limits.append_tokens / (FACT_TEXT + texts.overhead.assistant)));
  for (let from = 0; from < messages.length; from += most) {
    await api.append(id, messages.slice(from, from + most));
  }
}

/** A call with arguments of its own. */
export function toolCallWith(id: string, args: string): Message {
  const call = { id, type: 'function' as const, function: { name: 'look_up', arguments: args } };
  return { role: 'assistant', content: null, tool_calls: [call] };
}

/**
 * The number that a refusal names as the least that works: one that does, while one less is refused.
 * @throws Mismatch where it names none
 */
export async function findSmallestAccepted(
  message: string,
  above: number,
  attempt: (value: number) => Promise<Reply>,
): Promise<number> {
  const named = [...message.matchAll(/\d+/g)].map(([digits]) => Number(digits)).filter((value) => value > above);
  for (const value of named) {
    const [works, less] = [await attempt(value), await attempt(value - 1)];
    if (works.status < 300 && less.status === 400) return value;
  }
  throw new Mismatch(`the refusal names the least that works: ${message}`);
}

/** Messages that stay or go together: a plain one, or a call with all its results. */
export function groupsOf(messages: readonly SessionMessage[]): SessionMessage[][] {
  const groups: SessionMessage[][] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (message.role === 'tool' && last) last.push(message);
    else groups.push([message]);
  }
  return groups;
}

export function tokensIn(messages: readonly SessionMessage[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0);
}

export function isPinned(group: readonly SessionMessage[]): boolean {
  return group.some(({ pinned }) => pinned);
}

/**
 * What a cut to `budget` tokens of messages has to keep by the contract: pins, and the longest run of newest groups.
 * @returns undefined where not even the newest group fits
 */
export function retainedBy(messages: readonly SessionMessage[], budget: number): SessionMessage[] | undefined {
  const groups = groupsOf(messages);
  const pins = groups.filter(isPinned);
  let left = budget - tokensIn(pins.flat());
  let from = groups.length;
  while (from > 0) {
    const group = groups[from - 1] ?? [];
    const tokens = isPinned(group) ? 0 : tokensIn(group);
    if (tokens > left) break;
    left -= tokens;
    from -= 1;
  }
  if (from === groups.length && from > 0) return undefined;
  return groups.filter((group, place) => place >= from || isPinned(group)).flat();
}

/** A listed message as a request brings it. */
export function asWritten(message: SessionMessage): object {
  const { role, content, name, tool_calls, tool_call_id, reasoning_content } = message;
  return {
    role,
    content,
    ...(name !== undefined && { name }),
    ...(reasoning_content && { reasoning_content }),
    ...(tool_calls && { tool_calls }),
    ...(tool_call_id !== undefined && { tool_call_id }),
  };
}

/** What a message says, whichever session it stands in. */
export function contentOf({ role, content, name, tool_calls, tool_call_id, tokens }: SessionMessage): object {
  return { role, content, name, tool_calls, tool_call_id, tokens };
}

/** Less than any message with a word of text counts in any vocabulary. */
const LEAST_MESSAGE = 16;

/**
 * Fills a window until its usage is exactly `total`, by writes as large as are allowed.
 * @throws Mismatch, Inconclusive where that does not happen
 */
export async function fillWindow(
  context: CaseContext<string>,
  id: string,
  total: number,
  write?: number,
): Promise<void> {
  const { api, limits, texts } = context;
  const most = write ?? limits.append_tokens;
  let { total_tokens: used } = (await api.getSession(id)).usage;
  while (used < total) {
    const rest = total - used;
    // What is left after this write must be enough for another.
    const tokens = rest <= most ? rest : Math.min(most, rest - LEAST_MESSAGE);
    const { usage } = await api.append(id, user(await texts.exactly(tokens)));
    if (usage.total_tokens <= used) throw new Inconclusive(`the usage of ${id} does not grow`);
    used = usage.total_tokens;
  }
}

/** A prompt to be counted, whatever becomes of it. Free of charge. */
export function sendEstimate(context: CaseContext<string>, body: object, send?: SendOptions): Promise<Reply> {
  return context.api.post('/tokenizers/estimate-token-count', { model: context.target.model, ...body }, send);
}

/** Tokens of a prompt by the target's counter. @throws Mismatch, Inconclusive */
export async function estimateTokens(context: CaseContext<string>, body: object): Promise<number> {
  return expectBody(await sendEstimate(context, body), TokenEstimate).data.total_tokens;
}

/** Tokens of a text alone. @throws Mismatch, Inconclusive */
export async function textTokens(context: CaseContext<string>, text: string): Promise<number> {
  return (await context.texts.tokensOf(text)) - context.texts.overhead.message;
}

/** A snapshot that restores a part of a window in which there is all that a cut has to mind. */
interface PartlyRestored extends State {
  snapshot_id: string;
  /** Tokens, least first; `middle` is what the snapshot restores by itself, and with `most` not all comes back either. */
  little: number;
  middle: number;
  most: number;
  /** What has to come back where so many tokens are asked for. */
  kept: (preserve_len: number) => SessionMessage[] | undefined;
}

/** Needs `sessions.append`, `sessions.snapshot` and `tokens.estimate`. @throws Mismatch, Inconclusive */
export async function partlyRestored(context: CaseContext<string>): Promise<PartlyRestored> {
  const state = await mixedWindow(context, { tools: [TOOL] });
  const { session, messages } = state;
  const times = (factor: number) => Math.floor(factor * context.limits.min_preserve_tokens);
  const lengths = { little: times(1.1), middle: times(1.6), most: times(2.1) };
  const { id: snapshot_id } = await context.api.createSnapshot(session.id, { preserve_len: lengths.middle });
  const kept = (preserve_len: number) => retainedBy(messages, preserve_len - session.usage.tools_tokens);
  return { ...state, ...lengths, snapshot_id, kept };
}

/** A `preserve_len` below the minimum is refused, and the minimum is named. @throws Mismatch */
export function expectBelowMinimum(reply: Reply, least: number): void {
  const message = expectError(reply, 'preserve_len_too_small', { param: 'preserve_len' });
  expectTrue(message.includes(String(least)), `the refusal names the minimum ${least}: ${message}`);
}
