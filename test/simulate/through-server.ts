import { KimiClient, RollingSession } from '../../client/index.ts';
import type { Policy } from '../../client/rolling/decide-shrink.ts';
import type { InputMessage } from '../../contract/messages.ts';
import { createEmulator } from '../../emulator/index.ts';
import type { ModelDelta } from '../../emulator/models/model.ts';
import type { RecordedMessage, Transcript } from '../../emulator/simulate/index.ts';

/** A text of so many tokens, that no other number begins. */
export function words(tokens: number, number: number): string {
  return String(number) + ' x'.repeat(tokens - 1);
}

/** Questions and answers of given sizes, each at its second. */
export function sized(rounds: readonly (readonly [seconds: number, question: number, answer: number])[]): Transcript {
  const messages = rounds.flatMap(([seconds, question, answer], round): RecordedMessage[] => [
    { role: 'user', content: words(question, round), at: seconds * 1_000 },
    { role: 'assistant', content: words(answer, round), at: seconds * 1_000 },
  ]);
  return { name: 'sized', messages };
}

interface Run {
  model: string;
  date: string;
  ttl?: '5m' | '1h';
  policy?: Policy;
  maxKeep?: number;
  preserveLen?: number;
  windowTokens?: number;
}

/** The same history through the real client and the server: what it spent, and the window after each round. */
export async function throughServer({ messages, tools }: Transcript, run: Run) {
  const { model, date, ttl = '5m', policy = () => [], maxKeep = 10_000_000, preserveLen = 8_000, windowTokens } = run;
  const start = Date.parse(`${date}T00:00:00Z`);
  let now = start;
  let answer: RecordedMessage | undefined;
  await using emulator = createEmulator({
    tokenizer: 'o200k_base',
    seed: 'simulate',
    clock: { now: () => now },
    ...(windowTokens !== undefined && { limits: { window_tokens: windowTokens } }),
    model: {
      name: 'recorded',
      async *complete(): AsyncGenerator<ModelDelta> {
        if (answer?.reasoning_content) yield { type: 'reasoning', text: answer.reasoning_content };
        if (answer?.content) yield { type: 'text', text: String(answer.content) };
        for (const { function: call } of answer?.tool_calls ?? []) yield { type: 'tool_call', ...call };
      },
    },
  });
  const client = new KimiClient({ baseURL: emulator.baseURL, apiKey: 'key', fetch: emulator.fetch });
  const system = messages[0]?.role === 'system' ? String(messages[0].content) : undefined;
  const agent = await RollingSession.open(client, {
    model,
    policy,
    maxKeep,
    preserveLen,
    ...(system !== undefined && { instructions: system }),
    ...(tools && { tools: [...tools] }),
  });
  const windows: number[] = [];
  const texts: string[] = [];
  const ids = new Map<string, string>();
  let input: InputMessage[] = [];
  for (const message of messages.slice(system === undefined ? 0 : 1)) {
    if (message.role === 'assistant') {
      answer = message;
      now = start + (message.at ?? 0);
      const params = { prompt_cache_options: { ttl } } as object;
      const { toolCalls } = await agent.complete(input, { params });
      for (const [place, { id }] of (message.tool_calls ?? []).entries()) ids.set(id, toolCalls[place]?.id ?? '');
      windows.push(agent.tokens);
      const page = await client.get<{ data: object[] }>(`/sessions/${agent.sessionId}/messages`, {
        query: { limit: 100 },
      });
      texts.push(page.data.map((one) => JSON.stringify(one)).join('\n'));
      input = [];
    } else {
      const { at: _, ...body } = message;
      const id = ids.get(body.tool_call_id ?? '');
      input.push({ ...body, ...(id !== undefined && { tool_call_id: id }) } as InputMessage);
    }
  }
  return { spend: (await emulator.spend()).total, windows, texts, snapshots: agent.snapshots.length };
}
