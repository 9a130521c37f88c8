import { expect } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import { readEvents } from '../support/emulator.ts';

/** What a turn delivered, streamed or not. */
export interface Answer {
  content: string;
  calls: { id: string; function: { name: string; arguments: string } }[];
  finish: string;
  promptTokens: number;
  completionTokens: number;
  session: unknown;
}

export function readAnswer({ choices, usage, session }: ChatCompletion): Answer {
  const choice = choices[0];
  if (!choice) throw new Error('an answer without a choice');
  return {
    content: choice.message.content,
    calls: choice.message.tool_calls ?? [],
    finish: choice.finish_reason,
    promptTokens: usage.prompt_tokens,
    completionTokens: usage.completion_tokens,
    session,
  };
}

export function readStream(body: string): Answer {
  const { chunks, done } = readEvents(body);
  expect(done).toBe(true);
  const choices = chunks.flatMap((chunk) => chunk.choices as Choice[]);
  const calls = new Map<number, Answer['calls'][number]>();
  for (const { delta } of choices) {
    for (const { index, id, function: call } of delta.tool_calls ?? []) {
      const known = calls.get(index) ?? { id: id ?? '', function: { name: call.name ?? '', arguments: '' } };
      known.function.arguments += call.arguments ?? '';
      calls.set(index, known);
    }
  }
  const last = choices.at(-1);
  return {
    content: choices.map(({ delta }) => delta.content ?? '').join(''),
    calls: [...calls.values()],
    finish: last?.finish_reason ?? '',
    promptTokens: last?.usage?.prompt_tokens ?? -1,
    completionTokens: last?.usage?.completion_tokens ?? -1,
    session: chunks.at(-1)?.session,
  };
}

interface Choice {
  delta: {
    content?: string;
    tool_calls?: { index: number; id?: string; function: { name?: string; arguments?: string } }[];
  };
  finish_reason: string | null;
  usage?: { prompt_tokens: number; completion_tokens: number };
}
