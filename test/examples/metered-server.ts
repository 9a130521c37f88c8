import { onTestFinished } from 'vitest';
import type { ChatMessage } from '../../contract/messages.ts';
import { messageTokens } from '../../emulator/engines/tokens/k2-template.ts';
import { createEmulator, type Model } from '../../emulator/index.ts';
import { lookupModel } from '../../emulator/models/lookup.ts';
import { listen } from '../../emulator/server.ts';
import { Api } from '../support/emulator.ts';

/** What a client really did, counted where it arrives instead of from what it was answered. */
export interface Meter {
  /** Routes of the POST requests, ids left out. */
  posts: string[];
  /** Tokens of all messages that came in. */
  receivedTokens: number;
  /** Tokens of all prompts that the model has read. */
  promptTokens: number;
}

/** What opens an answer of K2-0905. */
const GENERATION_PROMPT_TOKENS = 3;

/** An emulator on a port, with a meter at its door and one at its model. */
export async function startMetered() {
  const meter: Meter = { posts: [], receivedTokens: 0, promptTokens: 0 };
  const lookup = lookupModel();
  const metered: Model = {
    name: 'metered',
    complete(request) {
      const sizes = request.messages.map((message) => messageTokens(tokenizer, message));
      meter.promptTokens += sizes.reduce((sum, tokens) => sum + tokens, GENERATION_PROMPT_TOKENS);
      return lookup.complete(request);
    },
  };
  const emulator = createEmulator({ tokenizer: 'o200k_base', model: metered });
  const tokenizer = await emulator.tokenizer.load();
  const server = await listen(
    async (request) => {
      const { url, method } = request;
      const headers = [...request.headers];
      if (method !== 'POST') return emulator.fetch(url, { method, headers });
      const body = await request.text();
      const messages = messagesIn(JSON.parse(body));
      meter.posts.push(new URL(url).pathname.replace(/sess_\w+/, ':id'));
      meter.receivedTokens += messages.reduce((sum, message) => sum + messageTokens(tokenizer, message), 0);
      return emulator.fetch(url, { method, headers, body });
    },
    { port: 0, host: '127.0.0.1' },
  );
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
