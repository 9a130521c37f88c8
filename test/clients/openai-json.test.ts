import { zodResponseFormat } from 'openai/helpers/zod';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MODEL, TRANSPORTS } from '../support/emulator.ts';
import { startOpenAI } from './openai.ts';

const messages = [
  { role: 'system' as const, content: 'order_id: A-4711\ntotal: 312.5\npaid: true' },
  { role: 'user' as const, content: 'Give me the order as JSON with the keys order_id, total and paid.' },
];
const Order = z.object({ order_id: z.string(), total: z.number(), paid: z.boolean() });
const ORDER = { order_id: 'A-4711', total: 312.5, paid: true };

describe.each(TRANSPORTS)('openai, JSON %s', (transport) => {
  it('answers in JSON mode', async () => {
    const client = await startOpenAI(transport);
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      messages,
      response_format: { type: 'json_object' },
    });
    expect(JSON.parse(choices[0]?.message.content ?? '')).toEqual(ORDER);
  });

  it('answers in the form of a schema, parsed by the client', async () => {
    const client = await startOpenAI(transport);
    const response_format = zodResponseFormat(Order, 'order');
    const { choices } = await client.chat.completions.parse({ model: MODEL, messages, response_format });
    expect(choices[0]?.message.parsed).toEqual(ORDER);
  });

  it('streams it', async () => {
    const client = await startOpenAI(transport, { streamChunkSize: 2 });
    const response_format = zodResponseFormat(Order, 'order');
    const runner = client.chat.completions.stream({ model: MODEL, messages, response_format });
    expect((await runner.finalChatCompletion()).choices[0]?.message.parsed).toEqual(ORDER);
  });
});
