import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../contract/chat.ts';
import { type Api, readEvents, TRANSPORTS } from '../support/emulator.ts';
import { saying, startFixed } from '../wire/live.ts';

const ARTICLE = 'kimi-k2-0905-preview';
const COUNTING_ON_EACH_MESSAGE = ['kimi-k3.1-pro', 'kimi-k3', 'kimi-k2.7-code', 'kimi-k2.6', 'kimi-k2.5'];
const hi = { messages: [{ role: 'user', content: 'hi' }] };
const CALLS = saying(
  { type: 'tool_call', name: 'get_weather', arguments: '{"city":"Paris","at":[1,2.50],"note":"a,b:\\"c\\",d"}' },
  { type: 'tool_call', name: 'get_time', arguments: '{}' },
);
const tools = ['get_weather', 'get_time'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object' } },
}));

const chat = async (api: Api, body: object) => (await api.post<ChatCompletion>('/v1/chat/completions', body)).body;
const chunksOf = async (api: Api, body: object) => {
  const stream_options = { include_usage: true };
  const { text } = await api.post('/v1/chat/completions', { ...body, stream: true, stream_options });
  return readEvents(text).chunks as unknown as ChatCompletionChunk[];
};

/** Of each call its id and its arguments, streamed and not. */
async function callsOf(api: Api, body: object): Promise<[string, string][]> {
  const { choices } = await chat(api, body);
  const calls = choices[0]?.message.tool_calls ?? [];
  const deltas = (await chunksOf(api, body)).flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
  const streamed = deltas.flatMap(({ id, index }) => {
    const text = deltas.map((delta) => (delta.index === index ? delta.function.arguments : '')).join('');
    return id === undefined ? [] : [[id, text] as [string, string]];
  });
  const whole = calls.map(({ id, function: call }): [string, string] => [id, call.arguments]);
  expect(streamed).toEqual(whole);
  return whole;
}

describe.each(TRANSPORTS)('an answer tells its model %s', (transport) => {
  it.each(['kimi-k3', 'kimi-k3.1-pro'])('%s: its id is chatcmpl- and a UUID', async (model) => {
    const api = await startFixed(transport);
    const uuid = /^chatcmpl-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
    expect((await chat(api, { ...hi, model })).id).toMatch(uuid);
    const ids = new Set((await chunksOf(api, { ...hi, model })).map(({ id }) => id));
    expect([...ids]).toEqual([expect.stringMatching(uuid)]);
  });

  it.each(['kimi-k2.7-code', 'kimi-k2.6', 'kimi-k2.5', ARTICLE])(
    '%s: its id is chatcmpl- and 24 hex digits',
    async (model) => {
      const api = await startFixed(transport);
      expect((await chat(api, { ...hi, model })).id).toMatch(/^chatcmpl-[0-9a-f]{24}$/);
      const ids = new Set((await chunksOf(api, { ...hi, model })).map(({ id }) => id));
      expect([...ids]).toEqual([expect.stringMatching(/^chatcmpl-[0-9a-f]{24}$/)]);
    },
  );

  it.each(['kimi-k3', ARTICLE])('%s: the id follows from the seed', async (model) => {
    const idsOf = async (seed: string) => {
      const api = await startFixed(transport, { seed });
      return [(await chat(api, { ...hi, model })).id, (await chat(api, { ...hi, model })).id];
    };
    const ids = await idsOf('a');
    expect(new Set(ids).size).toBe(2);
    expect(await idsOf('a')).toEqual(ids);
    expect(await idsOf('b')).not.toEqual(ids);
  });

  it('kimi-k2.5: system_fingerprint stands on every chunk', async () => {
    const chunks = await chunksOf(await startFixed(transport), { ...hi, model: 'kimi-k2.5' });
    expect(chunks.length).toBeGreaterThan(3);
    expect(new Set(chunks.map((chunk) => chunk.system_fingerprint))).toEqual(new Set(['fpv0_1c3effa9']));
  });

  it('kimi-k2-0905: system_fingerprint stands on the finish chunk only', async () => {
    const chunks = await chunksOf(await startFixed(transport), { ...hi, model: ARTICLE });
    const finish = chunks.find(({ choices }) => choices[0]?.finish_reason != null);
    expect(chunks.filter((chunk) => chunk.system_fingerprint !== undefined)).toEqual([finish]);
    expect(finish?.system_fingerprint).toBe('fpv0_10a6da87');
  });

  it.each(['kimi-k3', 'kimi-k2.6'])('%s: there is no system_fingerprint', async (model) => {
    const chunks = await chunksOf(await startFixed(transport), { ...hi, model });
    for (const chunk of chunks) expect(chunk).not.toHaveProperty('system_fingerprint');
  });

  it.each(COUNTING_ON_EACH_MESSAGE)(
    '%s: call ids are NAME_INDEX, arguments have a space behind each comma and colon',
    async (model) => {
      const api = await startFixed(transport, { model: CALLS });
      expect(await callsOf(api, { ...hi, model, tools })).toEqual([
        ['get_weather_0', '{"city": "Paris", "at": [1, 2.50], "note": "a,b:\\"c\\",d"}'],
        ['get_time_1', '{}'],
      ]);
    },
  );

  it('kimi-k2-0905: call ids are functions.NAME:INDEX, arguments have no spaces', async () => {
    const api = await startFixed(transport, { model: CALLS });
    expect(await callsOf(api, { ...hi, model: ARTICLE, tools })).toEqual([
      ['functions.get_weather:0', '{"city":"Paris","at":[1,2.50],"note":"a,b:\\"c\\",d"}'],
      ['functions.get_time:1', '{}'],
    ]);
  });

  it.each([
    ['kimi-k3', ['get_weather_0', 'get_time_1'], ['get_weather_0', 'get_time_1']],
    [ARTICLE, ['functions.get_weather:0', 'functions.get_time:1'], ['functions.get_weather:2', 'functions.get_time:3']],
  ])('%s: numbers the calls of a later message as the first, or on from it', async (model, first, later) => {
    const api = await startFixed(transport, { model: CALLS });
    const { body: session } = await api.post('/v1/sessions', { model, tools });
    const turn = async (messages: object[]) => {
      const { choices } = await chat(api, { model, session_id: session.id, messages });
      return choices[0]?.message.tool_calls?.map(({ id }) => id);
    };
    expect(await turn(hi.messages)).toEqual(first);
    const results = first.map((tool_call_id) => ({ role: 'tool', tool_call_id, content: 'done' }));
    expect(await turn(results)).toEqual(later);
  });

  it('arguments that are not JSON stay as they are', async () => {
    const model = saying({ type: 'tool_call', name: 'get_time', arguments: '{"a":1,' });
    const api = await startFixed(transport, { model });
    expect(await callsOf(api, { ...hi, model: 'kimi-k3', tools })).toEqual([['get_time_0', '{"a":1,']]);
  });
});
