import { describe, expect, it } from 'vitest';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import { createSession, expectRefusal, O200K, sized, startSession, tool } from '../support/session.ts';

const IGNORED = 'Kimi-Emulator-Ignored';

/** Bodies of a new session that are refused, and the field to blame. */
const WRONG: [object, string][] = [
  [{ title: 5 }, 'title'],
  [{ title: 'x'.repeat(513) }, 'title'],
  [{ metadata: { a: 1 } }, 'metadata.a'],
  [{ metadata: [] }, 'metadata'],
  [{ metadata: { ['k'.repeat(65)]: 'v' } }, `metadata.${'k'.repeat(65)}`],
  [{ metadata: { k: 'v'.repeat(513) } }, 'metadata.k'],
  [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, ''])) }, 'metadata'],
  [{ tools: [{ type: 'function', function: { name: '1x' } }] }, 'tools[0].function.name'],
  [{ tools: [tool('look'), { type: 'code' }] }, 'tools[1].type'],
  [{ tools: Array.from({ length: 129 }, () => tool('look')) }, 'tools'],
  [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
  [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
  [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages[0].content[0].image_url'],
  [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
  [{ messages: [{ role: 'user', content: '' }] }, 'messages[0].content'],
  [{ messages: Array.from({ length: 2_049 }, () => sized(5)) }, 'messages'],
  [{ preserve_len: 5_000 }, 'preserve_len'],
  [{ snapshot_id: 'a', share_id: 'b' }, 'share_id'],
  [{ snapshot_id: 'a', model: MODEL }, 'model'],
  [{ share_id: 'a', messages: [] }, 'messages'],
  [{ snapshot_id: 'a', tools: [] }, 'tools'],
  [{ model: '' }, 'model'],
];

describe.each(TRANSPORTS)('fields of a request %s', (transport) => {
  it('that are unknown are ignored, and named', async () => {
    const session = await startSession(transport, { model: saying('OK') });
    const { api } = session;
    const created = await api.post('/v1/sessions', { title: 'a', color: 1, metadata: { a: 'b' } });
    expect(created.status).toBe(201);
    expect(created.headers.get(IGNORED)).toBe('color');
    expect(created.body).not.toHaveProperty('color');

    const messages = { messages: [sized(5), { ...sized(5), mood: 'glad', tool_call_id: 'x' }], extra: {} };
    const appended = await api.post(`${session.path}/messages`, messages);
    expect(appended.headers.get(IGNORED)).toBe('messages[1].mood, messages[1].tool_call_id, extra');

    const chatted = await session.chat([], { user: 'u', seed: 7, stream_options: { include_usage: true, x: 1 } });
    expect(chatted.headers.get(IGNORED)).toBe('user, seed, stream_options.x');
    expect((await api.get(`${session.path}/messages?limit=1&page=2`)).headers.get(IGNORED)).toBe('page');
  });

  it('are not named where all are known', async () => {
    const session = await startSession(transport);
    expect((await session.append(sized(5))).headers.get(IGNORED)).toBeNull();
    const loose = { ...tool('look', 'what'), strict: true };
    const updated = await session.post('', { tools: [loose] });
    expect(updated.headers.get(IGNORED)).toBeNull();
    expect(updated.body.tools).toEqual([loose]);
  });

  it('with names that no header can hold are named as far as one can', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const names = ['a,b', 'ü', '汉字', 'x\r\ny: z', '\0', '', '__proto__', 'constructor', 'n'.repeat(300)];
    const body = `{${names.map((name) => `${JSON.stringify(name)}:1`).join(',')}}`;
    const reply = await api.send('POST', '/v1/sessions', body, { headers: { 'Content-Type': 'application/json' } });
    expect(reply.status).toBe(201);
    const named = (reply.headers.get(IGNORED) ?? '').split(', ');
    expect(named).toHaveLength(names.length);
    expect(named).toContain('__proto__');
    expect(named[0]).toBe('a?b');
    expect(named.at(-1)?.length).toBeLessThan(100);
  });

  it('with a key that is too long are refused with its limit', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const key = 'k'.repeat(65);
    const reply = await api.post('/v1/sessions', { metadata: { [key]: 'v' } });
    expect(expectRefusal(reply, 'invalid_request', `metadata.${key}`).message).toMatch(/key: .*\b64\b/);
  });

  it('that are many are not all named', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const body = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field${index}`, index]));
    const reply = await api.post('/v1/sessions', body);
    expect(reply.status).toBe(201);
    expect(reply.headers.get(IGNORED)?.split(', ')).toHaveLength(16);
  });

  it('that are just within their limits are taken', async () => {
    const session = await startSession(transport);
    const pairs = Array.from({ length: 16 }, (_, index) => [`${index}`.padEnd(64, 'k'), 'v'.repeat(512)]);
    const metadata = Object.fromEntries(pairs);
    const tools = Array.from({ length: 128 }, (_, index) => tool(`look_${index}`));
    const { status, body } = await session.api.post('/v1/sessions', { title: 't'.repeat(512), metadata, tools });
    expect(status).toBe(201);
    expect(body).toMatchObject({ metadata, tools });
    const messages = Array.from({ length: 2_048 }, () => ({ role: 'user', content: 'a' }));
    const fits = await session.api.post('/v1/tokenizers/estimate-token-count', { model: MODEL, messages });
    expect(fits.body).toEqual({ data: { total_tokens: 2_048 * 5 + 3 } });
  });

  it('of the wrong kind are refused by name', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    for (const [body, param] of WRONG) {
      const { message } = expectRefusal(await api.post('/v1/sessions', body), 'invalid_request', param);
      expect(message).toContain(param);
    }
    expect((await api.get('/v1/sessions')).body.data).toEqual([]);
  });

  it('that are not a token count are refused', async () => {
    const session = await startSession(transport, {}, { messages: [sized(9)] });
    const before = await session.state();
    for (const preserve_len of [1e308, -0, 0, -1, 4096.5, '4096', null, true, [4096], { a: 1 }, 2 ** 53, -1e308]) {
      for (const route of ['/truncate', '/compress', '/snapshots']) {
        const reply = await session.post(route, { preserve_len });
        expect(reply.status, route + JSON.stringify(preserve_len)).toBe(400);
      }
    }
    expect(await session.state()).toEqual(before);
  });

  it('that are out of range are refused where a number is in it', async () => {
    const session = await startSession(transport, {}, { messages: [sized(9)] });
    for (const ratio of [1, 0, -4, 64.001, 1e308, '4', null]) {
      expectRefusal(await session.compress({ ratio }), 'invalid_request', 'ratio');
    }
    const snapshot = await session.snapshot();
    for (const expires_in of [0, -0, -1, 1.5, 1e308, 315_360_001, '60']) {
      const reply = await session.api.post(`/v1/snapshots/${snapshot.body.id}/share`, { expires_in });
      expectRefusal(reply, 'invalid_request', 'expires_in');
    }
    for (const limit of ['0', '101', '-1', '1.5', 'all', '1e9', '']) {
      expectRefusal(await session.api.get(`/v1/sessions?limit=${limit}`), 'invalid_request', 'limit');
    }
    expectRefusal(await session.api.get('/v1/sessions?order=up'), 'invalid_request', 'order');
    expect((await createSession(session.api)).id).not.toBe(session.id);
  });
});
