import { onTestFinished } from 'vitest';
import type { ChatMessage } from '../../contract/messages.ts';
import { K3_TEMPLATE } from '../../emulator/engines/tokens/k3-template.ts';
import { answeredCalls, PromptCounter } from '../../emulator/engines/tokens/prompt.ts';
import { createEmulator, type Model } from '../../emulator/index.ts';
import { lookupModel } from '../../emulator/models/scriptable.ts';
import { Api } from '../support/emulator.ts';
import { listenWeb } from '../support/web-server.ts';

/** What a client really did, counted where it arrives instead of from what it was answered. */
export interface Meter {
  /** Routes of the POST requests, ids left out. */
  posts: string[];
  /** Tokens of all messages that came in. */
  receivedTokens(): Promise<number>;
  /** Tokens of all prompts that the model has read. */
  promptTokens: number;
}

/** What the example's requests ask of kimi-k3. */
const PLAIN = { thinking: true, effort: 'max', toolChoice: 'auto', responseFormat: { type: 'text' } } as const;

/** An emulator on a port, with a meter at its door and one at its model. */
export async function startMetered() {
  const received: ChatMessage[] = [];
  const meter: Meter = { posts: [], receivedTokens: () => count(received), promptTokens: 0 };
  const lookup = lookupModel();
  const metered: Model = {
    name: 'metered',
    async *complete(request) {
      meter.promptTokens += (await count(request.messages)) + (await counter.request(PLAIN, false));
      yield* lookup.complete(request);
    },
  };
  const emulator = createEmulator({ tokenizer: 'o200k_base', model: metered });
  const counter = new PromptCounter(await emulator.tokenizer.load(), K3_TEMPLATE);
  const count = async (messages: readonly ChatMessage[]) => {
    const answered = answeredCalls([], messages);
    const sizes = await Promise.all(messages.map((message, place) => counter.message(message, answered[place])));
    return sizes.reduce((sum, { tokens, reasoning }) => sum + tokens + reasoning, 0);
  };
  const server = await listenWeb(async (request) => {
    const { url, method } = request;
    const headers = [...request.headers];
    if (method !== 'POST') return emulator.fetch(url, { method, headers });
    const body = await request.text();
    received.push(...messagesIn(JSON.parse(body)));
    meter.posts.push(new URL(url).pathname.replace(/sess_\w+/, ':id'));
    return emulator.fetch(url, { method, headers, body });
  });
  onTestFinished(async () => {
    await server.close();
    await emulator.close();
  });
  const api = new Api(emulator, 'in process');
  return { meter, api, env: { KIMI_BASE_URL: `${server.url}/v1`, KIMI_API_KEY: 'sk-test', NO_PROXY: '127.0.0.1' } };
}

/** The messages of a request: a list of them, one alone, or none. */
function messagesIn(body: { messages?: ChatMessage[] } & Partial<ChatMessage>): ChatMessage[] {
  if (body.messages) return body.messages;
  const { role, content = null, ...rest } = body;
  return role === undefined ? [] : [{ role, content, ...rest }];
}
