import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { TRANSPORTS } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import {
  called,
  createSession,
  everyItem,
  expectRefusal,
  MovableClock,
  result,
  sized,
  startSession,
  tool,
} from '../support/session.ts';

const limits = { min_preserve_tokens: 16, page_size_max: 100 };
const MESSAGES = [sized(10, 'system'), sized(40), sized(30), sized(20)];

describe.each(TRANSPORTS)('a snapshot %s', (transport) => {
  it('archives the whole window, and says what it restores', async () => {
    const clock = new MovableClock();
    const session = await startSession(transport, { limits, clock }, { messages: MESSAGES, tools: [tool('look')] });
    const { tools_tokens } = (await session.show()).body.usage;
    clock.passSeconds(9);
    const body = { preserve_len: tools_tokens + 60, name: 'before the cut', metadata: { run: '7' } };
    const { status, body: snapshot, headers } = await session.snapshot(body);
    expect(status).toBe(201);
    expect(headers.get('etag')).toBe('"1"');
    expect(snapshot).toEqual({
      id: expect.stringMatching(/^snap_[0-9a-f]{24}$/),
      snapshot_id: snapshot.id,
      object: 'session.snapshot',
      session_id: session.id,
      name: 'before the cut',
      metadata: { run: '7' },
      preserve_len: tools_tokens + 60,
      usage: { total_tokens: tools_tokens + 60, tools_tokens, messages: 3 },
      archived: { total_tokens: tools_tokens + 100, messages: 4 },
      created_at: 1_795_334_409,
      share: null,
    });
    expect((await session.api.get(`/v1/snapshots/${snapshot.id}`)).body).toEqual(snapshot);
    const plain = (await session.snapshot()).body;
    expect(plain).toMatchObject({ name: null, metadata: {}, preserve_len: null });
    expect(plain.usage).toEqual({ total_tokens: tools_tokens + 100, tools_tokens, messages: 4 });
  });

  it('lists its messages: what it restores, what it archives', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const all = await session.messages();
    const { id } = (await session.snapshot({ preserve_len: 60 })).body;
    await session.truncate(16);
    await session.append(sized(50));
    const path = `/v1/snapshots/${id}/messages`;
    expect(await everyItem(session.api, path)).toEqual([all[0], all[2], all[3]]);
    expect(await everyItem(session.api, `${path}?scope=restored`)).toEqual([all[0], all[2], all[3]]);
    expect(await everyItem(session.api, `${path}?scope=archived`)).toEqual(all);
    expect(await everyItem(session.api, `${path}?scope=archived&order=desc`)).toEqual(all.toReversed());
    expectRefusal(await session.api.get(`${path}?scope=all`), 'invalid_request', 'scope');
    const outside = `${path}?after=${all[1]?.id}`;
    expectRefusal(await session.api.get(outside), 'message_not_found', 'after');
  });

  it('restores what truncate would keep, cut texts included', async () => {
    const session = await startSession(transport, { limits }, { messages: [sized(40), sized(90)] });
    const { id } = (await session.snapshot({ preserve_len: 30 })).body;
    const restored = await everyItem(session.api, `/v1/snapshots/${id}/messages`);
    await session.truncate(30);
    expect(restored).toEqual(await session.messages());
    expect(restored).toMatchObject([{ truncated: true, tokens: 30 }]);
  });

  it('is immutable: nothing that is done to the session shows in it', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES, tools: [tool('look')] });
    const { id } = (await session.snapshot({ preserve_len: 100 })).body;
    const see = async () => [
      (await session.api.get(`/v1/snapshots/${id}`)).body,
      (await session.api.get(`/v1/snapshots/${id}/messages?scope=archived`)).body,
      (await session.api.get(`/v1/snapshots/${id}/messages`)).body,
    ];
    const before = await see();
    await session.append({ messages: [called('a'), result('a')] });
    await session.post('', { tools: [], title: 'other', metadata: { a: 'b' } });
    await session.post(`/messages/${(await session.messages())[1]?.id}`, { pinned: true });
    await session.truncate(60);
    await session.rollback(id);
    await session.api.delete(session.path);
    expect(await see()).toEqual(before);
  });

  it('can be taken while the session is busy, of the state before', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { limits, model }, { messages: MESSAGES });
    const before = await session.messages();
    const turn = session.chat([sized(9)]);
    const asked = await model.asked();
    const { status, body } = await session.snapshot();
    expect(status).toBe(201);
    asked.say('OK');
    asked.end();
    await turn;
    expect(await everyItem(session.api, `/v1/snapshots/${body.id}/messages`)).toEqual(before);
  });

  it('outlives its session, and is the account’s', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const other = await createSession(session.api, { messages: [sized(9)] });
    const ids = [];
    for (const of of [session, other, session]) ids.push((await of.snapshot()).body.id);
    const listed = async (path: string) => (await everyItem<Snapshot>(session.api, path)).map(({ id }) => id);
    expect(await listed('/v1/snapshots')).toEqual(ids.toReversed());
    expect(await listed(`${session.path}/snapshots`)).toEqual([ids[2], ids[0]]);
    await session.api.delete(session.path);
    expect(await listed('/v1/snapshots')).toEqual(ids.toReversed());
    expectRefusal(await session.api.get(`${session.path}/snapshots`), 'session_not_found');
    expect((await session.api.post('/v1/sessions', { snapshot_id: ids[0] })).status).toBe(201);
  });

  it('can be deleted, once, and forks of it live on', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const { id } = (await session.snapshot()).body;
    const forked = await createSession(session.api, { snapshot_id: id });
    const before = await forked.state();
    const path = `/v1/snapshots/${id}`;
    const deleted = await session.api.delete(path);
    expect(deleted.body).toEqual({ id, object: 'session.snapshot.deleted', deleted: true });
    for (const gone of [
      await session.api.get(path),
      await session.api.delete(path),
      await session.api.get(`${path}/messages`),
    ]) {
      expectRefusal(gone, 'snapshot_not_found', 'snapshot_id');
    }
    expectRefusal(await session.rollback(id), 'snapshot_not_found', 'snapshot_id');
    expect(await forked.state()).toEqual(before);
    expect((await forked.append(sized(9))).status).toBe(200);
  });

  it('finds messages by their words, newest first, whatever their case', async () => {
    const texts = ['The Order 66 was sent', 'nothing here', 'ORDER of 66 days', 'order 67', '订单 66 order'];
    const messages = texts.map((content) => ({ role: 'user', content }));
    const session = await startSession(transport, { limits }, { messages: [...messages, called('x'), result('x')] });
    const { id } = (await session.snapshot({ preserve_len: 40 })).body;
    const find = async (query: string, more = '') => {
      const path = `/v1/snapshots/${id}/messages?query=${encodeURIComponent(query)}${more}`;
      return (await everyItem<{ id: string; content: string }>(session.api, path)).map(({ content }) => content);
    };
    expect(await find('order 66', '&scope=archived')).toEqual([texts[4], texts[2], texts[0]]);
    expect(await find('66  ORDER', '&scope=archived&order=asc')).toEqual([texts[0], texts[2], texts[4]]);
    expect(await find('look', '&scope=archived')).toEqual([null]);
    expect(await find('订单', '&scope=archived')).toEqual([texts[4]]);
    expect(await find('absent', '&scope=archived')).toEqual([]);
    expect((await find('order')).length).toBeLessThan((await find('order', '&scope=archived')).length);
    const page = `/v1/snapshots/${id}/messages?query=order&scope=archived&limit=2`;
    expect((await session.api.get(page)).body).toMatchObject({ has_more: true });
  });
});
