import { type ChatMessage, contentText } from '../../contract/messages.ts';
import { compress } from '../../emulator/engines/compression/compress.ts';
import type { SourceMessage } from '../../emulator/engines/compression/segment.ts';
import type { Format } from '../../emulator/engines/compression/summary-format.ts';
import { messageTokens } from '../../emulator/engines/tokens/prompt.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { lookupModel } from '../../emulator/models/scriptable.ts';
import { BASELINES, type Baseline, baseline } from './baselines.ts';
import type { Probe } from './plant.ts';

export interface Case {
  readonly messages: readonly ChatMessage[];
  readonly probes: readonly Probe[];
}

interface Count {
  asked: number;
  /** Answered by the lookup model. */
  keys: number;
  /** Present word for word. */
  evidence: number;
}

/** What one method kept of a set's facts. */
export interface Score extends Count {
  readonly method: Method;
  readonly byPhrasing: Map<string, Count>;
}

export const WHOLE = 'whole window';
export const ENGINE = 'compress';
export const VARIANTS = ['compress, json', 'compress, text', 'compress, in two steps'] as const;
export type Method = typeof WHOLE | typeof ENGINE | (typeof VARIANTS)[number] | Baseline;

const FORMAT_OF: Partial<Record<Method, Format>> = { 'compress, json': 'json', 'compress, text': 'text' };
const model = lookupModel();

/** Asks for every fact of every case after `method` kept one token in `ratio` of its window. */
export async function measure(
  cases: readonly Case[],
  method: Method,
  ratio: number,
  tokenizer: Tokenizer,
  seed: number,
): Promise<Score> {
  const score: Score = { method, asked: 0, keys: 0, evidence: 0, byPhrasing: new Map() };
  for (const [number, { messages, probes }] of cases.entries()) {
    const kept = await keep(
      messages,
      method,
      Math.floor(tokensOf(messages, tokenizer) / ratio),
      tokenizer,
      seed + number,
    );
    await askAll(kept, probes, score);
  }
  return score;
}

export function tokensOf(messages: readonly ChatMessage[], tokenizer: Tokenizer): number {
  return messages.reduce((sum, message) => sum + messageTokens(tokenizer, message), 0);
}

async function keep(
  messages: readonly ChatMessage[],
  method: Method,
  maxTokens: number,
  tokenizer: Tokenizer,
  seed: number,
): Promise<readonly ChatMessage[]> {
  if (method === WHOLE) return messages;
  const other = BASELINES.find((name) => name === method);
  if (other !== undefined) return [system(await baseline(other, messages, maxTokens, tokenizer, seed))];
  const format = FORMAT_OF[method] ?? 'outline';
  if (method !== 'compress, in two steps') return [await summarise(asSources(messages), maxTokens, format, tokenizer)];
  const half = Math.ceil(messages.length / 2);
  const first = await summarise(asSources(messages.slice(0, half)), Math.floor(maxTokens / 2), format, tokenizer);
  const rest = asSources(messages.slice(half)).map((source) => ({ ...source, ref: source.ref + 1 }));
  return [await summarise([{ ref: 1, message: first, summary: true }, ...rest], maxTokens, format, tokenizer)];
}

export function asSources(messages: readonly ChatMessage[]): SourceMessage[] {
  return messages.map((message, index) => ({ ref: index + 1, message, summary: false }));
}

/** The window after `rounds` compressions of 2:1 in a row. */
export async function inRounds(
  messages: readonly ChatMessage[],
  rounds: number,
  tokenizer: Tokenizer,
): Promise<string> {
  let sources = asSources(messages);
  let maxTokens = tokensOf(messages, tokenizer);
  for (let round = 0; round < rounds; round++) {
    maxTokens = Math.floor(maxTokens / 2);
    const message = await summarise(sources, maxTokens - messageTokens(tokenizer, system('')), 'outline', tokenizer);
    sources = [{ ref: 1, message, summary: true }];
  }
  return contentText(sources[0]?.message.content);
}

/** What a compress to one token in `ratio` keeps. */
export async function compressed(
  messages: readonly ChatMessage[],
  ratio: number,
  tokenizer: Tokenizer,
): Promise<string> {
  const maxTokens = Math.floor(tokensOf(messages, tokenizer) / ratio);
  return contentText((await summarise(asSources(messages), maxTokens, 'outline', tokenizer)).content);
}

async function summarise(
  messages: readonly SourceMessage[],
  maxTokens: number,
  format: Format,
  tokenizer: Tokenizer,
): Promise<ChatMessage> {
  const result = await compress({ messages, format, snapshotId: 'snap_benchmark', maxTokens }, tokenizer);
  return system('content' in result ? result.content : '');
}

const system = (content: string): ChatMessage => ({ role: 'system', content });

async function askAll(messages: readonly ChatMessage[], probes: readonly Probe[], score: Score): Promise<void> {
  const text = plain(messages.map(({ content, tool_calls }) => `${content}\n${JSON.stringify(tool_calls)}`).join('\n'));
  for (const probe of probes) {
    const key = plain(await ask(messages, probe.question)).includes(plain(probe.value)) ? 1 : 0;
    const evidence = text.includes(plain(probe.evidence)) ? 1 : 0;
    const phrasing = score.byPhrasing.get(probe.phrasing) ?? { asked: 0, keys: 0, evidence: 0 };
    score.byPhrasing.set(probe.phrasing, phrasing);
    for (const count of [score, phrasing]) {
      count.asked++;
      count.keys += key;
      count.evidence += evidence;
    }
  }
}

/** What the lookup model answers. */
export async function ask(messages: readonly ChatMessage[], question: string): Promise<string> {
  const deltas = model.complete({
    model: 'kimi-k2-0905-preview',
    messages: [...messages, { role: 'user', content: question }],
    tools: [],
    partial: false,
    toolChoice: 'none',
    responseFormat: { type: 'text' },
    maxTokens: 256,
    temperature: 0,
    signal: new AbortController().signal,
  });
  let text = '';
  for await (const delta of deltas) if (delta.type === 'text') text += delta.text;
  return text;
}

/** Without case, quotes, escapes and line breaks, which neither a reader nor a model minds. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/["'`\\]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
