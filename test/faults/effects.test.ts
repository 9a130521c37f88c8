import Database from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import type { FaultSpec } from '../../emulator/index.ts';
import { TRANSPORTS } from '../support/emulator.ts';
import { expectRefusal, MovableClock, type SessionUnderTest, sized } from '../support/session.ts';
import { openChat, openJson, outcomeOf, RESET, startFaulty } from './faulty.ts';

const append = (session: SessionUnderTest) => session.append({ role: 'user', content: 'a line' });

/** Every change of a session, by a request that would succeed. */
const CHANGES: [name: string, change: (session: SessionUnderTest) => Promise<{ status: number }>][] = [
  ['append', append],
  ['title', (session) => session.post('', { title: 'x' })],
  ['chat', (session) => session.chat([{ role: 'user', content: 'hi' }])],
  ['truncate', (session) => session.truncate(8_000)],
  ['delete', (session) => session.api.delete(session.path)],
];

describe.each(TRANSPORTS)('a fault, %s', (transport) => {
  async function start(spec: FaultSpec) {
    const session = await startFaulty(transport);
    const before = await session.state();
    const handle = session.api.emulator.faults.add(spec);
    return { session, api: session.api, before, handle };
  }

  it('reset drops the connection before anything is done', async () => {
    const { session, before, handle } = await start({ effect: 'reset' });
    const { status, failed } = await outcomeOf(openJson(session.api, `${session.path}/messages`, sized(20)));
    expect([status, failed, handle.remaining]).toEqual([undefined, RESET, 0]);
    expect(await session.state()).toEqual(before);
    expect((await append(session)).status).toBe(200);
  });

  it('lose_answer lets it take effect and drops the connection; the same key finds the answer', async () => {
    const { session, handle } = await start({ effect: 'lose_answer' });
    const send = () =>
      openJson(session.api, `${session.path}/messages`, sized(20), { headers: { 'Idempotency-Key': 'k' } });
    expect((await outcomeOf(send())).failed).toBe(RESET);
    expect(handle.remaining).toBe(0);
    expect(await session.messages()).toHaveLength(2);
    const again = await send();
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
    expect(await session.messages()).toHaveLength(2);
  });

  it('lose_answer applies only to requests that took effect: a refusal arrives', async () => {
    const { session, handle } = await start({ effect: 'lose_answer' });
    expectRefusal(await session.truncate(1), 'preserve_len_too_small', 'preserve_len');
    expect(handle.remaining).toBe(1);
  });

  it.each(CHANGES)('session_busy refuses so many calls: %s', async (_, change) => {
    const { session, before, handle } = await start({ effect: 'session_busy', times: 2 });
    for (const left of [1, 0]) {
      expect((await change(session)).status).toBe(409);
      expect(handle.remaining).toBe(left);
    }
    expect(await session.state()).toEqual(before);
    expect((await change(session)).status).toBe(200);
  });

  it('session_busy lets reads pass, and has the text of the real error', async () => {
    const { session, handle } = await start({ effect: 'session_busy' });
    await session.snapshot();
    await session.show();
    expect(handle.remaining).toBe(1);
    const { message } = expectRefusal(await append(session), 'session_busy');
    expect(message).toBe(`The session ${session.id} is busy with another request, please try again later`);
  });

  it('snapshot_expired answers 404 for a snapshot, on every route that names one, and keeps it', async () => {
    const { session, api, handle } = await start({ effect: 'snapshot_expired', times: 4 });
    const { body: snapshot } = await session.snapshot();
    const before = await session.state();
    const path = `/v1/snapshots/${snapshot.id}`;
    const refused = [
      await session.rollback(snapshot.id),
      await api.post('/v1/sessions', { snapshot_id: snapshot.id }),
      await api.get(path),
      await api.get(`${path}/messages`),
    ];
    for (const reply of refused) {
      const { message } = expectRefusal(reply, 'snapshot_not_found', 'snapshot_id');
      expect(message).toBe(`Not found the snapshot ${snapshot.id}`);
    }
    expect(handle.remaining).toBe(0);
    expect(await session.state()).toEqual(before);
    expect((await session.rollback(snapshot.id)).status).toBe(200);
  });

  it('compress_fails fails after the summary is made, and changes nothing', async () => {
    const { session } = await start({ effect: 'compress_fails' });
    await session.append(sized(2_000));
    const before = await session.state();
    expectRefusal(await session.compress({ ratio: 4 }), 'unexpected_output');
    expect(await session.state()).toEqual(before);
    expect((await session.compress({ ratio: 4 })).status).toBe(200);
  });

  it('compress_fails waits for a compression that makes a summary', async () => {
    const { session, handle } = await start({ effect: 'compress_fails' });
    expect((await session.compress()).body).toMatchObject({ ratio: { achieved: 1 } });
    expect(handle.remaining).toBe(1);
  });

  it.each(CHANGES)('disk_full leaves everything as it was: %s', async (_, change) => {
    const { session, before, handle } = await start({ effect: 'disk_full' });
    expect((await change(session)).status).toBe(500);
    expect(handle.remaining).toBe(0);
    expect(await session.state()).toEqual(before);
    expect((await change(session)).status).toBe(200);
  });

  it('disk_full answers like a full disk, and uses up no idempotency key', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    let full = false;
    let asked = 0;
    const time = new MovableClock();
    const now = () => {
      // First asked for when the request comes in, then in the transaction, where the database itself would fail.
      if (full && ++asked > 1) throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
      return time.now();
    };
    const session = await startFaulty(transport, { clock: { now }, journal: { entries: 0 } });
    full = true;
    const real = await append(session);
    full = false;
    session.api.emulator.faults.add({ effect: 'disk_full' });
    const keyed = { 'Idempotency-Key': 'k' };
    const faked = await session.append({ role: 'user', content: 'a line' }, keyed);
    expect([faked.status, faked.text]).toEqual([real.status, real.text]);
    const namesOf = (headers: Headers) => [...headers.keys()].sort();
    expect(namesOf(faked.headers)).toEqual(namesOf(real.headers));
    const again = await session.append({ role: 'user', content: 'a line' }, keyed);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, null]);
    logged.mockRestore();
  });

  it('window_pressure fails one call of too many new tokens, and lets smaller ones pass', async () => {
    const { session, before, api, handle } = await start({ effect: 'window_pressure', max_new_tokens: 100, times: 3 });
    expect((await session.append(sized(100))).status).toBe(200);
    expectRefusal(await session.append(sized(101)), 'unexpected_output');
    expectRefusal(await session.chat([sized(101)]), 'unexpected_output');
    expect((await openChat(api, { messages: [sized(101)] })).status).toBe(500);
    expect(handle.remaining).toBe(0);
    expect((await session.show()).body).toMatchObject({ version: Number(before.body.version) + 1 });
    expect((await session.append(sized(101))).status).toBe(200);
  });
});
