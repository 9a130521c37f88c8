import { describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/emulator.ts';
import {
  called,
  createSession,
  expectRefusal,
  MovableClock,
  result,
  sized,
  startSession,
  tool,
} from '../support/session.ts';

const limits = { min_preserve_tokens: 16 };
const MESSAGES = [sized(10, 'system'), sized(40), { ...sized(15), pinned: true }, sized(30), sized(20)];

describe.each(TRANSPORTS)('rollback %s', (transport) => {
  it('brings back messages, pins and tools, and not title, metadata and model', async () => {
    const clock = new MovableClock();
    const first = { messages: MESSAGES, tools: [tool('look')], title: 'first', metadata: { a: '1' } };
    const session = await startSession(transport, { limits, clock }, first);
    const before = await session.messages();
    const { usage, tools } = (await session.show()).body;
    const { id } = (await session.snapshot()).body;
    await session.truncate(16 + usage.tools_tokens + 25);
    await session.append({ messages: [called('a'), result('a')] });
    await session.post('', { title: 'second', metadata: { b: '2' }, tools: [tool('other'), tool('more')] });
    const { version } = (await session.show()).body;
    clock.passSeconds(60);
    const { status, body, headers } = await session.rollback(id);
    expect(status).toBe(200);
    expect(body).toMatchObject({ usage, tools, version: version + 1, title: 'second', metadata: { b: '2' } });
    expect(body.updated_at).toBe(1_795_334_460);
    expect(headers.get('etag')).toBe(`"${version + 1}"`);
    expect(body).toEqual((await session.show()).body);
    expect(await session.messages()).toEqual(before);
  });

  it('keeps the snapshot, and can be done again and undone', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const { id } = (await session.snapshot()).body;
    await session.append(sized(9));
    const later = (await session.snapshot()).body;
    const laterMessages = await session.messages();
    for (let time = 0; time < 3; time += 1) expect((await session.rollback(id)).status).toBe(200);
    await session.rollback(later.id);
    expect(await session.messages()).toEqual(laterMessages);
    expect((await session.show()).body.version).toBe(6);
    expect((await session.api.get(`/v1/snapshots/${id}`)).status).toBe(200);
  });

  it('of a snapshot with preserve_len is truncate; a preserve_len of its own, or all of it, can be asked for', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const all = await session.messages();
    const twin = await createSession(session.api, { messages: MESSAGES });
    const sizes = async (preserveLen: number) => {
      await twin.rollback(whole.id);
      await twin.truncate(preserveLen);
      return (await twin.messages()).map(({ tokens, truncated, pinned }) => ({ tokens, truncated, pinned }));
    };
    const whole = (await twin.snapshot()).body;
    const { id } = (await session.snapshot({ preserve_len: 75 })).body;
    await session.rollback(id);
    expect(await session.messages()).toMatchObject(await sizes(75));
    for (const preserve_len of [30, 46, 100, 115]) {
      await session.rollback(id, { preserve_len });
      const expected = await sizes(preserve_len);
      expect(await session.messages(), String(preserve_len)).toHaveLength(expected.length);
      expect(await session.messages()).toMatchObject(expected);
    }
    await session.rollback(id, { preserve_len: 'all' });
    expect(await session.messages()).toEqual(all);
    expectRefusal(await session.rollback(id, { preserve_len: 'most' }), 'invalid_request', 'preserve_len');
    const { message } = expectRefusal(
      await session.rollback(id, { preserve_len: 24 }),
      'preserve_len_too_small',
      'preserve_len',
    );
    expect(message).toContain('30');
  });

  it('takes snapshots of this session only', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const own = (await session.snapshot()).body.id;
    const sibling = await createSession(session.api, { snapshot_id: own });
    const theirs = (await sibling.snapshot()).body.id;
    const otherAccount = await createSession(session.api, { messages: MESSAGES }, 'sk-other');
    const foreign = (await otherAccount.snapshot()).body.id;
    const before = await session.state();
    const { message } = expectRefusal(await session.rollback(theirs), 'snapshot_mismatch', 'snapshot_id');
    expect(message).toContain('fork');
    expectRefusal(await sibling.rollback(own), 'snapshot_mismatch', 'snapshot_id');
    for (const id of [foreign, 'snap_none', session.id]) {
      expectRefusal(await session.rollback(id), 'snapshot_not_found', 'snapshot_id');
    }
    expectRefusal(await session.post('/rollback', {}), 'invalid_request', 'snapshot_id');
    expect(await session.state()).toEqual(before);
  });

  it('to a state with open calls leaves them open', async () => {
    const session = await startSession(transport, { limits }, { messages: [called('a')] });
    const { id } = (await session.snapshot()).body;
    await session.append({ messages: [result('a'), sized(9)] });
    await session.rollback(id);
    expectRefusal(await session.append(sized(9)), 'tool_call_unanswered', 'messages[0]');
    expect((await session.append(result('a'))).status).toBe(200);
  });
});

describe.each(TRANSPORTS)('a fork %s', (transport) => {
  it('is a new session that begins where the snapshot stands', async () => {
    const first = {
      messages: MESSAGES,
      tools: [tool('look')],
      title: 'first',
      metadata: { a: '1' },
      model: 'kimi-k2-0905',
    };
    const session = await startSession(transport, { limits }, first);
    const snapshot = (await session.snapshot()).body;
    await session.truncate(16 + 200);
    const fork = await createSession(session.api, { snapshot_id: snapshot.id, title: 'second', metadata: { b: '2' } });
    const { body } = await fork.show();
    expect(body).toMatchObject({
      model: 'kimi-k2-0905',
      title: 'second',
      metadata: { b: '2' },
      tools: first.tools,
      version: 1,
      forked_from: { snapshot_id: snapshot.id },
      usage: snapshot.usage,
    });
    const messages = await fork.messages();
    expect(messages.map(({ id }) => id)).toEqual((await session.messages()).map(({ id }) => id));
    expect(messages.every(({ session_id }) => session_id === fork.id)).toBe(true);
    const bare = await createSession(session.api, { snapshot_id: snapshot.id });
    expect((await bare.show()).body).toMatchObject({ title: null, metadata: {} });
  });

  it('shares nothing that can change with its source', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES, tools: [tool('look')] });
    const { id } = (await session.snapshot()).body;
    const fork = await createSession(session.api, { snapshot_id: id });
    const [source, copy] = [await session.state(), await fork.state()];
    await fork.append(sized(9));
    await fork.post(`/messages/${(await fork.messages())[1]?.id}`, { pinned: true });
    await fork.truncate(150);
    await fork.post('', { tools: [], title: 'x' });
    expect(await session.state()).toEqual(source);
    const again = await createSession(session.api, { snapshot_id: id });
    await session.append(sized(9));
    await session.compress({ ratio: 1.1 });
    await session.api.delete(session.path);
    expect({ ...(await again.state()), body: {} }).toMatchObject({
      messages: copy.messages?.map(({ id: same }) => ({ id: same })),
    });
    await fork.api.delete(fork.path);
    expect(await again.messages()).toHaveLength(MESSAGES.length);
  });

  it('may take less or more of the archive, by preserve_len', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const { id } = (await session.snapshot({ preserve_len: 75 })).body;
    const sizes: number[] = [];
    for (const preserve_len of [45, 75, 115]) {
      const fork = await createSession(session.api, { snapshot_id: id, preserve_len });
      sizes.push((await fork.show()).body.usage.total_tokens);
    }
    expect(sizes).toEqual([45, 75, 115]);
    const tooSmall = await session.api.post('/v1/sessions', { snapshot_id: id, preserve_len: 25 });
    expectRefusal(tooSmall, 'preserve_len_too_small', 'preserve_len');
  });
});
