import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { HeldModel, saying } from '../support/held-model.ts';
import { createSession, expectRefusal, MovableClock, O200K, sized, startSession, words } from '../support/session.ts';
import { CHANGES } from './changes.ts';

const KEY = { 'Idempotency-Key': 'key-1' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

describe.each(TRANSPORTS)('an idempotency key %s', (transport) => {
  it.each(Object.entries(CHANGES))('of a %s gives the stored answer again, and no second effect', async (_, change) => {
    const facts = Array.from({ length: 12 }, (_, index) => sized(20 + index));
    const options = { model: saying('OK'), limits: { min_preserve_tokens: 16 } };
    const session = await startSession(transport, options, { messages: facts });
    const { api } = session;
    const message = (await session.messages())[3]?.id ?? '';
    const snapshot = (await session.snapshot()).body.id;
    if (_ === 'unshare') await api.post(`/v1/snapshots/${snapshot}/share`);
    const [method, path, body] = change({ session, snapshot, message });
    const send = () => api.send(method, path, body && JSON.stringify(body), { headers: { ...KEY, ...JSON_TYPE } });
    const all = async () => [
      (await api.get('/v1/sessions')).body,
      (await api.get('/v1/snapshots')).body,
      await session.state(),
    ];

    const first = await send();
    expect(first.status, first.text).toBeLessThan(300);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    const after = await all();
    for (let resend = 0; resend < 2; resend += 1) {
      const again = await send();
      expect(again.text).toBe(first.text);
      expect(again.status).toBe(first.status);
      expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
      expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'));
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      expect(again.headers.get('msh-request-id')).not.toBe(first.headers.get('msh-request-id'));
    }
    expect(await all()).toEqual(after);
  });

  it('is not used up by a refusal', async () => {
    const session = await startSession(transport, { limits: { append_tokens: 16 } });
    expectRefusal(await session.append(sized(17), KEY), 'append_too_large', 'messages');
    expectRefusal(
      await session.append({ role: 'tool', tool_call_id: 'x', content: 'y' }, KEY),
      'tool_result_orphan',
      'messages[0].tool_call_id',
    );
    const written = await session.append(sized(16), KEY);
    expect(written.status).toBe(200);
    expect(written.headers.get('idempotent-replayed')).toBeNull();
    expect(await session.messages()).toHaveLength(1);
  });

  it('of another request is a mismatch: other bytes, other route, other session, and nothing happens', async () => {
    const session = await startSession(transport);
    const other = await createSession(session.api);
    await session.append({ role: 'user', content: 'one' }, KEY);
    const before = [await session.state(), await other.state()];
    const replies = [
      await session.append({ role: 'user', content: 'two' }, KEY),
      await session.api.send('POST', `${session.path}/messages`, '{"role":"user", "content":"one"}', {
        headers: { ...KEY, ...JSON_TYPE },
      }),
      await other.append({ role: 'user', content: 'one' }, KEY),
      await session.post('', { role: 'user', content: 'one' }, KEY),
      await session.api.delete(session.path, { headers: KEY }),
    ];
    for (const reply of replies) {
      expectRefusal(reply, 'idempotency_mismatch');
      expect(reply.headers.get('retry-after')).toBeNull();
    }
    expect([await session.state(), await other.state()]).toEqual(before);
  });

  it('of another method on the same path is a mismatch, where neither has a body', async () => {
    const session = await startSession(transport, {}, { messages: [sized(9)] });
    const { api } = session;
    const share = `/v1/snapshots/${(await session.snapshot()).body.id}/share`;
    const send = (method: string, key: string) =>
      api.send<Snapshot>(method, share, undefined, { headers: { 'Idempotency-Key': key } });
    const { share_id } = (await send('POST', 'key-1')).body.share ?? {};
    expectRefusal(await send('DELETE', 'key-1'), 'idempotency_mismatch');
    expect((await api.get(`/v1/shares/${share_id}`)).status).toBe(200);
    expect((await send('DELETE', 'key-2')).status).toBe(200);
    expectRefusal(await send('POST', 'key-2'), 'idempotency_mismatch');
    expect((await api.get(`/v1/shares/${share_id}`)).status).toBe(404);
  });

  it('belongs to its account', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    const one = await api.post('/v1/sessions', {}, { key: 'one', headers: KEY });
    const two = await api.post('/v1/sessions', {}, { key: 'two', headers: KEY });
    expect(two.headers.get('idempotent-replayed')).toBeNull();
    expect(two.body.id).not.toBe(one.body.id);
  });

  it('whose request still runs is refused for now, even where the session is busy', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const first = session.chat([sized(5)], {}, { headers: KEY });
    const asked = await model.asked();
    const meanwhile = await session.chat([sized(5)], {}, { headers: KEY });
    expectRefusal(meanwhile, 'request_in_progress');
    expect(Number(meanwhile.headers.get('retry-after'))).toBeGreaterThan(0);
    expectRefusal(await session.append(sized(5)), 'session_busy');
    asked.say('OK');
    asked.end();
    expect((await first).status).toBe(200);
    const again = await session.chat([sized(5)], {}, { headers: KEY });
    expect(again.text).toBe((await first).text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  it('replays before version, busy and existence are looked at', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const headers = { ...KEY, 'If-Match': '"1"' };
    const first = await session.append(sized(5), headers);
    expect(first.status).toBe(200);
    const turn = session.chat([sized(5)]);
    const asked = await model.asked();
    expect((await session.append(sized(5), headers)).text).toBe(first.text);
    asked.say('OK');
    asked.end();
    await turn;
    expect((await session.append(sized(5), headers)).text).toBe(first.text);
    await session.api.delete(session.path);
    expect((await session.append(sized(5), headers)).text).toBe(first.text);
  });

  it('is forgotten after idempotency_seconds, and not before', async () => {
    const clock = new MovableClock();
    const session = await startSession(transport, { clock });
    const first = await session.append(sized(5), KEY);
    clock.passSeconds(24 * 3_600 - 1);
    expect((await session.append(sized(5), KEY)).text).toBe(first.text);
    clock.passSeconds(1);
    const later = await session.append(sized(5), KEY);
    expect(later.headers.get('idempotent-replayed')).toBeNull();
    expect(await session.messages()).toHaveLength(2);
  });

  it.each(['', 'k'.repeat(256)])('has 1 to 255 characters', async (key) => {
    const session = await startSession(transport);
    const reply = await session.append(sized(5), { 'Idempotency-Key': key });
    expectRefusal(reply, 'invalid_request', 'Idempotency-Key');
    expect((await session.append(sized(5), { 'Idempotency-Key': 'k'.repeat(255) })).status).toBe(200);
  });

  it('survives a restart', async ({ onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), 'kimi-emulator-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const db = join(folder, 'state.db');
    const session = await startSession(transport, { database: db });
    const body = { role: 'user' as const, content: words(3) };
    const first = await session.append(body, KEY);
    await session.api.emulator.close();
    const api = await startEmulator(transport, { database: db, tokenizer: O200K });
    const again = await api.post(`${session.path}/messages`, body, { headers: KEY });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.text).toBe(first.text);
    expect((await api.get(`${session.path}/messages`)).body.data).toHaveLength(1);
  });
});
