import { HumanMessage, SystemMessage, ToolMessage, type UsageMetadata } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, type ChatOpenAIFields } from '@langchain/openai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Api, MODEL, startEmulator, TRANSPORTS, type Transport } from '../support/emulator.ts';

const system = new SystemMessage(
  'order_id: A-4711\ntotal: 312.5\nuser_id: mia_li_3668\nThe order was shipped to Lisbon by rail.',
);
const where = new HumanMessage('Where was the order shipped?');
const Order = z.object({ order_id: z.string(), total: z.number() });

/** The client's own type for this is lost in its generics. */
const usageOf = (message: { usage_metadata?: unknown } | undefined) =>
  message?.usage_metadata as UsageMetadata | undefined;

async function startChat(transport: Transport, maxTokens = 1024) {
  return chatWith(await startEmulator(transport, { streamChunkSize: 4 }), { maxTokens });
}

function chatWith({ emulator, fetch }: Api, fields: ChatOpenAIFields): ChatOpenAI {
  return new ChatOpenAI({
    model: MODEL,
    apiKey: 'sk-test',
    temperature: 0.2,
    configuration: { baseURL: emulator.baseURL, fetch },
    ...fields,
  });
}

describe.each(TRANSPORTS)('@langchain/openai %s', (transport) => {
  it('invokes', async () => {
    const chat = await startChat(transport);
    const answer = await chat.invoke([system, where]);
    expect(answer.text).toContain('Lisbon');
    expect(answer.response_metadata.finish_reason).toBe('stop');
    const { input_tokens = 0, output_tokens = 0, total_tokens = -1 } = usageOf(answer) ?? {};
    expect(total_tokens).toBe(input_tokens + output_tokens);
    expect(output_tokens).toBeGreaterThan(0);
  });

  it('streams, with the same usage', async () => {
    const chat = await startChat(transport);
    const plain = await chat.invoke([system, where]);
    const chunks = [];
    for await (const chunk of await chat.stream([system, where])) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.text).join('')).toBe(plain.text);
    expect(chunks.length).toBeGreaterThan(3);
    const usage = usageOf(chunks.find((chunk) => usageOf(chunk)));
    expect(usage?.total_tokens).toBe(usageOf(plain)?.total_tokens);
  });

  it('binds tools: a call, its result, an answer', async () => {
    const chat = await startChat(transport);
    const details = tool(async () => '{"name":"Mia Li","email":"mia.li3818@example.com"}', {
      name: 'get_user_details',
      description: 'Details of a user',
      schema: z.object({ user_id: z.string() }),
    });
    const bound = chat.bindTools([details]);
    const ask = new HumanMessage('Call get_user_details. What is my email?');
    const asking = await bound.invoke([system, ask]);
    const [call] = asking.tool_calls ?? [];
    expect(call).toMatchObject({ name: 'get_user_details', args: { user_id: 'mia_li_3668' } });
    expect(asking.response_metadata.finish_reason).toBe('tool_calls');
    if (!call) throw new Error('no call');

    const result = await details.invoke({ ...call, type: 'tool_call' });
    expect(result).toBeInstanceOf(ToolMessage);
    const answer = await bound.invoke([system, ask, asking, result]);
    expect(answer.text).toContain('mia.li3818@example.com');

    let streamed: Awaited<ReturnType<typeof bound.invoke>> | undefined;
    for await (const chunk of await bound.stream([system, ask])) streamed = streamed?.concat(chunk) ?? chunk;
    expect(streamed?.tool_calls).toMatchObject([{ name: 'get_user_details', args: { user_id: 'mia_li_3668' } }]);
  });

  it.each(['jsonSchema', 'jsonMode', 'functionCalling'] as const)('gives structured output by %s', async (method) => {
    const chat = await startChat(transport);
    const structured = chat.withStructuredOutput(Order, { method, name: 'order' });
    const question = new HumanMessage('Give me the order as JSON with the keys order_id and total.');
    expect(await structured.invoke([system, question])).toEqual({ order_id: 'A-4711', total: 312.5 });
  });

  it('keeps a conversation in a session, sending what is new only', async () => {
    const api = await startEmulator(transport);
    const { body: session } = await api.post('/v1/sessions', { messages: [{ role: 'user', content: system.text }] });
    const chat = chatWith(api, { modelKwargs: { session_id: session.id } });
    expect((await chat.invoke([where])).text).toContain('Lisbon');
    let streamed = '';
    for await (const chunk of await chat.stream([new HumanMessage('What is the user_id?')])) streamed += chunk.text;
    expect(streamed).toContain('mia_li_3668');
    const { body: after } = await api.get(`/v1/sessions/${session.id}`);
    expect(after).toMatchObject({ version: 3, usage: { messages: 5 } });
  });

  it("throws the API's errors, and does not repeat what is refused", async () => {
    const chat = await startChat(transport, 300_000);
    await expect(chat.invoke([where])).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('Your request exceeded model token limit: 262144'),
    });
  });
});
