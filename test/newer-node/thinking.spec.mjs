import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { APICallError, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { createEmulator, createGateway } from 'kimi-emulator';
import OpenAI from 'openai';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';

const TASK = 'It is a task for get_weather.';
const DONE = 'The tool says rain.';
const PROMPT = 'How is the weather in Oslo?';
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
/** Outside of Moonshot's schema rules: what is required is not among the properties. */
const OUTSIDE = { ...parameters, required: ['town'] };

/** What the live API refuses since 2026, on which model, with which status and text. */
const REFUSALS = {
  temperature: ['kimi-k3', 400, /invalid temperature: only 1 is allowed for this model/],
  named: ['kimi-k3', 400, /tool_choice 'specified' is incompatible with thinking enabled/],
  schema: ['kimi-k3', 400, /is not a valid moonshot flavored json schema, details: <At path/],
  reasoning: ['kimi-k2.6', 400, /thinking is enabled but reasoning_content is missing in assistant tool call message/],
  forced: ['kimi-k2.6', 400, /tool_choice 'required' is incompatible with thinking enabled/],
  retired: ['kimi-k2.5', 404, /Not found the model kimi-k2\.5 or Permission denied/],
};
const refusalsOf = (...names) => names.map((name) => [name, ...REFUSALS[name]]);

/**
 * An emulator of the models that are live, over HTTP; it calls a tool first, and answers when the tool has.
 * @param behind `a gateway`: it keeps no sessions, and is asked through one
 */
async function serve(behind) {
  const emulator = createEmulator({ models: 'live', streamChunkSize: 6, stateless: behind === 'a gateway' });
  onTestFinished(() => emulator.close());
  await emulator.script([
    { when: { tool: { content: 'rain' } }, reply: { reasoning: DONE, text: 'Take an umbrella.' } },
    { reply: { reasoning: TASK, tool_calls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] } },
  ]);
  const base = `${(await emulator.listen()).url}/v1`;
  if (behind !== 'a gateway') return base;
  const gateway = createGateway({ upstream: base });
  onTestFinished(() => gateway.close());
  return `${(await gateway.listen()).url}/v1`;
}

const BEHIND = ['nothing', 'a gateway'];

describe.each(BEHIND)('openai 7 on models that think, behind %s', (behind) => {
  const tools = (schema) => [{ type: 'function', function: { name: 'get_weather', parameters: schema } }];
  const ask = { role: 'user', content: PROMPT };

  it.each(['kimi-k3', 'kimi-k2.6'])('%s thinks, calls a tool and goes on, streamed', async (model) => {
    const client = new OpenAI({ baseURL: await serve(behind), apiKey: 'any' });
    const request = { model, tools: tools(parameters) };
    const [{ message }] = (await client.chat.completions.create({ ...request, messages: [ask] })).choices;
    expect(message.reasoning_content).toBe(TASK);
    const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'rain' };
    const stream = await client.chat.completions.create({ ...request, messages: [ask, message, result], stream: true });
    let [thought, text] = ['', ''];
    for await (const { choices } of stream) {
      thought += choices[0]?.delta.reasoning_content ?? '';
      text += choices[0]?.delta.content ?? '';
    }
    expect([thought, text]).toEqual([DONE, 'Take an umbrella.']);
  });

  it.each(refusalsOf('temperature', 'schema', 'reasoning', 'forced', 'retired'))(
    'shows the refusal of %s on %s',
    async (refusal, model, status, text) => {
      const client = new OpenAI({ baseURL: await serve(behind), apiKey: 'any' });
      const call = { id: 'get_weather_0', type: 'function', function: { name: 'get_weather', arguments: '{}' } };
      const called = { role: 'assistant', content: '', tool_calls: [call] };
      const history = [ask, called, { role: 'tool', tool_call_id: call.id, content: 'rain' }];
      const failed = client.chat.completions.create({
        model,
        messages: refusal === 'reasoning' ? history : [ask],
        tools: tools(refusal === 'schema' ? OUTSIDE : parameters),
        ...(refusal === 'temperature' && { temperature: 0 }),
        ...(refusal === 'forced' && { tool_choice: 'required' }),
      });
      await expect(failed).rejects.toMatchObject({ status, message: expect.stringMatching(text) });
    },
  );
});

describe.each(BEHIND)('ai 7 with @ai-sdk/moonshotai 3 on models that think, behind %s', (behind) => {
  const weather = tool({
    description: 'The weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `rain in ${city}`,
  });
  const modelOf = async (name) => createMoonshotAI({ baseURL: await serve(behind), apiKey: 'any' })(name);

  it.each(['kimi-k3', 'kimi-k2.6'])('%s thinks, calls a tool and goes on, streamed and not', async (name) => {
    const request = {
      model: await modelOf(name),
      prompt: PROMPT,
      tools: { get_weather: weather },
      stopWhen: stepCountIs(3),
    };
    const { steps, text } = await generateText(request);
    expect([steps.map(({ reasoningText }) => reasoningText), text]).toEqual([[TASK, DONE], 'Take an umbrella.']);
    const streamed = streamText(request);
    expect(await streamed.text).toBe(text);
    expect((await streamed.steps).map(({ reasoningText }) => reasoningText)).toEqual([TASK, DONE]);
  });

  it.each([
    ['a temperature', 'kimi-k3', { temperature: 0 }],
    ['a forced call', 'kimi-k2.6', { toolChoice: 'required' }],
  ])('leaves out %s, which %s would refuse, and warns of it', async (_, name, settings) => {
    const request = { model: await modelOf(name), prompt: PROMPT, tools: { get_weather: weather }, ...settings };
    const { warnings } = await generateText(request);
    expect(warnings?.length).toBeGreaterThan(0);
  });

  it.each(refusalsOf('named', 'schema', 'reasoning', 'retired'))(
    'shows the refusal of %s on %s',
    async (refusal, name, status, text) => {
      const called = { toolCallId: 'get_weather_0', toolName: 'get_weather' };
      const output = { type: 'text', value: 'rain' };
      const history = [
        { role: 'user', content: PROMPT },
        { role: 'assistant', content: [{ type: 'tool-call', ...called, input: {} }] },
        { role: 'tool', content: [{ type: 'tool-result', ...called, output }] },
      ];
      const outside = tool({ inputSchema: jsonSchema(OUTSIDE), execute: () => 'rain' });
      const failed = generateText({
        model: await modelOf(name),
        maxRetries: 0,
        messages: refusal === 'reasoning' ? history : history.slice(0, 1),
        tools: { get_weather: refusal === 'schema' ? outside : weather },
        ...(refusal === 'named' && { toolChoice: { type: 'tool', toolName: 'get_weather' } }),
      });
      await expect(failed).rejects.toSatisfy((error) => APICallError.isInstance(error));
      await expect(failed).rejects.toMatchObject({ statusCode: status, message: expect.stringMatching(text) });
    },
  );
});
