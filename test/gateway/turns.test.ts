import type { ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../../contract/chat.ts';
import type { ErrorBody } from '../../contract/errors.ts';
import type { Session } from '../../contract/sessions.ts';
import { diagnose } from '../../emulator/doctor/diagnose.ts';
import type { JournalFile } from '../../emulator/journal/journal-file.ts';
import { type Api, readEvents, TRANSPORTS } from '../support/emulator.ts';
import { createSession, expectRefusal, sized, tool } from '../support/session.ts';
import { strideOf } from '../support/slice.ts';
import { serve, startGateway, startPair } from './gateway.ts';

const K3 = { model: 'kimi-k3' };
const ask = (content: string) => [{ role: 'user', content }];

/** The events of a recorded answer: reasoning, text, its finish, usage where `usage` puts it, and the end. */
function recorded(usage: 'in the choice' | 'at the top' | 'in a chunk of its own' | 'nowhere') {
  const figures = { prompt_tokens: 40, completion_tokens: 9, total_tokens: 49, cached_tokens: 32 };
  const chunk = (choices: object[], more: object = {}) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-7', object: 'chat.completion.chunk', created: 9, model: 'm-1', vendor: 'v', choices, ...more })}\n\n`;
  const delta = (delta: object) => chunk([{ index: 0, delta, finish_reason: null, logprobs: null }]);
  const finish = { index: 0, delta: {}, finish_reason: 'stop' };
  return [
    ': waiting\n\n',
    delta({ role: 'assistant', content: '' }),
    delta({ reasoning_content: 'It is moored.' }),
    delta({ content: 'Berth ' }),
    delta({ content: 'B-14 – 泊位', mood: 'calm' }),
    chunk(
      [{ ...finish, ...(usage === 'in the choice' && { usage: figures }) }],
      usage === 'at the top' ? { usage: figures } : {},
    ),
    ...(usage === 'in a chunk of its own' ? [chunk([], { usage: figures })] : []),
    'data: [DONE]\n\n',
  ];
}

function stream(response: ServerResponse, events: readonly string[]): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (const event of events) response.write(event);
  response.end();
}

describe.each(TRANSPORTS)('a turn through the gateway, %s', (transport) => {
  it.each([
    ['kimi-k3', 'invalid n: only 1 is allowed for this model'],
    ['kimi-k2-0905-preview', 'Invalid request: n must be 1 in a session'],
  ])('refuses a second choice in the words of %s, and asks nobody', async (model, message) => {
    const { api, upstream } = await startPair(transport);
    const session = await createSession(api, { model });
    const { status, body } = await session.chat<ErrorBody>(ask('Where?'), { model, n: 2 });
    expect({ status, message: body.error.message }).toEqual({ status: 400, message });
    expect(upstream.journal.entries()).toEqual([]);
  });

  it('sends the window and the new messages, and stores both with the answer', async () => {
    const { api, upstream } = await startPair(transport);
    const session = await createSession(api, { ...K3, messages: [{ role: 'system', content: 'The berth is B-14.' }] });
    const { status, body } = await session.chat<ChatCompletion>(ask('What is the berth?'), K3);
    expect(status).toBe(200);
    expect(body.choices[0]?.message.content).toBe('B-14');
    expect(body.session?.usage.messages).toBe(3);
    const [entry] = upstream.journal.entries();
    expect(body.id).toBe(JSON.parse(entry?.answer ?? '{}').id);
    const sent = JSON.parse(entry?.request ?? '{}');
    expect(sent.messages.map(({ role }: { role: string }) => role)).toEqual(['system', 'user']);
    expect(sent).not.toHaveProperty('session_id');
    expect((await session.messages()).map(({ content }) => content)).toEqual([
      'The berth is B-14.',
      'What is the berth?',
      'B-14',
    ]);
  });

  it('sends its fields as they came, its tools from the session, and a message without its pin', async () => {
    const bodies: Record<string, unknown>[] = [];
    const upstream = await serve((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => {
        bodies.push(JSON.parse(Buffer.concat(parts).toString()));
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop' }] }));
      });
    });
    const api = await startGateway(transport, upstream);
    const session = await createSession(api, { model: 'other-1', tools: [tool('look_up')] });
    const fields = { model: 'other-1', temperature: 0.123, seed: 7, thinking: { odd: true }, tool_choice: { odd: 1 } };
    await session.chat([{ role: 'user', content: 'Ready?', pinned: true, mark: 'x' }], fields);
    expect(bodies).toEqual([
      { ...fields, tools: [tool('look_up')], messages: [{ role: 'user', content: 'Ready?', mark: 'x' }] },
    ]);
  });

  it.each(['in the choice', 'at the top', 'in a chunk of its own', 'nowhere'] as const)(
    'hands on every event as it came and bills the usage that stands %s',
    async (place) => {
      const asked: Record<string, unknown>[] = [];
      const upstream = await serve((request, response) => {
        let text = '';
        request.on('data', (part) => {
          text += part;
        });
        request.on('end', () => {
          asked.push(JSON.parse(text));
          stream(response, recorded(place));
        });
      });
      const api = await startGateway(transport, upstream);
      const session = await createSession(api, K3);
      const { text } = await session.chat(ask('Where?'), { ...K3, stream: true });
      const events = text.split(/(?<=\n\n)/);
      const finish = events.findIndex((event) => event.includes('"finish_reason":"stop"'));
      const sent = recorded(place).filter((event) => !event.includes('"choices":[],'));
      expect(events.with(finish, '')).toEqual(sent.with(finish, ''));
      const chunk = JSON.parse(events[finish]?.slice('data: '.length) ?? '{}') as ChatCompletionChunk;
      const { session: state, ...others } = chunk;
      expect(others).toEqual(JSON.parse(sent[finish]?.slice('data: '.length) ?? '{}'));
      expect(state).toMatchObject({ id: session.id, version: 2 });
      expect(asked[0]?.stream_options).toEqual({ include_usage: true });
      const { total } = await api.emulator.spend();
      if (place !== 'nowhere') {
        expect(total).toMatchObject({ input_tokens: 8, cached_tokens: 32, output_tokens: 9 });
      } else expect(total.output_tokens).toBeGreaterThan(0);
      const [, stored] = await session.messages();
      expect(stored).toMatchObject({ content: 'Berth B-14 – 泊位', reasoning_content: 'It is moored.' });
    },
  );

  it('leaves a usage chunk in place for a client that asks for one', async () => {
    const upstream = await serve((_, response) => stream(response, recorded('in a chunk of its own')));
    const session = await createSession(await startGateway(transport, upstream), K3);
    const more = { ...K3, stream: true, stream_options: { include_usage: true } };
    const { chunks } = readEvents((await session.chat(ask('Where?'), more)).text.replace(': waiting\n\n', ''));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 40 } });
  });

  it('stores tool calls under the ids of the upstream, and takes their results', async () => {
    const call = { id: 'toolu_7:x', type: 'function', function: { name: 'look_up', arguments: '{"at":"B-14"}' } };
    let rounds = 0;
    const upstream = await serve((_, response) => {
      rounds += 1;
      const message = rounds === 1 ? { content: null, tool_calls: [call] } : { content: 'Moored.' };
      const body = { id: 'c', choices: [{ index: 0, message, finish_reason: rounds === 1 ? 'tool_calls' : 'stop' }] };
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
    });
    const session = await createSession(await startGateway(transport, upstream), K3);
    await session.chat(ask('Where?'), { ...K3, tools: [tool('look_up')] });
    expectRefusal(await session.chat(ask('Where?'), K3), 'tool_call_unanswered', 'messages[0]');
    await session.chat([{ role: 'tool', tool_call_id: 'toolu_7:x', content: 'yes' }], K3);
    const window = await session.messages();
    expect(window.map(({ role, tool_calls, tool_call_id }) => [role, tool_calls?.[0]?.id ?? tool_call_id])).toEqual([
      ['user', undefined],
      ['assistant', 'toolu_7:x'],
      ['tool', 'toolu_7:x'],
      ['assistant', undefined],
    ]);
  });

  it('hands on a refusal with its status, body and Retry-After, and leaves the session as it was', async () => {
    const refusal = '{"error": {"message": "slow down",\n "type": "rate_limit_reached_error"}}';
    const upstream = await serve((_, response) => {
      response.writeHead(429, { 'Content-Type': 'application/json', 'Retry-After': '7', 'X-Odd': 'yes' }).end(refusal);
    });
    const session = await createSession(await startGateway(transport, upstream), K3);
    const before = await session.state();
    for (const stream of [false, true]) {
      const { status, text, headers } = await session.chat(ask('Where?'), { ...K3, stream });
      expect([status, text, headers.get('retry-after'), headers.get('x-odd')]).toEqual([429, refusal, '7', 'yes']);
    }
    expect(await session.state()).toEqual(before);
  });

  it('hands on an error that comes in the middle of a stream, and leaves the session as it was', async () => {
    const event = 'data: {"error":{"message":"overheated","type":"engine_overloaded_error"}}\n\n';
    const upstream = await serve((_, response) => stream(response, [...recorded('nowhere').slice(0, 3), event]));
    const session = await createSession(await startGateway(transport, upstream), K3);
    const before = await session.state();
    const { text } = await session.chat(ask('Where?'), { ...K3, stream: true });
    expect(text.endsWith(event)).toBe(true);
    expect(await session.state()).toEqual(before);
  });

  it('stores nothing of an answer that its length cut within a tool call', async () => {
    const call = { id: 'c:0', type: 'function', function: { name: 'look_up', arguments: '{"at":' } };
    const upstream = await serve((_, response) => {
      const body = { choices: [{ message: { content: '', tool_calls: [call] }, finish_reason: 'length' }] };
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
    });
    const session = await createSession(await startGateway(transport, upstream), K3);
    expect((await session.chat(ask('Where?'), K3)).status).toBe(200);
    expect((await session.messages()).map(({ role }) => role)).toEqual(['user']);
  });

  it('replays the stored answer under its key without asking again, streamed and not', async () => {
    const { api, upstream } = await startPair(transport);
    const session = await createSession(api, K3);
    for (const stream of [false, true]) {
      const call = { headers: { 'Idempotency-Key': `key-${stream}` } };
      const first = await session.chat(ask('Say "yes".'), { ...K3, stream }, call);
      const again = await session.chat(ask('Say "yes".'), { ...K3, stream }, call);
      expect(again.text).toBe(first.text);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
    }
    expect(upstream.journal.entries({ operation: 'createChatCompletion' })).toHaveLength(2);
  });

  it('tells in a header where the upstream counts a prompt differently by more than 2 %', async () => {
    let prompt = 0;
    const upstream = await serve((_, response) => {
      const usage = { prompt_tokens: prompt, completion_tokens: 2, total_tokens: prompt + 2 };
      const body = { choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop' }], usage };
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
    });
    const api = await startGateway(transport, upstream);
    const fresh = async () => (await createSession(api, K3)).chat([sized(500)], K3);
    prompt = 1_000;
    const told = (await fresh()).headers.get('kimi-emulator-token-drift') ?? '';
    expect(told).toMatch(/^counted=\d+, upstream=1000$/);
    prompt = Number(/\d+/.exec(told)?.[0]) + 2;
    expect((await fresh()).headers.has('kimi-emulator-token-drift')).toBe(false);
    const drifts = api.emulator.journal.entries({ status: 200 }).map(({ facts }) => facts.upstream?.drift?.upstream);
    expect(drifts.filter(Boolean)).toEqual([1_000]);
    const { body } = await api.get<JournalFile>('/_emulator/journal');
    expect(diagnose(body).find(({ rule }) => rule === 'token-drift')).toMatchObject({
      level: 'warning',
      says: expect.stringContaining('the prompt of 1 turn differently by more than 2 %, at most 1,000 tokens'),
    });
  });
});

it('a session counts for the model that a turn names, and for one that it does not know with o200k_base', async () => {
  const answer = { choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop' }] };
  const upstream = await serve((_, response) => {
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer));
  });
  const api: Api = await startGateway('in process', upstream);
  const session = await createSession(api, { model: 'qwen9-max' });
  expect((await session.chat(ask('Ready?'), { model: 'qwen9-max' })).status).toBe(200);
  const { body } = await session.show();
  expect(body).toMatchObject({ model: 'qwen9-max', usage: { messages: 2 }, limits: { window_tokens: 262_144 } });
});

it('leaves the session as it was and ends with an error, wherever a stream is cut', async () => {
  const bytes = Buffer.from(recorded('in a chunk of its own').join(''));
  let cut = 0;
  const upstream = await serve((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(bytes.subarray(0, cut), () => response.destroy());
  });
  const api = await startGateway('over HTTP', upstream);
  const session = await createSession(api, K3);
  await session.append(sized(20));
  const before = await session.state();
  const end = bytes.length - '[DONE]\n\n'.length;
  const { start, stride } = strideOf(4);
  for (cut = start; cut < end; cut += stride) {
    const { text, status } = await session.chat(ask('Where?'), { ...K3, stream: true });
    const last =
      text
        .trimEnd()
        .split('\n\n')
        .at(-1)
        ?.replace(/^data: /, '') ?? '';
    const { error } = JSON.parse(last) as ErrorBody;
    expect([200, 502], `cut at ${cut}`).toContain(status);
    expect(error, `cut at ${cut}`).toMatchObject({ type: 'upstream_error', code: 'upstream_failed' });
  }
  expect(await session.state()).toEqual(before);
});

it.each(TRANSPORTS)(
  'a refusal of the upstream keeps its bytes, its type and when to come back, %s',
  async (transport) => {
    const page = Buffer.from('<html>\xff too many</html>', 'latin1');
    const base = await serve((_, response) => {
      response.writeHead(429, { 'Content-Type': 'text/html; charset=latin1', 'Retry-After': '7' });
      response.end(page);
    });
    const api = await startGateway(transport, base);
    const session = await createSession(api, K3);
    const before = await session.state();
    const body = JSON.stringify({ ...K3, session_id: session.id, messages: ask('Where?') });
    const headers = { 'Content-Type': 'application/json' };
    const response = await api.open('POST', '/v1/chat/completions', body, { headers });
    expect([response.status, response.headers.get('content-type'), response.headers.get('retry-after')]).toEqual([
      429,
      'text/html; charset=latin1',
      '7',
    ]);
    expect(Buffer.from(await response.arrayBuffer()).equals(page)).toBe(true);
    expect(await session.state()).toEqual(before);
  },
);

it('a turn on a full window is sent with its bytes in memory once', async () => {
  let isHeld: (bytes: number) => void = () => undefined;
  const held = new Promise<number>((resolve) => {
    isHeld = resolve;
  });
  let more: (() => void) | undefined;
  const base = await serve((request, response) => {
    // Reads nothing for now, so that all of it that is not in the network stays where it was made.
    const size = Number(request.headers['content-length']);
    request.pause();
    more = () => request.resume().on('end', () => response.writeHead(500).end('{}'));
    isHeld(size);
  });
  const limits = { append_tokens: 262_144 };
  const api = await startGateway('in process', base, { limits });
  const session = await createSession(api, { model: 'other-1' });
  // Few tokens for many bytes.
  const message = { role: 'user' as const, content: `${'='.repeat(64)}\n`.repeat(30_000) };
  while ((await session.append(message)).status < 300);
  const { body } = await api.get<Session>(session.path);
  expect(body.usage.total_tokens).toBeGreaterThan(200_000);
  const collect = collector();
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const turn = session.chat(ask('Where?'), { model: 'other-1' });
  const size = await held;
  collect();
  const taken = process.memoryUsage().arrayBuffers - before;
  more?.();
  expect((await turn).status).toBe(500);
  expect(size).toBeGreaterThan(6 * 2 ** 20);
  expect(taken / size).toBeLessThan(1.5);
});

/** Node's own, which is there only where it is asked for. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
