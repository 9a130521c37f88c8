import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { APICallError, generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { MODEL, startEmulator, TRANSPORTS, type Transport } from '../support/emulator.ts';

const system = 'order_id: A-4711\ntotal: 312.5\nuser_id: mia_li_3668\nThe order was shipped to Lisbon by rail.';
const Order = z.object({ order_id: z.string(), total: z.number() });
const ORDER = { order_id: 'A-4711', total: 312.5 };

async function startModel(transport: Transport, options: EmulatorOptions = {}) {
  const { emulator, fetch } = await startEmulator(transport, { streamChunkSize: 4, ...options });
  return createMoonshotAI({ baseURL: emulator.baseURL, apiKey: 'sk-test', fetch })(MODEL);
}

describe.each(TRANSPORTS)('@ai-sdk/moonshotai %s', (transport) => {
  it('generates text, with usage', async () => {
    const model = await startModel(transport);
    const { text, usage, finishReason, response, warnings } = await generateText({
      model,
      system,
      prompt: 'Where was the order shipped?',
    });
    expect(text).toContain('Lisbon');
    expect(finishReason).toBe('stop');
    expect(usage.totalTokens).toBe((usage.inputTokens ?? 0) + (usage.outputTokens ?? 0));
    expect(usage.outputTokens).toBeGreaterThan(0);
    expect(response.modelId).toBe(MODEL);
    expect(response.headers).toHaveProperty('msh-request-id');
    expect(warnings ?? []).toEqual([]);
  });

  it('streams text, with the same usage', async () => {
    const model = await startModel(transport);
    const request = { model, system, prompt: 'Where was the order shipped?' };
    const plain = await generateText(request);
    const streamed = streamText(request);
    const parts: string[] = [];
    for await (const part of streamed.textStream) parts.push(part);
    expect(parts.join('')).toBe(plain.text);
    expect(parts.length).toBeGreaterThan(1);
    expect(await streamed.finishReason).toBe('stop');
    expect(await streamed.usage).toMatchObject({
      inputTokens: plain.usage.inputTokens,
      outputTokens: plain.usage.outputTokens,
    });
  });

  it.each(['generateText', 'streamText'] as const)('calls a tool and goes on with its result: %s', async (name) => {
    const model = await startModel(transport);
    const asked: unknown[] = [];
    const request = {
      model,
      system,
      prompt: 'Call get_user_details. What is my email?',
      stopWhen: stepCountIs(3),
      tools: {
        get_user_details: tool({
          description: 'Details of a user',
          inputSchema: z.object({ user_id: z.string() }),
          execute: async (input) => {
            asked.push(input);
            return { name: 'Mia Li', email: 'mia.li3818@example.com' };
          },
        }),
      },
    };
    const result = name === 'generateText' ? await generateText(request) : streamText(request);
    expect(await result.text).toContain('mia.li3818@example.com');
    expect(asked).toEqual([{ user_id: 'mia_li_3668' }]);
    const steps = await result.steps;
    expect(steps.map((step) => step.finishReason)).toEqual(['tool-calls', 'stop']);
    expect(steps[0]?.toolCalls[0]?.toolCallId).toBe('functions.get_user_details:0');
  });

  it('generates an object of a schema', async () => {
    const model = await startModel(transport);
    const prompt = 'What is the order?';
    const { object } = await generateObject({ model, system, prompt, schema: Order });
    expect(object).toEqual(ORDER);

    const { output } = await generateText({ model, system, prompt, output: Output.object({ schema: Order }) });
    expect(output).toEqual(ORDER);
  });

  it('streams an object of a schema, part by part', async () => {
    const model = await startModel(transport);
    const parts: unknown[] = [];
    const streamed = streamObject({ model, system, prompt: 'What is the order?', schema: Order });
    for await (const part of streamed.partialObjectStream) parts.push(part);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.at(-1)).toEqual(ORDER);
    expect(await streamed.object).toEqual(ORDER);
  });

  it("shows the API's errors as its own", async () => {
    // It sends max_completion_tokens, which would be cut to what is left of the window.
    const model = await startModel(transport, { oversizedAnswer: 'refuse' });
    const failed = generateText({ model, prompt: 'hi', maxOutputTokens: 300_000, maxRetries: 0 });
    await expect(failed).rejects.toSatisfy((error) => APICallError.isInstance(error));
    await expect(failed).rejects.toMatchObject({
      statusCode: 400,
      isRetryable: false,
      message: expect.stringContaining('Your request exceeded model token limit: 262144'),
    });
  });
});
