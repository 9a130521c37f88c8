import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { APICallError, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ScriptRule } from '../../emulator/index.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';

const MODELS = ['kimi-k3', 'kimi-k2.6'];
const TASK = 'It is a task for get_weather.';
const DONE = 'The tool says rain.';
const PROMPT = 'How is the weather in Oslo?';

const RULES: ScriptRule[] = [
  { when: { tool: { content: 'rain' } }, reply: { reasoning: DONE, text: 'Take an umbrella.' } },
  { reply: { reasoning: TASK, tool_calls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] } },
];

async function start(transport: 'in process' | 'over HTTP', models?: 'live'): Promise<Api> {
  const api = await startEmulator(transport, { streamChunkSize: 6, ...(models !== undefined && { models }) });
  await api.emulator.script(RULES);
  return api;
}

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
/** Refused by Moonshot's schema rules: what is required is not among the properties. */
const OUTSIDE = { ...parameters, required: ['town'] };

type Refusal = 'temperature' | 'reasoning' | 'forced' | 'schema' | 'retired';

/** What the live API says, and with which status. */
const REFUSALS: [Refusal, string, number, RegExp][] = [
  ['temperature', 'kimi-k3', 400, /invalid temperature: only 1 is allowed for this model/],
  [
    'reasoning',
    'kimi-k2.6',
    400,
    /thinking is enabled but reasoning_content is missing in assistant tool call message at index 1/,
  ],
  ['forced', 'kimi-k2.6', 400, /tool_choice 'required' is incompatible with thinking enabled/],
  [
    'schema',
    'kimi-k3',
    400,
    /tools\.function\.parameters is not a valid moonshot flavored json schema, details: <At path/,
  ],
  ['retired', 'kimi-k2.5', 404, /Not found the model kimi-k2\.5 or Permission denied/],
];

describe.each(TRANSPORTS)('openai on a model that thinks %s', (transport) => {
  const clientOf = ({ emulator, fetch }: Api) => new OpenAI({ baseURL: emulator.baseURL, apiKey: 'sk-test', fetch });
  type Message = OpenAI.Chat.ChatCompletionMessageParam;
  type Thoughtful = OpenAI.Chat.ChatCompletionMessage & { reasoning_content?: string };
  const toolOf = (schema: object) => ({
    type: 'function' as const,
    function: { name: 'get_weather', parameters: { ...schema } },
  });
  const ask: Message = { role: 'user', content: PROMPT };

  it.each(MODELS)('%s: thinks, calls a tool and goes on with what it thought', async (model) => {
    const client = clientOf(await start(transport));
    const request = { model, tools: [toolOf(parameters)] };
    const [called] = (await client.chat.completions.create({ ...request, messages: [ask] })).choices;
    const message = called?.message as Thoughtful;
    expect(message.reasoning_content).toBe(TASK);
    const result = { role: 'tool' as const, tool_call_id: String(message.tool_calls?.[0]?.id), content: 'rain' };
    const messages = [ask, message, result];
    const stream = await client.chat.completions.create({ ...request, messages, stream: true });
    let [thought, text] = ['', ''];
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta as { content?: string; reasoning_content?: string };
      thought += delta.reasoning_content ?? '';
      text += delta.content ?? '';
    }
    expect([thought, text]).toEqual([DONE, 'Take an umbrella.']);
  });

  it.each(REFUSALS)('shows the refusal of %s on %s', async (refusal, model, status, text) => {
    const client = clientOf(await start(transport, 'live'));
    const call = { id: 'get_weather_0', type: 'function' as const, function: { name: 'get_weather', arguments: '{}' } };
    const history: Message[] = [
      { role: 'assistant', content: '', tool_calls: [call] },
      { role: 'tool', tool_call_id: call.id, content: 'rain' },
    ];
    const failed = client.chat.completions.create({
      model,
      messages: refusal === 'reasoning' ? [ask, ...history] : [ask],
      tools: [toolOf(refusal === 'schema' ? OUTSIDE : parameters)],
      ...(refusal === 'temperature' && { temperature: 0 }),
      ...(refusal === 'forced' && { tool_choice: 'required' }),
    });
    await expect(failed).rejects.toBeInstanceOf(status === 404 ? NotFoundError : BadRequestError);
    await expect(failed).rejects.toMatchObject({ status, message: expect.stringMatching(text) });
  });
});

describe.each(TRANSPORTS)('@ai-sdk/moonshotai on a model that thinks %s', (transport) => {
  const modelOf = ({ emulator, fetch }: Api, model: string) =>
    createMoonshotAI({ baseURL: emulator.baseURL, apiKey: 'sk-test', fetch })(model);
  const weather = tool({
    description: 'The weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `rain in ${city}`,
  });

  it.each(MODELS)('%s: thinks, calls a tool and goes on with what it thought', async (name) => {
    const model = modelOf(await start(transport), name);
    const request = {
      model,
      prompt: PROMPT,
      tools: { get_weather: weather },
      stopWhen: stepCountIs(3),
    };
    const { steps, text, usage } = await generateText(request);
    expect(steps.map(({ reasoningText }) => reasoningText)).toEqual([TASK, DONE]);
    expect(text).toBe('Take an umbrella.');
    expect(usage.outputTokens).toBeGreaterThan(0);
    const streamed = streamText(request);
    expect(await streamed.text).toBe(text);
    expect((await streamed.steps).map(({ reasoningText }) => reasoningText)).toEqual([TASK, DONE]);
  });

  it.each([
    ['temperature', 'kimi-k3', { temperature: 0 }, /temperature is fixed by model "kimi-k3" and has been omitted/],
    [
      'forced calls',
      'kimi-k2.6',
      { toolChoice: 'required' as const },
      /Moonshot AI rejects required tool choice for this model/,
    ],
  ])('leaves out what would be refused, and warns of it: %s on %s', async (_, name, settings, text) => {
    const model = modelOf(await start(transport, 'live'), name);
    const { warnings } = await generateText({ model, prompt: PROMPT, tools: { get_weather: weather }, ...settings });
    expect(warnings?.map((warning) => Object.values(warning).join(' ')).join('\n')).toMatch(text);
  });

  const specified = /tool_choice 'specified' is incompatible with thinking enabled/;
  it.each([
    ...REFUSALS.filter(([refusal]) => refusal !== 'temperature' && refusal !== 'forced'),
    ['named', 'kimi-k3', 400, specified] as const,
  ])('shows the refusal of %s on %s', async (refusal, name, status, text) => {
    const model = modelOf(await start(transport, 'live'), name);
    const called = { toolCallId: 'get_weather_0', toolName: 'get_weather' };
    const history = [
      { role: 'user' as const, content: PROMPT },
      { role: 'assistant' as const, content: [{ type: 'tool-call' as const, ...called, input: {} }] },
      {
        role: 'tool' as const,
        content: [{ type: 'tool-result' as const, ...called, output: { type: 'text' as const, value: 'rain' } }],
      },
    ];
    const outside = tool<{ city: string }, string>({
      inputSchema: jsonSchema(OUTSIDE as object),
      execute: () => 'rain',
    });
    const failed = generateText({
      model,
      maxRetries: 0,
      messages: refusal === 'reasoning' ? history : history.slice(0, 1),
      ...(refusal === 'named' && { toolChoice: { type: 'tool' as const, toolName: 'get_weather' as const } }),
      tools: refusal === 'schema' ? { get_weather: outside } : { get_weather: weather },
    });
    await expect(failed).rejects.toSatisfy((error) => APICallError.isInstance(error));
    await expect(failed).rejects.toMatchObject({
      statusCode: status,
      isRetryable: false,
      message: expect.stringMatching(text),
    });
  });
});

describe.each(TRANSPORTS)('@langchain/openai on a model that thinks %s', (transport) => {
  const chatOf = ({ emulator, fetch }: Api, model: string, fields: object = {}) =>
    new ChatOpenAI({ model, apiKey: 'sk-test', configuration: { baseURL: emulator.baseURL, fetch }, ...fields });
  const weather = langchainTool(async () => 'rain', { name: 'get_weather', schema: z.object({ city: z.string() }) });
  const outside = { type: 'function', function: { name: 'get_weather', parameters: OUTSIDE } };

  it('kimi-k3: calls a tool and goes on, though the client drops what the model thought', async () => {
    const chat = chatOf(await start(transport), 'kimi-k3').bindTools([weather]);
    const called = await chat.invoke([new HumanMessage(PROMPT)]);
    const [call] = called.tool_calls ?? [];
    expect(call).toMatchObject({ name: 'get_weather', args: { city: 'Oslo' } });
    const result = await weather.invoke({ ...call, type: 'tool_call' } as Parameters<typeof weather.invoke>[0]);
    const answer = await chat.invoke([new HumanMessage(PROMPT), called, result as BaseMessage]);
    expect(answer.text).toBe('Take an umbrella.');
  });

  it('kimi-k2.6: the second step is refused, because the client drops what the model thought', async () => {
    const chat = chatOf(await start(transport), 'kimi-k2.6').bindTools([weather]);
    const called = await chat.invoke([new HumanMessage(PROMPT)]);
    const result = await weather.invoke({ ...called.tool_calls?.[0], type: 'tool_call' } as never);
    const second = chat.invoke([new HumanMessage(PROMPT), called, result as BaseMessage]);
    await expect(second).rejects.toThrow(/reasoning_content is missing in assistant tool call message at index 1/);
  });

  it.each(REFUSALS)('shows the refusal of %s on %s', async (refusal, model, status, text) => {
    const fields = { maxRetries: 0, ...(refusal === 'temperature' && { temperature: 0 }) };
    const chat = chatOf(await start(transport, 'live'), model, fields).bindTools(
      [refusal === 'schema' ? outside : weather],
      refusal === 'forced' ? { tool_choice: 'required' } : {},
    );
    const tool_calls = [{ id: 'get_weather_0', name: 'get_weather', args: {}, type: 'tool_call' as const }];
    const call = new AIMessage({ content: '', tool_calls });
    const result = (await weather.invoke({ ...tool_calls[0], args: { city: 'Oslo' } } as never)) as BaseMessage;
    const asked = new HumanMessage(PROMPT);
    const failed = chat.invoke(refusal === 'reasoning' ? [asked, call, result] : [asked]);
    await expect(failed).rejects.toMatchObject({ status, message: expect.stringMatching(text) });
  });
});
