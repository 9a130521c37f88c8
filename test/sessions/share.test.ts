import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { TRANSPORTS } from '../support/emulator.ts';
import {
  createSession,
  expectRefusal,
  MovableClock,
  type SessionUnderTest,
  sized,
  startSession,
} from '../support/session.ts';

const limits = { min_preserve_tokens: 16 };
const MESSAGES = [sized(10, 'system'), sized(40), sized(30), sized(20)];
const OTHER = { key: 'sk-other' };

async function share(session: SessionUnderTest, snapshotId: string, body: object = {}): Promise<Snapshot> {
  const reply = await session.api.post<Snapshot>(`/v1/snapshots/${snapshotId}/share`, body);
  expect(reply.status, reply.text).toBe(200);
  return reply.body;
}

describe.each(TRANSPORTS)('a share %s', (transport) => {
  it('shows another account the snapshot, less what is its owner’s', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const { id } = (await session.snapshot({ preserve_len: 60, name: 'n', metadata: { secret: 's' } })).body;
    const shared = await share(session, id);
    expect(shared.share).toEqual({ share_id: expect.stringMatching(/^shr_[0-9a-f]{24}$/), expires_at: null });
    expect((await session.api.get(`/v1/snapshots/${id}`)).body).toEqual(shared);
    const { session_id, metadata, archived, ...shown } = shared;
    const seen = await session.api.get(`/v1/shares/${shared.share?.share_id}`, OTHER);
    expect(seen.status).toBe(200);
    expect(seen.body).toEqual(shown);
    expect(seen.text).not.toContain('secret');
    expect(seen.text).not.toContain(session_id);
    expect({ metadata, archived }).toMatchObject({ metadata: { secret: 's' }, archived: { messages: 4 } });
  });

  it('lets another account fork, and nothing else', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const { id } = (await session.snapshot()).body;
    const { share_id = '' } = (await share(session, id)).share ?? {};
    const fork = await createSession(session.api, { share_id }, OTHER.key);
    expect((await fork.show()).body).toMatchObject({ forked_from: { share_id }, usage: { total_tokens: 100 } });
    expect(await session.api.get('/v1/sessions', OTHER)).toMatchObject({ body: { data: [{ id: fork.id }] } });
    for (const path of [`/v1/snapshots/${id}`, `/v1/snapshots/${id}/messages`, `/v1/snapshots/${share_id}`]) {
      expectRefusal(await session.api.get(path, OTHER), 'snapshot_not_found', 'snapshot_id');
    }
    expectRefusal(await session.api.post(`/v1/snapshots/${id}/share`, {}, OTHER), 'snapshot_not_found', 'snapshot_id');
    expectRefusal(await session.api.delete(`/v1/snapshots/${id}/share`, OTHER), 'snapshot_not_found', 'snapshot_id');
    expectRefusal(await session.api.delete(`/v1/snapshots/${id}`, OTHER), 'snapshot_not_found', 'snapshot_id');
    expectRefusal(await fork.rollback(id), 'snapshot_not_found', 'snapshot_id');
    expect((await session.api.get(`/v1/shares/${share_id}/messages`, OTHER)).status).toBe(404);
  });

  it('gives at most what the snapshot restores', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const { id } = (await session.snapshot({ preserve_len: 60 })).body;
    const { share_id = '' } = (await share(session, id)).share ?? {};
    const sizes: number[] = [];
    for (const preserve_len of [undefined, 1_000, 60, 59, 30]) {
      const fork = await createSession(session.api, { share_id, preserve_len }, OTHER.key);
      sizes.push((await fork.show()).body.usage.total_tokens);
    }
    expect(sizes).toEqual([60, 60, 60, 30, 30]);
  });

  it('keeps its id and gets the new expiry when it is shared again', async () => {
    const clock = new MovableClock();
    const session = await startSession(transport, { limits, clock }, { messages: MESSAGES });
    const { id } = (await session.snapshot()).body;
    const first = (await share(session, id, { expires_in: 60 })).share;
    expect(first?.expires_at).toBe(1_795_334_460);
    clock.passSeconds(30);
    expect((await share(session, id, { expires_in: 60 })).share).toEqual({ ...first, expires_at: 1_795_334_490 });
    expect((await share(session, id, { expires_in: null })).share).toEqual({ ...first, expires_at: null });
  });

  it('ends when it expires, and can be renewed', async () => {
    const clock = new MovableClock();
    const session = await startSession(transport, { limits, clock }, { messages: MESSAGES });
    const { id } = (await session.snapshot()).body;
    const { share_id = '' } = (await share(session, id, { expires_in: 60 })).share ?? {};
    const see = () => session.api.get(`/v1/shares/${share_id}`, OTHER);
    clock.passSeconds(59);
    expect((await see()).status).toBe(200);
    const fork = await createSession(session.api, { share_id }, OTHER.key);
    clock.passSeconds(1);
    expectRefusal(await see(), 'share_not_found', 'share_id');
    expectRefusal(await session.api.post('/v1/sessions', { share_id }, OTHER), 'share_not_found', 'share_id');
    expect((await fork.append(sized(9))).status).toBe(200);
    await share(session, id, { expires_in: 1 });
    expect((await see()).status).toBe(200);
  });

  it.each(['unshared', 'its snapshot deleted'])('ends for good once it is %s; forks live on', async (how) => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const { id } = (await session.snapshot()).body;
    const { share_id = '' } = (await share(session, id)).share ?? {};
    const fork = await createSession(session.api, { share_id }, OTHER.key);
    const before = await fork.messages();
    const path = `/v1/snapshots/${id}`;
    const ended = await session.api.delete(how === 'unshared' ? `${path}/share` : path);
    expect(ended.status).toBe(200);
    if (how === 'unshared') {
      expect(ended.body).toMatchObject({ id, share: null });
      expectRefusal(await session.api.delete(`${path}/share`), 'share_not_found');
      expect((await share(session, id)).share?.share_id).not.toBe(share_id);
    }
    expectRefusal(await session.api.get(`/v1/shares/${share_id}`, OTHER), 'share_not_found', 'share_id');
    expectRefusal(await session.api.post('/v1/sessions', { share_id }, OTHER), 'share_not_found', 'share_id');
    expect(await fork.messages()).toEqual(before);
    expect((await fork.append(sized(9))).status).toBe(200);
  });

  it('outlives the session that was snapshotted', async () => {
    const session = await startSession(transport, { limits }, { messages: MESSAGES });
    const { id } = (await session.snapshot()).body;
    const { share_id = '' } = (await share(session, id)).share ?? {};
    await session.api.delete(session.path);
    const fork = await createSession(session.api, { share_id }, OTHER.key);
    expect(await fork.messages()).toHaveLength(4);
  });
});
