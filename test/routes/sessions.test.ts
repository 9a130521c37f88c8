import { describe, expect, it } from 'vitest';
import type { List } from '../../contract/lists.ts';
import { Session } from '../../contract/sessions.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import {
  createSession,
  everyItem,
  expectRefusal,
  MovableClock,
  O200K,
  sized,
  startSession,
  tool,
} from '../support/session.ts';

describe.each(TRANSPORTS)('sessions %s', (transport) => {
  it('are created with what is asked for, and shown as they are', async () => {
    const clock = new MovableClock();
    const asked = { model: 'kimi-k2-0905', title: 'first', metadata: { project: 'x' }, tools: [tool('look')] };
    const session = await startSession(transport, { clock }, { ...asked, messages: [sized(10), sized(20)] });
    const { status, body, headers } = await session.show();
    expect(status).toBe(200);
    expect(headers.get('etag')).toBe('"1"');
    expect(Session.strict().parse(body)).toEqual(body);
    const { tools_tokens } = body.usage;
    expect(body).toEqual({
      id: expect.stringMatching(/^sess_[0-9a-f]{24}$/),
      session_id: body.id,
      object: 'session',
      ...asked,
      version: 1,
      created_at: 1_795_334_400,
      updated_at: 1_795_334_400,
      usage: {
        total_tokens: tools_tokens + 30,
        tools_tokens,
        remaining_tokens: 262_144 - tools_tokens - 30,
        messages: 2,
      },
      limits: {
        sessions: 100,
        append_tokens: 8_192,
        min_preserve_tokens: 4_096,
        window_tokens: 262_144,
        snapshots: 1_000,
      },
      forked_from: null,
    });
    expect(tools_tokens).toBeGreaterThan(0);
  });

  it('are created of nothing, with the model of the article', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const created = await api.post('/v1/sessions');
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBe('"1"');
    expect(created.body).toMatchObject({
      model: 'kimi-k2-0905-preview',
      title: null,
      metadata: {},
      tools: [],
      version: 1,
    });
    expect((await api.get(`/v1/sessions/${created.body.id}`)).body).toEqual(created.body);
    const unknown = await api.post('/v1/sessions', { model: 'gpt-4' });
    expect(expectRefusal(unknown, 'model_not_found').message).toBe('Not found the model gpt-4 or Permission denied');
    expect((await api.get('/v1/sessions')).body.data).toEqual([created.body]);
  });

  it('show the limits in force', async () => {
    const limits = { sessions: 2, append_tokens: 100, min_preserve_tokens: 50, window_tokens: 500, snapshots: 3 };
    const session = await startSession(transport, { limits }, { messages: [sized(100)] });
    expect((await session.show()).body).toMatchObject({ limits, usage: { remaining_tokens: 400 } });
  });

  it('change title, metadata and tools, each by itself', async () => {
    const clock = new MovableClock();
    const first = { title: 'a', metadata: { a: '1', b: '2' }, tools: [tool('look')] };
    const session = await startSession(transport, { clock }, first);
    const created = (await session.show()).body;
    clock.passSeconds(5);
    const { body } = await session.post('', { metadata: { c: '3' } });
    expect(body).toEqual({ ...created, metadata: { c: '3' }, version: 2, updated_at: 1_795_334_405 });
    expect((await session.post('', { tools: null })).body).toEqual(body);
    expect((await session.post('', { title: null, metadata: null, tools: [] })).body).toMatchObject({
      title: null,
      metadata: {},
      tools: [],
      usage: { tools_tokens: 0, total_tokens: 0 },
    });
    expect((await session.post('', { model: 'kimi-k2-0905', id: 'x' })).headers.get('kimi-emulator-ignored')).toBe(
      'model, id',
    );
  });

  it('are gone once they are deleted, and only then', async () => {
    const session = await startSession(transport, {}, { messages: [sized(10)] });
    const { api, id, path } = session;
    const { status, body } = await api.delete(path);
    expect({ status, body }).toEqual({ status: 200, body: { id, object: 'session.deleted', deleted: true } });
    const replies = [
      await api.get(path),
      await api.delete(path),
      await api.get(`${path}/messages`),
      await api.get(`${path}/snapshots`),
      await session.append(sized(9)),
      await session.post('', { title: 'x' }),
      await session.truncate(5_000),
      await session.snapshot(),
      await session.rollback('snap_1'),
      await session.compress(),
      await session.post('/messages/msg_1', { pinned: true }),
    ];
    for (const reply of replies) expect(expectRefusal(reply, 'session_not_found').message).toContain(id);
    expectRefusal(await session.chat([sized(9)]), 'session_not_found', 'session_id');
  });

  it('are listed newest first, in pages', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const ids: string[] = [];
    for (let count = 0; count < 25; count += 1) ids.unshift((await createSession(api)).id);
    const page = async (query: string) => (await api.get<List<Session>>(`/v1/sessions${query}`)).body;
    const first = await page('');
    expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 20));
    expect(first).toMatchObject({ object: 'list', first_id: ids[0], last_id: ids[19], has_more: true });
    const second = await page(`?after=${first.last_id}`);
    expect(second.data.map(({ id }) => id)).toEqual(ids.slice(20));
    expect(second).toMatchObject({ first_id: ids[20], last_id: ids[24], has_more: false });
    expect(await page(`?after=${ids[24]}`)).toEqual({
      object: 'list',
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    });
    expect((await page('?order=asc&limit=3')).data.map(({ id }) => id)).toEqual(ids.slice(-3).toReversed());
    expect((await page(`?order=asc&limit=2&after=${ids[5]}`)).data.map(({ id }) => id)).toEqual([ids[4], ids[3]]);
    expect(await page('?limit=25')).toMatchObject({ has_more: false });
    expect(await page('?limit=24')).toMatchObject({ has_more: true });
    expect((await everyItem<Session>(api, '/v1/sessions?order=asc')).map(({ id }) => id)).toEqual(ids.toReversed());
    expectRefusal(await api.get('/v1/sessions?after=sess_none'), 'session_not_found', 'after');
    expectRefusal(await api.get('/v1/snapshots?after=snap_none'), 'snapshot_not_found', 'after');
  });

  it('list their messages oldest first, pins before the cut included, in pages', async () => {
    const messages = [
      sized(10, 'system'),
      sized(40),
      { ...sized(20), pinned: true },
      ...Array.from({ length: 30 }, () => sized(9)),
    ];
    const session = await startSession(transport, { limits: { min_preserve_tokens: 16 } }, { messages });
    await session.truncate(30 + 9 * 25);
    const all = await session.messages();
    expect(all).toHaveLength(27);
    const read = async (query: string) => {
      const reply = await session.api.get<List<Session>>(`${session.path}/messages${query}`);
      expect(reply.headers.get('etag')).toBe('"2"');
      return reply.body;
    };
    expect((await read('')).data).toEqual(all.slice(0, 20));
    expect((await read('?order=desc')).data).toEqual(all.toReversed().slice(0, 20));
    for (const order of ['asc', 'desc']) {
      const seen: object[] = [];
      for (let after = ''; ; ) {
        const { data, has_more, last_id } = await read(`?limit=4&order=${order}${after}`);
        seen.push(...data);
        if (!has_more) break;
        after = `&after=${last_id}`;
      }
      expect(seen).toEqual(order === 'asc' ? all : all.toReversed());
    }
    expectRefusal(await session.api.get(`${session.path}/messages?after=msg_none`), 'message_not_found', 'after');
  });
});
