import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RollingSession } from '../../client/index.ts';
import type { Session, SessionTruncation } from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import { clientOf, collect } from '../client/support.ts';
import { startPair } from '../gateway/gateway.ts';
import type { Api } from '../support/emulator.ts';
import { openaiFor } from './openai.ts';

const SYSTEM = 'order_id: A-4711\nuser_id: mia_li_3668\nThe order was shipped to Lisbon by rail.';
const WHERE = 'Where was the order shipped?';
const LOOK_UP = 'Call get_user_details. What is my email?';
const DETAILS = '{"name":"Mia Li","email":"mia.li3818@example.com"}';
const EMAIL = 'mia.li3818@example.com';
const PARAMETERS = { type: 'object', properties: { user_id: { type: 'string' } }, required: ['user_id'] };
const FUNCTION = { name: 'get_user_details', description: 'Details of a user', parameters: PARAMETERS };
const TOOL = { type: 'function' as const, function: FUNCTION };
const user = (content: string) => ({ role: 'user' as const, content });

/** K2.6 wants its reasoning back with a tool call, and these clients drop it; K3 cannot be told not to think. */
const unthinking = (model: string) => (model === 'kimi-k2.6' ? { thinking: { type: 'disabled' } } : {});

/** What is asked of every client. The session holds `SYSTEM`. */
interface Client {
  name: string;
  /** One turn in the session that `extra` names. */
  ask(api: Api, model: string, question: string, extra: { session_id: string }, isStreamed: boolean): Promise<string>;
  /** From a question over a tool call to the answer, without a session. */
  useTool(api: Api, model: string, isStreamed: boolean): Promise<string>;
}

const openai: Client = {
  name: 'openai',
  async ask(api, model, question, extra, isStreamed) {
    const { completions } = openaiFor(api).chat;
    const request = { model, messages: [user(question)], ...extra };
    if (!isStreamed) return (await completions.create(request)).choices[0]?.message.content ?? '';
    let text = '';
    for await (const chunk of await completions.create({ ...request, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
    }
    return text;
  },
  async useTool(api, model, isStreamed) {
    const { completions } = openaiFor(api).chat;
    const tools = [{ ...TOOL, function: { ...FUNCTION, function: (_: string) => DETAILS } }];
    const messages = [{ role: 'system' as const, content: SYSTEM }, user(LOOK_UP)];
    const request = { model, messages, tools, ...unthinking(model) };
    const runner = isStreamed ? completions.runTools({ ...request, stream: true }) : completions.runTools(request);
    return (await runner.finalContent()) ?? '';
  },
};

const moonshot = ({ emulator, fetch }: Api, extra: object = {}) =>
  createMoonshotAI({
    baseURL: emulator.baseURL,
    apiKey: 'sk-test',
    // It takes no fields of others, so that a session is named on the way.
    fetch: (input, init) => {
      const body = { ...JSON.parse(String(init?.body)), ...extra };
      return fetch(input, { ...init, body: JSON.stringify(body) });
    },
  });

const aiSdk: Client = {
  name: '@ai-sdk/moonshotai',
  async ask(api, model, prompt, extra, isStreamed) {
    const request = { model: moonshot(api, extra)(model), prompt };
    return isStreamed ? await streamText(request).text : (await generateText(request)).text;
  },
  async useTool(api, model, isStreamed) {
    const get_user_details = tool({
      inputSchema: z.object({ user_id: z.string() }),
      execute: async () => JSON.parse(DETAILS),
    });
    const request = {
      model: moonshot(api)(model),
      system: SYSTEM,
      prompt: LOOK_UP,
      stopWhen: stepCountIs(3),
      tools: { get_user_details },
    };
    return isStreamed ? await streamText(request).text : (await generateText(request)).text;
  },
};

const chatOpenAI = ({ emulator, fetch }: Api, model: string, modelKwargs: object = {}) =>
  new ChatOpenAI({ model, apiKey: 'sk-test', configuration: { baseURL: emulator.baseURL, fetch }, modelKwargs });

const langchain: Client = {
  name: '@langchain/openai',
  async ask(api, model, question, extra, isStreamed) {
    const chat = chatOpenAI(api, model, { ...extra });
    if (!isStreamed) return (await chat.invoke([new HumanMessage(question)])).text;
    let text = '';
    for await (const chunk of await chat.stream([new HumanMessage(question)])) text += chunk.text;
    return text;
  },
  async useTool(api, model, isStreamed) {
    const details = langchainTool(async () => DETAILS, {
      name: FUNCTION.name,
      schema: z.object({ user_id: z.string() }),
    });
    const bound = chatOpenAI(api, model, unthinking(model)).bindTools([details]);
    const asked = [new SystemMessage(SYSTEM), new HumanMessage(LOOK_UP)];
    let asking: Awaited<ReturnType<typeof bound.invoke>> | undefined;
    if (!isStreamed) asking = await bound.invoke(asked);
    else for await (const chunk of await bound.stream(asked)) asking = asking?.concat(chunk) ?? chunk;
    const [call] = asking?.tool_calls ?? [];
    if (!asking || !call) throw new Error('no call');
    const result = await details.invoke({ ...call, type: 'tool_call' });
    return (await bound.invoke([...asked, asking, result])).text;
  },
};

const start = () => startPair('over HTTP', { upstream: { stateless: true, streamChunkSize: 4 } });

async function openSession(client: OpenAI, model: string): Promise<Session> {
  return client.post('/sessions', { body: { model, messages: [{ role: 'system', content: SYSTEM }] } });
}

describe.each(['kimi-k3', 'kimi-k2.6'])('%s behind the gateway', (model) => {
  describe.each([openai, aiSdk, langchain])('through $name', (client) => {
    it.each([false, true])('keeps a conversation in a session, stream: %s', async (isStreamed) => {
      const { api, upstream } = await start();
      const sessions = openaiFor(api);
      const { id } = await openSession(sessions, model);
      expect(await client.ask(api, model, WHERE, { session_id: id }, isStreamed)).toContain('Lisbon');
      expect(await client.ask(api, model, 'What is the user_id?', { session_id: id }, isStreamed)).toContain('mia_li');
      expect(await sessions.get(`/sessions/${id}`)).toMatchObject({ version: 3, usage: { messages: 5 } });
      const [last] = upstream.journal.entries().slice(-1);
      expect(last?.request).toContain('Lisbon');
      expect(last?.request).not.toContain('session_id');
    });

    it.each([false, true])('calls a tool and goes on with its result, stream: %s', async (isStreamed) => {
      const { api } = await start();
      expect(await client.useTool(api, model, isStreamed)).toContain(EMAIL);
    });
  });

  it('answers a tool call in a session under the id of the upstream', async () => {
    const { api } = await start();
    const client = openaiFor(api);
    const { id } = await openSession(client, model);
    const more = { model, tools: [TOOL], ...{ session_id: id } };
    const asking = await client.chat.completions.create({ ...more, messages: [user(LOOK_UP)] });
    const [call] = asking.choices[0]?.message.tool_calls ?? [];
    const result = { role: 'tool' as const, tool_call_id: call?.id ?? '', content: DETAILS };
    const answer = await client.chat.completions.create({ ...more, messages: [result] });
    expect(answer.choices[0]?.message.content).toContain(EMAIL);
  });

  it('is cut and rolled back by the routes of the dialect', async () => {
    const { api } = await startPair('over HTTP', {
      upstream: { stateless: true },
      limits: { min_preserve_tokens: 64 },
    });
    const client = openaiFor(api);
    const { id } = await openSession(client, model);
    const path = `/sessions/${id}`;
    const entries = Array.from({ length: 20 }, (_, room) => user(`The key of room ${room} is K${room * 7}.`));
    await client.post(`${path}/messages`, { body: { messages: entries } });
    const full = await client.get<Session>(path);
    const snapshot = await client.post<Snapshot>(`${path}/snapshots`, { body: {} });
    const cut = await client.post<SessionTruncation>(`${path}/truncate`, { body: { preserve_len: 64 } });
    expect(cut.after.total_tokens).toBeLessThanOrEqual(64);
    const question = 'What is the key of room 3?';
    expect(await openai.ask(api, model, question, { session_id: id }, true)).not.toContain('K21');
    const restored = await client.post<Session>(`${path}/rollback`, { body: { snapshot_id: snapshot.id } });
    expect(restored.usage).toEqual(full.usage);
    expect(await openai.ask(api, model, question, { session_id: id }, true)).toContain('K21');
  });

  it('goes on for ever in a rolling session', async () => {
    const limits = { append_tokens: 400, min_preserve_tokens: 100, window_tokens: 4_000 };
    const { api } = await startPair('over HTTP', { upstream: { stateless: true }, limits });
    const options = { model, maxKeep: 900, preserveLen: 400, maxTokens: 400, instructions: SYSTEM };
    const agent = await RollingSession.open(clientOf(api), options);
    for (let turn = 0; turn < 8; turn += 1) {
      const padding = `Note ${turn}: ${'and so on, '.repeat(30)}`;
      expect((await collect(agent.chat(`${padding}\n${WHERE}`))).join('')).toContain('Lisbon');
      expect(agent.tokens).toBeLessThanOrEqual(options.maxKeep);
    }
    expect(agent.snapshots.length).toBeGreaterThan(0);
    expect(agent.turns).toBe(8);
  });
});
