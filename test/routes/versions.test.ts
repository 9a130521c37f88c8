import { describe, expect, it } from 'vitest';
import type { InputMessage } from '../../contract/messages.ts';
import { type Reply, TRANSPORTS } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';
import {
  called,
  createSession,
  expectRefusal,
  type SessionUnderTest,
  sized,
  startSession,
  tool,
} from '../support/session.ts';

const options = { model: saying('OK'), limits: { min_preserve_tokens: 16 } };
const MESSAGES: InputMessage[] = Array.from({ length: 12 }, (_, index) => sized(20 + index));

type Headers = Record<string, string>;
type Step = (session: SessionUnderTest, headers?: Headers) => Promise<Reply<unknown>>;

async function firstMessage(session: SessionUnderTest): Promise<string> {
  return (await session.messages())[0]?.id ?? '';
}

const EFFECTIVE: Record<string, Step> = {
  append: (session, headers) => session.append(sized(5), headers),
  'append of several': (session, headers) => session.append({ messages: [sized(5), sized(6)] }, headers),
  title: (session, headers) => session.post('', { title: 'new' }, headers),
  metadata: (session, headers) => session.post('', { metadata: { a: 'b' } }, headers),
  tools: (session, headers) => session.post('', { tools: [tool('look')] }, headers),
  'all of them': (session, headers) =>
    session.post('', { title: 'n', metadata: { a: 'b' }, tools: [tool('look')] }, headers),
  pin: async (session, headers) => session.post(`/messages/${await firstMessage(session)}`, { pinned: true }, headers),
  truncate: (session, headers) => session.post('/truncate', { preserve_len: 64 }, headers),
  'truncate inside a message': (session, headers) => session.post('/truncate', { preserve_len: 16 }, headers),
  compress: (session, headers) => session.post('/compress', { ratio: 2 }, headers),
  rollback: async (session, headers) =>
    session.post('/rollback', { snapshot_id: (await session.snapshot()).body.id }, headers),
  chat: (session, headers) => session.chat([sized(5)], {}, headers ? { headers } : {}),
  'streamed chat': (session, headers) => session.chat([sized(5)], { stream: true }, headers ? { headers } : {}),
};

const IDLE: Record<string, Step> = {
  'the same title': (session) => session.post('', { title: null }),
  'no field': (session) => session.post('', {}),
  'the same tools': (session) => session.post('', { tools: [] }),
  'the same metadata': (session) => session.post('', { metadata: {} }),
  'metadata without pairs': (session) => session.post('', { metadata: null }),
  'a pin that is there': async (session) => session.post(`/messages/${await firstMessage(session)}`, { pinned: false }),
  'nothing to cut': (session) => session.truncate(100_000),
  'a truncate rehearsed': (session) => session.truncate(16, { dry_run: true }),
  'a compression rehearsed': (session) => session.compress({ ratio: 2, dry_run: true }),
  'a snapshot': (session) => session.snapshot(),
  'a snapshot that cuts': (session) => session.snapshot({ preserve_len: 16 }),
  'an empty stream of lines': (session) =>
    session.api.send('POST', `${session.path}/messages`, '\n', { headers: { 'Content-Type': 'application/x-ndjson' } }),
};

const REFUSED: Record<string, Step> = {
  'an orphan': (session) => session.append({ role: 'tool', tool_call_id: 'x', content: 'y' }),
  'a write too large': (session) => session.append(sized(9_000)),
  'a small preserve_len': (session) => session.truncate(15),
  'a snapshot of nowhere': (session) => session.rollback('snap_none'),
  'a pin of nothing': (session) => session.post('/messages/msg_none', { pinned: true }),
  'an infeasible ratio': (session) => session.compress({ ratio: 64 }),
  'a bad turn': (session) => session.chat([called('x')]),
};

async function version(session: SessionUnderTest): Promise<number> {
  const { body, headers } = await session.show();
  expect(headers.get('etag')).toBe(`"${body.version}"`);
  return body.version;
}

describe.each(TRANSPORTS)('the version of a session %s', (transport) => {
  it('begins at 1, with or without messages', async () => {
    expect(await version(await startSession(transport, options))).toBe(1);
    expect(await version(await startSession(transport, options, { messages: MESSAGES, tools: [tool('look')] }))).toBe(
      1,
    );
  });

  it.each(Object.entries(EFFECTIVE))('is asked for by If-Match, and steps once: %s', async (name, step) => {
    const session = await startSession(transport, options, { messages: MESSAGES });
    await session.append(sized(5));
    const before = (await session.show()).body;
    for (const stale of [1, 3]) {
      const reply = await step(session, { 'If-Match': `"${stale}"` });
      expectRefusal(reply, 'version_conflict');
      expect(reply.headers.get('retry-after')).toBeNull();
      expect((await session.show()).body).toEqual(before);
    }
    const reply = await step(session, { 'If-Match': '"2"' });
    expect(reply.status).toBe(200);
    expect(await version(session)).toBe(3);
    // The headers of a stream have left before its turn is over.
    if (name !== 'streamed chat') expect(reply.headers.get('etag')).toBe('"3"');
    expect((await step(session)).status).toBe(200);
  });

  it('stays where nothing changes', async () => {
    const { api } = await startSession(transport, options);
    for (const [name, step] of Object.entries(IDLE)) {
      const session = await createSession(api, { messages: MESSAGES });
      const before = (await session.show()).body;
      expect((await step(session)).status, name).toBeLessThan(300);
      expect((await session.show()).body, name).toEqual(before);
    }
  });

  it('stays with a refusal', async () => {
    const session = await startSession(transport, options, { messages: MESSAGES });
    const before = await session.state();
    for (const [name, step] of Object.entries(REFUSED)) {
      expect((await step(session)).status, name).toBeGreaterThanOrEqual(400);
      expect(await session.state(), name).toEqual(before);
    }
  });

  it('is looked at by snapshots and by deletion too', async () => {
    const session = await startSession(transport, options, { messages: MESSAGES });
    const headers = { 'If-Match': '"9"' };
    expectRefusal(await session.post('/snapshots', {}, headers), 'version_conflict');
    expectRefusal(await session.api.delete(session.path, { headers }), 'version_conflict');
    expect((await session.post('/snapshots', {}, { 'If-Match': '"1"' })).headers.get('etag')).toBe('"1"');
    expect((await session.api.delete(session.path, { headers: { 'If-Match': '"1"' } })).status).toBe(200);
  });

  it('is malformed where it is not a number in quotes', async () => {
    const session = await startSession(transport, options);
    for (const header of [
      '7',
      '""',
      '"a"',
      'W/"1"',
      '"1',
      '"-1"',
      '"1.0"',
      '"01"',
      '"1", "2"',
      '"99999999999999999999"',
    ]) {
      const headers = { 'If-Match': header };
      expectRefusal(await session.append(sized(5), headers), 'invalid_request', 'If-Match');
      expectRefusal(await session.api.delete(session.path, { headers }), 'invalid_request', 'If-Match');
      expectRefusal(await session.chat([sized(5)], {}, { headers }), 'invalid_request', 'If-Match');
    }
    expect(await version(session)).toBe(1);
  });

  it('may be any with *', async () => {
    const session = await startSession(transport, options);
    expect((await session.append(sized(5), { 'If-Match': '*' })).status).toBe(200);
  });
});
