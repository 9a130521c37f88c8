import type { Tool } from '../../contract/messages.ts';
import type { Trial } from '../core/trial.ts';
import { Mismatch } from '../core/verdict.ts';
import { append, calling, createSession, type Message, result, type State, stateOf, user } from './dialect.ts';
import type { Reply } from './reply.ts';

/** Small on purpose: tools stand in every window that is cut. */
export const TOOL: Tool = { type: 'function', function: { name: 'look_up' } };
export const OTHER_TOOL: Tool = { type: 'function', function: { name: 'find_out' } };
/** Facts enough for a summary at any ratio that a window of them is asked for. */
const FACT_TOKENS = 32;

/**
 * A session with all that a cut has to mind: a leading system message, a pinned one in the middle, a call with its result, and plain ones of
 * several sizes; two and a half times `min_preserve_tokens`, or more. Written little by little, so that any limit of one write will do.
 */
export async function mixedWindow(trial: Trial<string>, fields: object = {}): Promise<State> {
  const { api, limits, texts } = trial;
  const quarter = await texts.exactly(Math.floor(limits.min_preserve_tokens / 4));
  const eighth = await texts.exactly(Math.floor(limits.min_preserve_tokens / 8));
  const { id } = await createSession(api, fields);
  const writes: Message[][] = [
    [{ role: 'system', content: 'Be brief.' }, user(quarter)],
    [user(quarter), { role: 'assistant', content: quarter }],
    [user(eighth), { ...user(quarter), pinned: true }],
    [calling('call_1'), result('call_1', eighth)],
    [user(quarter), { role: 'assistant', content: eighth }],
    [user(quarter), { role: 'assistant', content: quarter }],
    [user(eighth)],
  ];
  for (const write of writes) await append(api, id, write);
  return stateOf(api, id);
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
