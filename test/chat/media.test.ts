import { describe, expect, it } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import type { List } from '../../contract/lists.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { dataUrl, gif, jpeg, mp4, picture, png } from '../support/pictures.ts';
import { createSession, O200K } from '../support/session.ts';

const SEEING = ['kimi-k3', 'kimi-k3.1-pro', 'kimi-k2.7-code', 'kimi-k2.6', 'kimi-k2.5'];

function chat(api: Api, model: string, content: unknown, more = {}) {
  return api.post<ChatCompletion>('/v1/chat/completions', { model, messages: [{ role: 'user', content }], ...more });
}

async function promptTokens(api: Api, model: string, content: unknown): Promise<number> {
  const { status, body, text } = await chat(api, model, content);
  expect(status, text).toBe(200);
  return body.usage.prompt_tokens;
}

describe.each(TRANSPORTS)('pictures, %s', (transport) => {
  const start = () => startEmulator(transport, { tokenizer: O200K });

  it.each(SEEING)('are counted by the formula and their markup on %s', async (model) => {
    const api = await start();
    const { count } = await O200K.load().then((tokenizer) => ({ count: (text: string) => tokenizer.count(text) }));
    const besides = model.startsWith('kimi-k3') ? 3 + count('image 1024x1024') : 3 + count('image') + count('\n');
    const without = await promptTokens(api, model, [{ type: 'text', text: 'What is this?' }]);
    const seen = await promptTokens(api, model, [{ type: 'text', text: 'What is this?' }, picture(png(1024, 1024))]);
    expect(seen - without).toBe(1369 + besides);
  });

  it('are taken as a bare URL and as an object, of every format, also as videos', async () => {
    const api = await start();
    for (const part of [
      picture(jpeg(640, 480), 'image/jpeg'),
      picture(gif(640, 480), 'image/gif'),
      // The bytes say what it is, whatever the URL says.
      picture(jpeg(640, 480), 'image/png'),
      { type: 'image_url', image_url: dataUrl(png(640, 480)) },
      { type: 'video_url', video_url: { url: dataUrl(mp4(640, 480, 2), 'video/mp4') } },
    ]) {
      expect((await chat(api, 'kimi-k3', [part])).status).toBe(200);
    }
  });

  it('may stand in the result of a tool', async () => {
    const api = await start();
    const call = { id: 'shot_0', type: 'function', function: { name: 'shot', arguments: '{}' } };
    const { status, text } = await api.post('/v1/chat/completions', {
      model: 'kimi-k3',
      messages: [
        { role: 'user', content: 'Take a picture.' },
        { role: 'assistant', content: '', reasoning_content: 'I call it.', tool_calls: [call] },
        { role: 'tool', tool_call_id: 'shot_0', content: [picture(png(8, 8))] },
      ],
    });
    expect(status, text).toBe(200);
  });

  it.each([
    [
      'an http URL',
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      'unsupported image url: https://example.com/a.png',
    ],
    ['SVG', picture(Buffer.from('<svg/>'), 'image/svg+xml'), 'unsupported image format: text/plain; charset=utf-8'],
    ['a part of another type', { type: 'file', file: {} }, 'invalid part type: file'],
    ['a video at an http URL', { type: 'video_url', video_url: 'http://x/y' }, 'unsupported video url: http://x/y'],
    [
      'a picture as a video',
      { type: 'video_url', video_url: dataUrl(png(8, 8)) },
      'unsupported video format: image/png',
    ],
    ['an unknown file', { type: 'image_url', image_url: 'ms://file-unknown' }, /ms:\/\/file-unknown/],
    [
      'what is not base64',
      { type: 'image_url', image_url: 'data:image/png;base64,@@@@' },
      /^messages\[0\]\.content\[0\]\.image_url: .*not base64/,
    ],
    [
      'a reference to bytes that were not sent',
      { type: 'image_url', image_url: `data:image/png;base64,#sha256=${'0'.repeat(64)}` },
      /not base64/,
    ],
    ['0 × 0', picture(png(0, 0)), /^invalid image: messages\[0\]\.content\[0\]\.image_url: .*no pixels/],
    ['60,000 × 60,000', picture(png(60_000, 60_000)), /more than 178956970 pixels/],
  ])('are refused in one line: %s', async (_, part, problem) => {
    const api = await start();
    const { status, body } = await chat(api, 'kimi-k3', [part]);
    expect(status).toBe(400);
    const { error } = body as unknown as { error: { message: string; type: string } };
    expect(error.type).toBe('invalid_request_error');
    const said = error.message.replace(/^Invalid request: /, '');
    expect(error.message).not.toBe(said);
    if (typeof problem === 'string') expect(said).toBe(problem);
    else expect(said).toMatch(problem);
    expect(said).not.toContain('\n');
  });

  it('are refused by a model that reads text only, and in messages that are not of a user or a tool', async () => {
    const api = await start();
    const { status, text } = await chat(api, 'kimi-k2-0905-preview', [picture(png(8, 8))]);
    expect([status, text]).toEqual([400, expect.stringContaining('messages[0].content[0].type')]);
    const system = { model: 'kimi-k3', messages: [{ role: 'system', content: [picture(png(8, 8))] }] };
    expect((await api.post('/v1/chat/completions', system)).status).toBe(400);
  });

  it('in a session are listed as they were sent, and counted in every turn', async () => {
    const api = await start();
    const session = await createSession(api, { model: 'kimi-k3' });
    const large = png(64, 64, 3_000_000);
    const sent = [
      { type: 'text', text: 'Two of them:' },
      picture(large),
      { type: 'image_url', image_url: dataUrl(gif(9, 9), 'image/x-any') },
    ];
    const { status, body, text } = await session.append({ role: 'user', content: sent } as never);
    expect(status, text).toBe(200);
    const [written] = body.data;
    const { text: listed, headers, body: list } = await api.get<List<SessionMessage>>(`${session.path}/messages`);
    expect(list.data[0]?.content).toEqual(sent);
    expect(headers.get('content-length')).toBe(String(Buffer.byteLength(listed)));
    expect(headers.get('etag')).toBe('"2"');
    expect(list.data[0]?.tokens).toBe(written?.tokens);
    const turn = { model: 'kimi-k3', session_id: session.id, messages: [{ role: 'user', content: 'And?' }] };
    const first = await api.post<ChatCompletion>('/v1/chat/completions', turn);
    expect(first.body.usage.prompt_tokens).toBeGreaterThan(written?.tokens ?? 0);
  });

  it('that look alike but are others are not billed as the same prompt', async () => {
    const api = await start();
    const ask = (padding: number) => chat(api, 'kimi-k3', [picture(png(1024, 1024, padding))]);
    await ask(1);
    expect((await ask(2)).body.usage.cached_tokens).toBeUndefined();
    expect((await ask(2)).body.usage.cached_tokens).toBeGreaterThan(0);
  });

  it('are [image WxH] to compression and search', async () => {
    const api = await start();
    const session = await createSession(api, { model: 'kimi-k3' });
    const content = [{ type: 'text', text: 'The plan of the house.' }, picture(png(320, 200))];
    await session.append({ role: 'user', content } as never);
    await session.append({ role: 'assistant', content: 'It has two rooms. '.repeat(300), reasoning_content: '' });
    const shot = await api.post<{ id: string }>(`${session.path}/snapshots`, {});
    const found = await api.get<List<SessionMessage>>(
      `/v1/snapshots/${shot.body.id}/messages?scope=archived&query=320x200`,
    );
    expect(found.body.data, found.text).toHaveLength(1);
    expect(found.body.data[0]?.content).toEqual(content);
    const done = await api.post(`${session.path}/compress`, { ratio: 2 });
    expect(done.status, done.text).toBe(200);
  });

  it('travel with a state file, each once', async () => {
    const api = await start();
    const session = await createSession(api, { model: 'kimi-k3' });
    const content = [picture(png(64, 64, 1_000_000)), picture(png(64, 64, 1_000_000)), picture(png(65, 65))];
    await session.append({ role: 'user', content } as never);
    await session.append({ role: 'user', content } as never);
    const file = await api.emulator.state.export();
    const state = JSON.parse(Buffer.from(file as never).toString()) as { state: { blobs: unknown[] } };
    expect(state.state.blobs).toHaveLength(2);
    const other = await start();
    await other.emulator.state.import(file);
    const { body } = await other.get<List<SessionMessage>>(`${session.path}/messages`);
    expect(body.data.map((message) => message.content)).toEqual([content, content]);
  });
});

describe.each(TRANSPORTS)('bodies with pictures, %s', (transport) => {
  const start = (limits = {}) => startEmulator(transport, { tokenizer: O200K, limits });

  it('are taken beyond body_bytes, which counts what is not a picture', async () => {
    const api = await start();
    const large = Array.from({ length: 4 }, (_, at) => picture(png(1024, 1024, 2_000_000 + at)));
    const { status, body, text } = await chat(api, 'kimi-k3', large);
    expect(status, text).toBe(200);
    expect(body.usage.prompt_tokens).toBeGreaterThan(4 * 1369);
    const words = await chat(api, 'kimi-k3', [{ type: 'text', text: 'a'.repeat(5_000_000) }, ...large]);
    expect([words.status, words.text]).toEqual([
      400,
      expect.stringMatching(/total message size \d+ exceeds limit 4194304/),
    ]);
  });

  it('are refused beyond media_body_bytes', async () => {
    const api = await start({ media_body_bytes: 5_000_000 });
    const { status, text } = await chat(api, 'kimi-k3', [picture(png(8, 8, 4_000_000))]);
    expect([status, text]).toEqual([400, expect.stringMatching(/total message size \d+ exceeds limit 5000000/)]);
  });

  it('leave no base64 in the journal', async () => {
    const api = await start();
    await chat(api, 'kimi-k3', [picture(png(8, 8, 1_000_000))]);
    const entry = api.emulator.journal.entries().at(-1);
    expect(JSON.stringify(entry)).toContain('data:image/png;base64,#sha256=');
  });

  it('are told apart by their pictures under an idempotency key', async () => {
    const api = await start();
    const session = await createSession(api, { model: 'kimi-k3' });
    const append = (padding: number) =>
      api.post(
        `${session.path}/messages`,
        { messages: [{ role: 'user', content: [picture(png(8, 8, padding))] }] },
        { headers: { 'Idempotency-Key': 'one' } },
      );
    const first = await append(1_000_000);
    const again = await append(1_000_000);
    expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([200, first.text, 'true']);
    expect((await append(1_000_001)).status).toBe(409);
  });

  it('keep a text that is a data: URL as it is', async () => {
    const api = await start();
    const session = await createSession(api, { model: 'kimi-k3' });
    const url = dataUrl(png(8, 8, 6_000));
    const messages = [{ role: 'user', content: [{ type: 'text', text: url }, picture(png(8, 8, 100_000))] }];
    const { status, text } = await api.post(`${session.path}/messages`, { messages });
    expect(status, text).toBe(200);
    const { body } = await api.get<List<SessionMessage>>(`${session.path}/messages`);
    expect(body.data[0]?.content).toEqual(messages[0]?.content);
  });

  it('are stored whole where requests with the same picture end in every order', async () => {
    const api = await start();
    const [first, second] = [
      await createSession(api, { model: 'kimi-k3' }),
      await createSession(api, { model: 'kimi-k3' }),
    ];
    const content = [picture(png(8, 8, 3_000_000)), picture(png(9, 9, 2_000_000))];
    const message = { role: 'user', content };
    const append = (path: string) => api.post(`${path}/messages`, { messages: [message] });
    const turn = { model: 'kimi-k3', session_id: second.id, messages: [message], stream: true };
    const line = `${JSON.stringify(message)}\n`;
    const statuses = await Promise.all(
      [
        append(first.path),
        append('/v1/sessions/sess_unknown'),
        chat(api, 'kimi-k2-0905-preview', content),
        api.post('/v1/chat/completions', turn),
        api.send('POST', `${first.path}/messages`, line + line, {
          headers: { 'Content-Type': 'application/x-ndjson' },
        }),
        api.upload(png(8, 8, 3_000_000)),
        append(first.path),
      ].map(async (reply) => (await reply).status),
    );
    expect(statuses).toEqual([200, 404, 400, 200, 200, 200, 200]);
    const stored = async (path: string) => {
      const { body } = await api.get<List<SessionMessage>>(`${path}/messages`);
      return body.data.filter(({ role }) => role === 'user').map((each) => each.content);
    };
    expect(await stored(first.path)).toEqual(Array.from({ length: 4 }, () => content));
    expect(await stored(second.path)).toEqual([content]);
  });
});
