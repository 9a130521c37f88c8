import type { Checkpoint, RollingState } from '../../client/checkpoint.ts';
import { KimiClient, type KimiClientOptions } from '../../client/index.ts';
import type { RollingOptions } from '../../client/rolling/context.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import type { EmulatorOptions, Model } from '../../emulator/index.ts';
import { type Api, startEmulator, type Transport } from '../support/emulator.ts';

/** Limits so small that a few rounds fill the window, and settings that go with them. */
const SMALL_LIMITS = { append_tokens: 200, min_preserve_tokens: 100, window_tokens: 1_200 };
export const SMALL = { maxKeep: 600, preserveLen: 200, maxTokens: 60 } as const satisfies RollingOptions;

/** Waits no longer than until all that is ready has had its turn. */
export const noSleep = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function clientOf(api: Api, options: KimiClientOptions = {}): KimiClient {
  return new KimiClient({ baseURL: api.emulator.baseURL, apiKey: 'sk-test', fetch: api.fetch, ...options });
}

/** A checkpoint in memory, as bytes: what is saved later does not change what was saved before. */
export class MemoryCheckpoint implements Checkpoint {
  text: string | undefined;

  load(): unknown {
    return this.text === undefined ? undefined : JSON.parse(this.text);
  }

  save(state: RollingState): void {
    this.text = JSON.stringify(state);
  }
}

/** Answers with the number of the question it was asked, and counts how often it was. */
class CountingModel implements Model {
  readonly name = 'counting';
  readonly asked: string[] = [];

  async *complete({ messages }: Parameters<Model['complete']>[0]) {
    const question = String(messages.at(-1)?.content);
    this.asked.push(question);
    yield { type: 'text' as const, text: answerTo(question) };
  }
}

/** Long enough to come in more than one chunk. */
export function answerTo(question: string): string {
  return `Answer to ${question.slice(0, 24)}. It is long enough to come in more than one chunk.`;
}

export interface Bench {
  api: Api;
  client: KimiClient;
  model: CountingModel;
}

/** A small emulator with a model that counts, and a client of it. */
export async function startBench(
  transport: Transport = 'in process',
  emulator: EmulatorOptions = {},
  options: KimiClientOptions = {},
): Promise<Bench> {
  const model = new CountingModel();
  const api = await startEmulator(transport, { limits: SMALL_LIMITS, model, ...emulator });
  return { api, client: clientOf(api, options), model };
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Roles and texts, as a transcript. */
export function transcript(messages: readonly SessionMessage[]): string[] {
  return messages.map(({ role, content }) => `${role}: ${String(content)}`);
}
