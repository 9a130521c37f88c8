import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { KimiClient } from '../../client/index.ts';
import type { Client, Got, Place, Task } from './cell.ts';

const MODEL = 'kimi-k3';
const PROMPT = 'What is the gate?';

/** The stock SDK. What it has no method for it sends with `client.post`. */
export const openaiSdk: Client = (task, place) => {
  const { baseURL, apiKey, fetch, session, snapshot } = place;
  return withSdk(new OpenAI({ baseURL, apiKey, fetch, ...timeout(place) }), task, session, snapshot);
};

/** Ours: the stock SDK with sessions, and a key for every change that is kept across the SDK's retries. */
export const kimiClient: Client = (task, place) => {
  const { baseURL, apiKey, fetch, session, snapshot } = place;
  return withSdk(new KimiClient({ baseURL, apiKey, fetch, ...timeout(place) }), task, session, snapshot);
};

/** The AI SDK with the Moonshot provider. It knows no sessions: its `fetch` adds the session to the body. */
export const aiSdk: Client = (task, { baseURL, apiKey, fetch, session, limit }) => {
  if (task !== 'chat' && task !== 'streamed chat') return undefined;
  const inSession: typeof fetch = (input, init) =>
    fetch(input, { ...init, body: JSON.stringify({ ...JSON.parse(String(init?.body)), session_id: session }) });
  const model = createMoonshotAI({ baseURL, apiKey, fetch: inSession })(MODEL);
  const abort = limit && { abortSignal: limit };
  if (task === 'chat') return generateText({ model, prompt: PROMPT, ...abort });
  return readTextStream((onError) => streamText({ model, prompt: PROMPT, ...abort, onError }));
};

async function withSdk(client: OpenAI, task: Task, session: string, snapshot: string): Promise<Got> {
  const request = { model: MODEL, messages: [{ role: 'user' as const, content: PROMPT }], ...{ session_id: session } };
  if (task === 'chat') {
    const { choices } = await client.chat.completions.create(request);
    return { text: choices[0]?.message.content ?? '' };
  }
  if (task === 'streamed chat') {
    let text = '';
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
    }
    return { text };
  }
  const bodies = {
    append: ['messages', { role: 'user', content: 'a line' }],
    rollback: ['rollback', { snapshot_id: snapshot }],
    compress: ['compress', { ratio: 2 }],
  } as const;
  const [route, body] = bodies[task];
  await client.post(`/sessions/${session}/${route}`, { body });
  return {};
}

/** Who reads `textStream` does not see every error: some are given to `onError` alone. */
async function readTextStream(
  start: (onError: (event: { error: unknown }) => void) => { textStream: AsyncIterable<string> },
): Promise<Got> {
  let text = '';
  let told: unknown;
  const onError = ({ error }: { error: unknown }) => {
    told = error;
  };
  for await (const part of start(onError).textStream) text += part;
  return { text, ...(told !== undefined && { told }) };
}

function timeout({ limitMs }: Place): { timeout?: number } {
  return limitMs === undefined ? {} : { timeout: limitMs };
}
