import type OpenAI from 'openai';
import { APIUserAbortError, AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { describe, expect, it } from 'vitest';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { openaiFor, startOpenAI } from './openai.ts';

const messages = [
  { role: 'system' as const, content: 'The gate of flight HAT136 is B7. The pilot is called Ines Duarte.' },
  { role: 'user' as const, content: 'What is the gate of flight HAT136?' },
];
const request = { model: MODEL, messages };

describe.each(TRANSPORTS)('openai, chat %s', (transport) => {
  it('answers', async () => {
    const client = await startOpenAI(transport);
    const completion = await client.chat.completions.create(request);
    expect(completion.choices[0]?.message.content).toContain('B7');
    expect(completion.choices[0]?.finish_reason).toBe('stop');
    const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = completion.usage ?? {};
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
    expect(completion_tokens).toBeGreaterThan(0);
  });

  it('streams the same answer', async () => {
    const client = await startOpenAI(transport, { streamChunkSize: 1 });
    const { choices, usage } = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let last: unknown;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      last = chunk.usage;
    }
    expect(text).toBe(choices[0]?.message.content);
    // The same prompt again is cached whole.
    expect(last).toEqual({ ...usage, cached_tokens: usage?.prompt_tokens });
  });

  it("satisfies the client's own stream helper, which checks every chunk", async () => {
    const client = await startOpenAI(transport);
    const runner = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    const completion = await runner.finalChatCompletion();
    expect(completion.choices[0]?.message.content).toContain('B7');
    expect((await runner.totalUsage()).total_tokens).toBeGreaterThan(0);
  });

  it('gives as many choices as asked for, streamed or not', async () => {
    const client = await startOpenAI(transport);
    const plain = await client.chat.completions.create({ ...request, n: 3 });
    const streamed = await client.chat.completions.stream({ ...request, n: 3 }).finalChatCompletion();
    const textsOf = ({ choices }: OpenAI.ChatCompletion) =>
      choices.map(({ index, message }) => [index, message.content]);
    expect(plain.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(textsOf(streamed)).toEqual(textsOf(plain));
  });

  it('ends a stream that the client leaves', async () => {
    const client = await startOpenAI(transport, { streamChunkSize: 1 });
    const stream = await client.chat.completions.create({ ...request, stream: true });
    for await (const _ of stream) break;
    expect(stream.controller.signal.aborted).toBe(true);
    await expect(client.chat.completions.create(request, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(
      APIUserAbortError,
    );
  });

  it('goes on where max_tokens cut it', async () => {
    const client = await startOpenAI(transport);
    const told = { role: 'system' as const, content: 'The wagons of the night train were painted green last winter.' };
    const asked = { role: 'user' as const, content: 'When were the wagons of the night train painted?' };
    const plain = { model: MODEL, messages: [told, asked] };
    const textOf = ({ choices: [choice] }: OpenAI.ChatCompletion) => choice?.message.content ?? '';
    const whole = await client.chat.completions.create(plain);
    const head = await client.chat.completions.create({ ...plain, max_tokens: 3 });
    expect(head.choices[0]?.finish_reason).toBe('length');
    const begun = { role: 'assistant' as const, content: textOf(head), ...{ partial: true } };
    const rest = await client.chat.completions.create({ model: MODEL, messages: [told, asked, begun] });
    expect(textOf(head) + textOf(rest)).toBe(textOf(whole));
    expect(rest.choices[0]?.finish_reason).toBe('stop');
  });

  it('offers its models, headers and errors as the client knows them', async () => {
    const api = await startEmulator(transport, { apiKeys: ['sk-test'] });
    const client = openaiFor(api);
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toEqual(expect.arrayContaining(['kimi-k3', MODEL]));
    expect((await client.models.retrieve(MODEL)).owned_by).toBe('moonshot');

    const { response } = await client.chat.completions.create(request).withResponse();
    expect(response.headers.get('msh-request-id')).not.toBeNull();

    const otherAccount = openaiFor(api, { apiKey: 'sk-other' });
    await expect(otherAccount.models.list()).rejects.toBeInstanceOf(AuthenticationError);
    const missing = client.chat.completions.create({ ...request, model: 'kimi-k9' });
    await expect(missing).rejects.toBeInstanceOf(NotFoundError);
    const huge = client.chat.completions.create({ ...request, max_tokens: 300_000 });
    await expect(huge).rejects.toBeInstanceOf(BadRequestError);
    await expect(huge).rejects.toMatchObject({
      type: 'invalid_request_error',
      message: expect.stringContaining('Your request exceeded model token limit: 262144'),
    });
  });
});
