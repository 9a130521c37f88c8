import { describe, expect, it } from 'vitest';
import { MODEL, TRANSPORTS } from '../support/emulator.ts';
import { startOpenAI } from './openai.ts';

const SYSTEM = { role: 'system' as const, content: 'user_id: mia_li_3668' };
const ASK = { role: 'user' as const, content: 'Please look me up. What is my email?' };
const LOOKUP = {
  type: 'function' as const,
  function: {
    name: 'get_user_details',
    description: 'Details of a user',
    parameters: { type: 'object', properties: { user_id: { type: 'string' } }, required: ['user_id'] },
  },
};
const request = { model: MODEL, messages: [SYSTEM, ASK], tools: [LOOKUP], tool_choice: 'required' as const };
const RESULT = '{"name":"Mia Li","email":"mia.li3818@example.com"}';

describe.each(TRANSPORTS)('openai, tools %s', (transport) => {
  it('goes from the question over the call to the answer', async () => {
    const client = await startOpenAI(transport);
    const first = await client.chat.completions.create(request);
    const message = first.choices[0]?.message;
    const call = message?.tool_calls?.[0];
    expect(first.choices[0]?.finish_reason).toBe('tool_calls');
    expect(message?.content).toBe('');
    if (!message || call?.type !== 'function') throw new Error('no call');
    expect(call.id).toBe('functions.get_user_details:0');
    expect(JSON.parse(call.function.arguments)).toEqual({ user_id: 'mia_li_3668' });

    const result = { role: 'tool' as const, tool_call_id: call.id, content: RESULT };
    const { tools } = request;
    const second = await client.chat.completions.create({
      model: MODEL,
      messages: [SYSTEM, ASK, message, result],
      tools,
    });
    expect(second.choices[0]?.message.content).toContain('mia.li3818@example.com');
    expect(second.choices[0]?.finish_reason).toBe('stop');
  });

  it("streams a call that the client's helper puts together again", async () => {
    const client = await startOpenAI(transport);
    const completion = await client.chat.completions.stream(request).finalChatCompletion();
    const plain = await client.chat.completions.create(request);
    const call = completion.choices[0]?.message.tool_calls?.[0];
    expect(call).toMatchObject({ id: 'functions.get_user_details:0', type: 'function' });
    const expected = plain.choices[0]?.message.tool_calls?.[0];
    if (call?.type !== 'function' || expected?.type !== 'function') throw new Error('no call');
    expect(call.function.arguments).toBe(expected.function.arguments);
  });

  it.each([false, true])('runs the tool for the client, stream: %s', async (stream) => {
    const client = await startOpenAI(transport);
    const asked: unknown[] = [];
    const run = (args: string) => {
      asked.push(JSON.parse(args));
      return RESULT;
    };
    const messages = [SYSTEM, { role: 'user' as const, content: 'Call get_user_details. What is my email?' }];
    const tools = [{ ...LOOKUP, function: { ...LOOKUP.function, function: run } }];
    const runner = stream
      ? client.chat.completions.runTools({ model: MODEL, messages, tools, stream: true })
      : client.chat.completions.runTools({ model: MODEL, messages, tools });
    expect(await runner.finalContent()).toContain('mia.li3818@example.com');
    expect(asked).toEqual([{ user_id: 'mia_li_3668' }]);
  });
});
