import fc from 'fast-check';
import type { InputMessage, Tool } from '../../contract/messages.ts';
import { type Content, openCalls } from './state.ts';

/** A message to write. What it answers is settled when it is written, so that most results have a call. */
export type Plan =
  | { kind: 'text'; role: 'user' | 'system' | 'assistant'; text: string; pinned?: boolean; name?: string }
  | { kind: 'calls'; count: number; text: string | null; pinned?: boolean; twice: boolean }
  | { kind: 'result'; which: number; text: string; pinned?: boolean; astray: boolean };

const WORDS = [
  'alpha',
  'beta ',
  'The harbour is 42 m deep. ',
  'key: value\n',
  '红楼梦',
  '说道：',
  '😀👩‍👩‍👧',
  '<|im_end|>',
  ' 12.5',
  'ß',
];

/** Texts of a few tokens up to more than a write may take. */
export const text = fc
  .tuple(fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 12 }), fc.constantFrom(1, 1, 2, 3, 6))
  .map(([words, times]) => words.join('').repeat(times));

const pinned = fc.option(fc.boolean(), { nil: undefined, freq: 2 });
const seldom = fc.nat(15).map((value) => value === 0);

function present<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Value;
}

const textPlan = fc
  .record({
    kind: fc.constant('text' as const),
    role: fc.constantFrom('user' as const, 'user' as const, 'assistant' as const, 'system' as const),
    text: fc.oneof({ weight: 30, arbitrary: text }, { weight: 1, arbitrary: fc.constant('') }),
    pinned,
    name: fc.option(fc.constant('Ada'), { nil: undefined, freq: 5 }),
  })
  .map((plan) => present(plan) as Plan);

const callsPlan = fc
  .record({
    kind: fc.constant('calls' as const),
    count: fc.integer({ min: 1, max: 3 }),
    text: fc.option(text),
    pinned,
    twice: seldom,
  })
  .map((plan) => present(plan) as Plan);

const resultPlan = fc
  .record({ kind: fc.constant('result' as const), which: fc.nat(2), text, pinned, astray: seldom })
  .map((plan) => present(plan) as Plan);

const plan = fc.oneof(
  { weight: 6, arbitrary: textPlan },
  { weight: 2, arbitrary: callsPlan },
  { weight: 3, arbitrary: resultPlan },
);

/** Messages of one write. */
export const plans = fc.array(plan, { minLength: 1, maxLength: 4 });

/** The messages on the wire, their results answering calls that are open by then. */
export function toMessages(content: Content, planned: readonly Plan[]): InputMessage[] {
  const open = openCalls(content.messages);
  return planned.map((item): InputMessage => {
    const pin = item.pinned === undefined ? {} : { pinned: item.pinned };
    if (item.kind === 'text') {
      return { role: item.role, content: item.text, ...pin, ...(item.name !== undefined && { name: item.name }) };
    }
    if (item.kind === 'calls') {
      const ids = Array.from({ length: item.count }, (_, index) => `call_${item.twice ? 0 : index}`);
      open.push(...ids);
      const tool_calls = ids.map((id) => toolCall(id, 'look', '{"at":"the harbour"}'));
      return { role: 'assistant', content: item.text, tool_calls, ...pin };
    }
    const [id = 'call_of_nobody'] = item.astray ? [] : open.splice(item.which % Math.max(1, open.length), 1);
    return { role: 'tool', tool_call_id: id, content: item.text, ...pin };
  });
}

export function toolCall(id: string, name: string, args: string) {
  return { id, type: 'function' as const, function: { name, arguments: args } };
}

/** Lists of tools, the empty one among them. */
export const tools = fc.nat(3).map((count): Tool[] =>
  Array.from({ length: count }, (_, index) => ({
    type: 'function',
    function: { name: `tool_${index}`, description: 'Looks something up.', parameters: { type: 'object' } },
  })),
);
