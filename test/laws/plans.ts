import fc from 'fast-check';
import type { InputMessage, Tool } from '../../contract/messages.ts';
import { type Content, openCalls } from './state.ts';

const FAULTS = ['out of place', 'result of nothing', 'id used twice', 'empty'] as const;

/**
 * A message to write. What it is exactly is settled when it is written: while calls are open their results are, unless
 * the plan is to go astray.
 */
export interface Plan {
  role: 'user' | 'system' | 'assistant';
  text: string;
  /** Calls of an assistant; none where 0. */
  calls: number;
  /** Which of the open calls is answered. */
  answers: number;
  pinned?: boolean;
  name?: string;
  astray?: (typeof FAULTS)[number];
}

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

const plan: fc.Arbitrary<Plan> = fc
  .record({
    role: fc.constantFrom('user' as const, 'user' as const, 'assistant' as const, 'system' as const),
    text,
    calls: fc.constantFrom(0, 0, 1, 2, 3),
    answers: fc.nat(2),
    pinned: fc.constantFrom(undefined, undefined, undefined, undefined, true, false),
    name: fc.constantFrom(undefined, undefined, undefined, 'Ada'),
    astray: fc.oneof(
      { weight: 24, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...FAULTS) },
    ),
  })
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never);

/** Messages of one write. */
export const plans = fc.array(plan, { minLength: 1, maxLength: 4 });

/** The messages on the wire. */
export function toMessages(content: Content, planned: readonly Plan[]): InputMessage[] {
  const open = openCalls(content.messages);
  return planned.map((item): InputMessage => {
    const pin = item.pinned === undefined ? {} : { pinned: item.pinned };
    const words = item.astray === 'empty' ? '' : item.text;
    if (item.astray === 'result of nothing') return { role: 'tool', tool_call_id: 'nobody', content: words, ...pin };
    if (open.length > 0 && item.astray !== 'out of place') {
      const [id = ''] = open.splice(item.answers % open.length, 1);
      return { role: 'tool', tool_call_id: id, content: words, ...pin };
    }
    const message = { content: words, ...pin, ...(item.name !== undefined && { name: item.name }) };
    if (item.role !== 'assistant' || item.calls === 0) return { role: item.role, ...message };
    const ids = Array.from({ length: item.calls }, (_, index) => `call_${item.astray === 'id used twice' ? 0 : index}`);
    open.push(...ids);
    const tool_calls = ids.map((id) => toolCall(id, 'look', '{"at":"the harbour"}'));
    return { role: 'assistant', ...message, content: item.answers === 0 ? null : words, tool_calls };
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
