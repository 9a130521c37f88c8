import type { Match } from '../../engines/patterns/pattern.ts';
import type { Expression } from './rule.ts';

/** `$1`, `$12`, `$<name>`, `$&`, and `$$` for a dollar sign, as in JavaScript. */
const REFERENCE = /\$(?:([$&])|([1-9]\d?)|<([^<>]*)>)/g;

/** A reply as far as it matters here: arguments may be JSON text. */
type Reply = string | { tool_calls?: readonly { arguments?: unknown }[] | undefined };

/** The first reference in a reply that leads to no group, and why; undefined where all do. */
export function faultOfReferences(reply: unknown, { pattern, written }: Expression): string | undefined {
  const count = pattern.groupCount;
  const names = Object.keys(pattern.groupNames);
  for (const text of textsOf(reply)) {
    for (const [reference, , digits, name] of text.matchAll(REFERENCE)) {
      if (digits !== undefined && groupNumber(digits, count) === undefined) {
        const has = count === 0 ? 'none' : count;
        return `${reference} is not a group of ${written}, which has ${has}; a dollar sign is written $$`;
      }
      if (name !== undefined && !names.includes(name)) {
        const known = names.length === 0 ? 'none with a name' : names.join(', ');
        return `${reference} is not a group of ${written}, which has ${known}; a dollar sign is written $$`;
      }
    }
  }
  return undefined;
}

/** The reply with what was found in place of each reference; in arguments that are JSON text, written as JSON needs it. */
export function fillIn<Filled extends Reply>(reply: Filled, found: Match): Filled {
  const whole = filled(reply, found);
  if (typeof reply === 'string' || !reply.tool_calls) return whole;
  const calls = reply.tool_calls.map((call) =>
    typeof call.arguments === 'string'
      ? { ...filled(call, found), arguments: filledText(call.arguments, found, insideJson) }
      : filled(call, found),
  );
  return Object.assign(whole, { tool_calls: calls });
}

const itself = (text: string): string => text;
const insideJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The same value with its texts filled in. */
function filled<Value>(value: Value, found: Match): Value {
  const fill = (part: unknown): unknown => {
    if (typeof part === 'string') return filledText(part, found, itself);
    if (Array.isArray(part)) return part.map(fill);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, member]) => [name, fill(member)]));
  };
  return fill(value) as Value;
}

function filledText(text: string, { groups, names }: Match, write: (found: string) => string): string {
  return text.replaceAll(REFERENCE, (_, sign?: string, digits?: string, name?: string) => {
    if (sign === '$') return '$';
    if (sign === '&') return write(groups[0] ?? '');
    if (name !== undefined) return write(groups[names[name] ?? -1] ?? '');
    const number = groupNumber(digits ?? '', groups.length - 1) ?? 0;
    return write(groups[number] ?? '') + (digits ?? '').slice(String(number).length);
  });
}

/** `$12` is group 12, or group 1 and a 2 where there is no such group. Undefined where there is neither. */
function groupNumber(digits: string, count: number): number | undefined {
  return [Number(digits), Number(digits[0])].find((number) => number >= 1 && number <= count);
}

function* textsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) yield* textsOf(part);
}
