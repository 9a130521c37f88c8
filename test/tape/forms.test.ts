import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../contract/chat.ts';
import { serve, startGateway } from '../gateway/gateway.ts';
import { type Api, readEvents } from '../support/emulator.ts';
import { tool } from '../support/session.ts';
import { exchangesOf, newTape, startRecording, startReplay } from './taped.ts';

const FORMS = {
  plain: {},
  stream: { stream: true },
  'stream with usage': { stream: true, stream_options: { include_usage: true } },
} as const;
type Form = keyof typeof FORMS;
const ALL = Object.keys(FORMS) as Form[];

const REQUEST = {
  model: 'kimi-k3',
  messages: [{ role: 'user', content: 'Where is the harbour?' }],
  tools: [tool('look_up'), tool('sail')],
};
const REPLY = {
  reasoning: 'The harbour has a chart, 港口 ⚓, and two ways to read it.',
  text: 'I look it up – 泊位 – and sail there.',
  tool_calls: [
    { name: 'look_up', arguments: { place: 'harbour "A"', depth: 7 } },
    { name: 'sail', arguments: {} },
  ],
};

/** What an answer says, and how often it tells of usage in a chunk of its own. */
async function ask(api: Api, form: Form, body: object = REQUEST) {
  const { text, headers, status } = await api.post('/v1/chat/completions', { ...body, ...FORMS[form] });
  expect(status, text).toBe(200);
  if (form === 'plain') {
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    const { id, object, choices, usage } = JSON.parse(text) as ChatCompletion;
    expect(object).toBe('chat.completion');
    return { said: { id, choices, usage }, usageChunks: 0 };
  }
  expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
  const { chunks, done } = readEvents(text) as unknown as { chunks: ChatCompletionChunk[]; done: boolean };
  expect(done).toBe(true);
  const whole = chunks.filter(({ choices }) => choices.length > 0);
  const first = whole.map(({ choices: [choice] }) => choice);
  const join = (name: 'content' | 'reasoning_content') => first.map((choice) => choice?.delta[name] ?? '').join('');
  const deltas = first.flatMap((choice) => choice?.delta.tool_calls ?? []);
  const calls = [...new Set(deltas.map(({ index }) => index))].map((index) => {
    const own = deltas.filter((delta) => delta.index === index);
    const text = own.map((delta) => delta.function.arguments).join('');
    return { index, id: own[0]?.id, type: 'function', function: { name: own[0]?.function.name, arguments: text } };
  });
  const message = {
    role: 'assistant',
    content: join('content'),
    ...(join('reasoning_content') && { reasoning_content: join('reasoning_content') }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  const last = first.at(-1);
  const usage = last?.usage ?? chunks.findLast((chunk) => chunk.usage)?.usage;
  const choices = [{ index: 0, message, finish_reason: last?.finish_reason }];
  return { said: { id: whole[0]?.id, choices, usage }, usageChunks: chunks.length - whole.length };
}

describe.each(ALL)('an answer recorded as %s', (recorded) => {
  it.each(ALL)('is replayed as %s with all that it says', async (asked) => {
    const tape = newTape();
    const { api, stop, upstream } = await startRecording('in process', tape);
    await upstream.script([{ when: { text: 'harbour' }, reply: REPLY }]);
    const { said } = await ask(api, recorded);
    await stop();
    expect(said.choices[0]?.message).toMatchObject({ content: REPLY.text, reasoning_content: REPLY.reasoning });
    expect(said.choices[0]?.message.tool_calls?.map((call) => call.function.name)).toEqual(['look_up', 'sail']);
    const again = await ask(await startReplay('over HTTP', tape), asked);
    expect(again).toEqual({ said, usageChunks: asked === 'stream with usage' ? 1 : 0 });
  });
});

it('a stream that broke off breaks off again, and answers 502 where it is asked for whole', async () => {
  const tape = newTape();
  const upstream = await serve((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: {"choices":[{"index":0,"delta":{"content":"Berth"}}]}\n\n', () => response.destroy());
  });
  const recording = await startGateway('over HTTP', upstream, { record: tape });
  const body = { model: 'm', messages: [{ role: 'user', content: 'Where?' }] };
  const cut = await recording.open('POST', '/v1/chat/completions', JSON.stringify({ ...body, stream: true }));
  await expect(cut.text()).rejects.toThrow(TypeError);
  expect(exchangesOf(tape).map(({ answer }) => answer.end.code)).toEqual(['upstream_failed']);
  const replay = await startReplay('over HTTP', tape);
  const again = await replay.open('POST', '/v1/chat/completions', JSON.stringify({ ...body, stream: true }));
  await expect(again.text()).rejects.toThrow(TypeError);
  const { status, text } = await replay.post('/v1/chat/completions', body);
  expect([status, text]).toEqual([502, expect.stringContaining('the connection broke off')]);
});

it('a refusal is replayed as it came, whatever form is asked for', async () => {
  const tape = newTape();
  const upstream = await serve((_, response) => {
    response.writeHead(429, { 'Content-Type': 'application/json', 'Retry-After': '7', 'X-Internal': 'yes' });
    response.end('{"error":{"message":"slow down","type":"rate_limit_reached_error"}}');
  });
  const body = { model: 'm', messages: [{ role: 'user', content: 'Where?' }] };
  const recording = await startGateway('in process', upstream, { record: tape });
  const recorded = await recording.post('/v1/chat/completions', body);
  const replay = await startReplay('in process', tape);
  for (const form of ALL) {
    const { status, text, headers } = await replay.post('/v1/chat/completions', { ...body, ...FORMS[form] });
    expect([status, text]).toEqual([429, recorded.text]);
    expect([headers.get('retry-after'), headers.get('x-internal')]).toEqual(['7', null]);
  }
});

it('a form is found again under another border, and another file is not', async () => {
  const tape = newTape();
  const upstream = await serve((request, response) => {
    request.resume().on('end', () => response.end('{"id":"file-1"}'));
  });
  const post = (api: Api, content: string) => {
    const form = new FormData();
    form.set('purpose', 'file-extract');
    form.set('file', new Blob([content]), 'a.txt');
    const headers = { Authorization: 'Bearer sk-test' };
    return api.fetch(`${api.emulator.baseURL}/files`, { method: 'POST', body: form, headers }).then((r) => r.status);
  };
  const recording = await startGateway('over HTTP', upstream, { record: tape });
  expect(await post(recording, 'one')).toBe(200);
  const replay = await startReplay('over HTTP', tape);
  expect([await post(replay, 'one'), await post(replay, 'two')]).toEqual([200, 501]);
});
