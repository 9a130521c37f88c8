import { isDeepStrictEqual } from 'node:util';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import type { ReadRequest, TapedChat, TapedRequest } from './request.ts';
import type { Tape } from './tape.ts';

/** The recorded request that comes closest to one that was not found. */
interface Nearest {
  /** Its number on the tape. */
  readonly n: number;
  /** Where it differs first, in one clause. */
  readonly difference: string;
}

/** Reads the tape through, as nothing of its requests stands in memory. Undefined where none is of the same kind. */
export async function nearestOf(tape: Tape, { request }: ReadRequest): Promise<Nearest | undefined> {
  let best: { n: number; found: TapedRequest; score: readonly number[] } | undefined;
  for (const entry of tape.entries) {
    const found = tape.read(entry).request;
    const score = likeness(found, request);
    if (score && (!best || isGreater(score, best.score))) best = { n: entry.n, found, score };
    if (sliceIsOver()) await yieldToEventLoop();
  }
  return best && { n: best.n, difference: differenceOf(best.found, request) };
}

/** How alike two requests are, what counts most first. Undefined where they have nothing in common. */
function likeness(recorded: TapedRequest, asked: TapedRequest): number[] | undefined {
  if (recorded.method !== asked.method) return undefined;
  if (recorded.chat && asked.chat) {
    const [one, other] = [recorded.chat, asked.chat];
    const equal = one.messages.filter((message, place) => isDeepStrictEqual(message, other.messages[place])).length;
    const longer = Math.max(one.messages.length, other.messages.length);
    return [equal - longer, -fieldsThatDiffer(one, other).length, equal, commonStart(one.messages, other.messages)];
  }
  if (recorded.chat || asked.chat || routeOf(recorded) !== routeOf(asked)) return undefined;
  return [Number(recorded.path === asked.path)];
}

/** How far the first two messages that differ are the same. */
function commonStart(one: TapedChat['messages'], other: TapedChat['messages']): number {
  const place = one.findIndex((message, at) => !isDeepStrictEqual(message, other[at]));
  return firstDifference(JSON.stringify(one[place] ?? ''), JSON.stringify(other[place] ?? ''));
}

/** By halves: texts are compared faster than characters. */
function firstDifference(one: string, other: string): number {
  let same = 0;
  for (let end = Math.min(one.length, other.length); same < end; ) {
    const middle = Math.ceil((same + end) / 2);
    if (one.slice(same, middle) === other.slice(same, middle)) same = middle;
    else end = middle - 1;
  }
  return same;
}

function isGreater(one: readonly number[], other: readonly number[]): boolean {
  const place = one.findIndex((value, at) => value !== other[at]);
  return place !== -1 && (one[place] ?? 0) > (other[place] ?? 0);
}

function routeOf({ path }: TapedRequest): string {
  return path.split('?')[0] ?? '';
}

function fieldsThatDiffer(one: TapedChat, other: TapedChat): string[] {
  const names = [...new Set([...Object.keys(one.settings), ...Object.keys(other.settings)])];
  return [
    ...(one.model === other.model ? [] : ['model']),
    ...names.filter((name) => !isDeepStrictEqual(one.settings[name], other.settings[name])),
    ...(isDeepStrictEqual(one.tools, other.tools) ? [] : ['tools']),
  ];
}

function differenceOf(recorded: TapedRequest, asked: TapedRequest): string {
  if (!recorded.chat || !asked.chat) {
    return recorded.path === asked.path ? 'its body differs' : `its path is ${recorded.path}`;
  }
  const [one, other] = [recorded.chat, asked.chat];
  const [field] = fieldsThatDiffer(one, other);
  if (field === 'tools') return `its tools differ: ${firstTool(one.tools, other.tools)}`;
  if (field !== undefined) {
    const of = (chat: TapedChat) => shown(field === 'model' ? chat.model : chat.settings[field]);
    return `its ${field} is ${of(one)}, not ${of(other)}`;
  }
  const place = other.messages.findIndex((message, at) => !isDeepStrictEqual(message, one.messages[at]));
  const at = place === -1 ? other.messages.length : place;
  const [before, now] = [one.messages[at], other.messages[at]];
  const had = one.messages.length === 1 ? '1 message' : `${one.messages.length} messages`;
  if (!before) return `it has ${had}, and messages[${at}] (${now?.role}) is new`;
  if (!now) return `it has ${had}, not ${other.messages.length}`;
  return `its messages[${at}] (${now.role}) differs${inWhat(before, now)}`;
}

function firstTool(one: readonly unknown[], other: readonly unknown[]): string {
  if (one.length !== other.length) return `${one.length}, not ${other.length}`;
  return `tools[${one.findIndex((tool, at) => !isDeepStrictEqual(tool, other[at]))}]`;
}

function inWhat(before: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const name = names.find((each) => !isDeepStrictEqual(before[each], now[each])) ?? '';
  const [one, other] = [before[name], now[name]];
  if (typeof one !== 'string' || typeof other !== 'string') {
    return one === undefined || other === undefined
      ? `: ${name} is there in one of them only`
      : `: its ${name} is ${shown(one)}, not ${shown(other)}`;
  }
  const at = firstDifference(one, other);
  const from = Math.max(0, at - BEFORE);
  const cut = (text: string) => shown(text.slice(from, from + SHOWN));
  return `${name === 'content' ? '' : ` in its ${name}`} at character ${at}: ${cut(one)}, not ${cut(other)}`;
}

/** Of a text that differs, so much is shown before the place, and in all. */
const BEFORE = 12;
const SHOWN = 48;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'not given';
  return text.length <= 2 * SHOWN ? text : `${text.slice(0, 2 * SHOWN)}…`;
}
