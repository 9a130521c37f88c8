import type { Tool } from '../../contract/messages.ts';
import type { Trial } from '../core/trial.ts';
import { Mismatch } from '../core/verdict.ts';
import { append, calling, createSession, type Message, result, type State, stateOf, user } from './dialect.ts';
import type { Reply } from './reply.ts';

/** Small on purpose: tools stand in every window that is cut. */
export const TOOL: Tool = { type: 'function', function: { name: 'look_up' } };
export const OTHER_TOOL: Tool = { type: 'function', function: { name: 'find_out' } };
/** More than a message of two words counts, or a call, in any vocabulary. */
const SHORT_TOKENS = 16;
/** Facts enough for a summary at any ratio that a window of them is asked for. */
const FACT_TOKENS = 32;

/**
 * A session with all that a cut has to mind: a leading system message, a pinned one in the middle, a call with its result, and plain ones of
 * several sizes; two and a half times `min_preserve_tokens`, or more. Any limit of one write will do.
 */
export async function mixedWindow(trial: Trial<string>, fields: object = {}): Promise<State> {
  const { api, limits, texts } = trial;
  const [four, eight] = [4, 8].map((part) => Math.floor(limits.min_preserve_tokens / part)) as [number, number];
  const [quarter, eighth] = [await texts.exactly(four), await texts.exactly(eight)];
  const assistant = (content: string): Message => ({ role: 'assistant', content });
  const groups: Sized[] = [
    { tokens: SHORT_TOKENS, messages: [{ role: 'system', content: 'Be brief.' }] },
    { tokens: four, messages: [user(quarter)] },
    { tokens: four, messages: [user(quarter)] },
    { tokens: four, messages: [assistant(quarter)] },
    { tokens: eight, messages: [user(eighth)] },
    { tokens: four, messages: [{ ...user(quarter), pinned: true }] },
    { tokens: eight + 4 * SHORT_TOKENS, messages: [calling('call_1'), result('call_1', eighth)] },
    { tokens: four, messages: [user(quarter)] },
    { tokens: eight, messages: [assistant(eighth)] },
    { tokens: four, messages: [user(quarter)] },
    { tokens: four, messages: [assistant(quarter)] },
    { tokens: eight, messages: [user(eighth)] },
  ];
  const { id } = await createSession(api, fields);
  for (const write of writesOf(groups, limits.append_tokens - 2 * SHORT_TOKENS)) await append(api, id, write);
  return stateOf(api, id);
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

/** Messages with something to tell, of less than `FACT_TOKENS` tokens each. */
export function facts(count: number): Message[] {
  return Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content: `Order ${1_000 + index} goes to warehouse ${index} and costs ${index * 7} dollars, as agreed on day ${index}.`,
  }));
}

/** Appends messages of less than `FACT_TOKENS` tokens each, as many in one write as are allowed. */
export async function appendFacts({ api, limits }: Trial<string>, id: string, messages: Message[]): Promise<void> {
  const most = Math.max(1, Math.floor(limits.append_tokens / FACT_TOKENS));
  for (let from = 0; from < messages.length; from += most) {
    await append(api, id, messages.slice(from, from + most));
  }
}

/** A call with arguments of its own. */
export function callingWith(id: string, args: string): Message {
  const call = { id, type: 'function' as const, function: { name: 'look_up', arguments: args } };
  return { role: 'assistant', content: null, tool_calls: [call] };
}

/**
 * The number that a refusal names as the least that works: one that does, while one less is refused.
 * @throws Mismatch where it names none
 */
export async function findLeast(
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
