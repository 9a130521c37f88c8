import fc from 'fast-check';
import type { ChatMessage } from '../../../contract/messages.ts';
import { compress } from '../../../emulator/engines/compression/compress.ts';
import type { Compression } from '../../../emulator/engines/compression/fill-summary.ts';
import type { SourceMessage } from '../../../emulator/engines/compression/segment.ts';
import type { Format } from '../../../emulator/engines/compression/summary-format.ts';
import { openTokenizer } from '../../../emulator/tokenizer.ts';

export const tokenizer = await openTokenizer({ file: 'o200k_base' }).load();

/** Messages as the sources of a compress, numbered from 1. */
export function sources(messages: readonly ChatMessage[]): SourceMessage[] {
  return messages.map((message, index) => ({ ref: index + 1, message, summary: false }));
}

export const user = (content: string): ChatMessage => ({ role: 'user', content });
export const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });

/** A call and its result. */
export function call(id: string, name: string, args: unknown, result: string): ChatMessage[] {
  const tool = { id, type: 'function' as const, function: { name, arguments: JSON.stringify(args) } };
  return [
    { role: 'assistant', content: null, tool_calls: [tool] },
    { role: 'tool', tool_call_id: id, content: result },
  ];
}

export const earlierSummary = (content: string): SourceMessage => ({
  ref: 1,
  message: { role: 'system', content },
  summary: true,
});

interface Options {
  readonly format?: Format;
  readonly snapshotId?: string;
  readonly maxTokens?: number;
}

/** The summary of `messages`; throws where none fits. */
export async function summarise(messages: readonly SourceMessage[], options: Options = {}): Promise<Compression> {
  const { format = 'outline', snapshotId = 'snap_now', maxTokens = 400 } = options;
  const result = await compress({ messages, format, snapshotId, maxTokens }, tokenizer);
  if ('infeasible' in result) throw new Error(`no summary within ${maxTokens} tokens`);
  return result;
}

export const textOf = async (messages: readonly ChatMessage[], options: Options = {}): Promise<string> =>
  (await summarise(sources(messages), options)).content;

const NOUNS = 'harbour,ledger,invoice,router,orchard,parcel,violin,engine,permit,glacier,tunnel,beacon'.split(',');
const HAN = '港口账本发票路由果园包裹提琴引擎许可冰川隧道灯塔山水风云'.split('');
const word = fc.constantFrom(...NOUNS);
const number = fc.nat({ max: 99_999 });
const lines = (line: fc.Arbitrary<string>) =>
  fc.array(line, { minLength: 1, maxLength: 30 }).map((all) => all.join('\n'));

const english = fc
  .tuple(word, word, number)
  .map(([a, b, n]) => `The ${a} near the ${b} is ${n}. We must not move it, ok?`);
const chinese = fc.array(fc.constantFrom(...HAN), { minLength: 2, maxLength: 40 }).map((all) => `${all.join('')}。`);
const code = fc.tuple(word, number).map(([a, n]) => `export const ${a}${n} = ${n}; // see "${a}/${n}.ts"`);
const log = fc
  .tuple(fc.constantFrom('INFO', 'WARN', 'ERROR'), word, number)
  .map(([level, a, n]) => `2026-11-02T10:00:${String(n % 60).padStart(2, '0')}Z ${level} ${a} took ${n} ms`);
const json = fc
  .array(fc.record({ id: number, owner: word, note: fc.string({ unit: 'binary', maxLength: 20 }) }), { maxLength: 12 })
  .map((records) => JSON.stringify(records));
const anything = fc.string({ unit: 'binary', maxLength: 400 });
const marks = fc.array(
  fc.constantFrom('\n', '## Facts', '- #3 ', '#', '"', '\\', '{', '[', ']', ': ', '; ', '…', ' '),
  {
    maxLength: 60,
  },
);

const content = fc.oneof(
  lines(english),
  lines(chinese),
  lines(code),
  lines(log),
  json,
  anything,
  marks.map((all) => all.join('')),
);

/** Windows of every kind of text, tool calls among them. */
export const windows: fc.Arbitrary<ChatMessage[]> = fc
  .array(
    fc.oneof(
      content.map((text) => [user(text)]),
      content.map((text) => [assistant(text)]),
      fc
        .tuple(fc.uuid(), word, fc.dictionary(word, number), content)
        .map(([id, name, args, text]) => call(id, name, args, text)),
    ),
    { minLength: 1, maxLength: 24 },
  )
  .map((groups) => groups.flat());
