import { describe, expect, it } from 'vitest';
import type { Session, SessionAppend } from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { whenIdle } from './clients.ts';

describe.each(TRANSPORTS)('while a turn runs %s', (transport) => {
  it('every change of its session is refused, and nothing else is', async () => {
    const model = new HeldModel();
    const api = await startEmulator(transport, { model });
    const { body: session } = await api.post<Session>('/v1/sessions', {});
    const path = `/v1/sessions/${session.id}`;
    const hello = { role: 'user', content: 'hello' };
    const { body: written } = await api.post<SessionAppend>(`${path}/messages`, hello);
    const { body: snapshot } = await api.post<Snapshot>(`${path}/snapshots`, {});
    const chat = { model: MODEL, session_id: session.id, messages: [hello], stream: true };
    const json = { 'Content-Type': 'application/json' };
    const turn = api.open('POST', '/v1/chat/completions', JSON.stringify(chat), { headers: json });
    const asked = await model.asked();

    const lines = { headers: { 'Content-Type': 'application/x-ndjson' } };
    const changes = [
      () => api.post(`${path}/messages`, hello),
      () => api.send('POST', `${path}/messages`, JSON.stringify(hello), lines),
      () => api.post(path, { title: 'other' }),
      () => api.post(`${path}/messages/${written.data[0]?.id}`, { pinned: true }),
      () => api.post(`${path}/truncate`, { preserve_len: 4_096 }),
      () => api.post(`${path}/rollback`, { snapshot_id: snapshot.id }),
      () => api.post(`${path}/compress`, {}),
      () => api.post('/v1/chat/completions', chat),
      () => api.delete(path),
    ];
    for (const change of changes) {
      const reply = await change();
      expect([reply.status, reply.body]).toMatchObject([409, { error: { code: 'session_busy' } }]);
    }
    const stale = await api.post(`${path}/messages`, hello, { headers: { 'If-Match': '"1"' } });
    expect(stale.body).toMatchObject({ error: { code: 'version_conflict' } });

    const others = [
      await api.get(path),
      await api.get(`${path}/messages`),
      await api.post(`${path}/snapshots`, {}),
      await api.get(`${path}/snapshots`),
      await api.post('/v1/sessions', { snapshot_id: snapshot.id }),
      await api.post(`/v1/snapshots/${snapshot.id}/share`, {}),
      await api.delete(`/v1/snapshots/${snapshot.id}`),
      await api.post('/v1/sessions', { messages: [hello] }),
    ];
    expect(others.map((reply) => reply.status)).toEqual([200, 200, 201, 200, 201, 200, 200, 201]);
    expect((await api.get<Session>(path)).body).toMatchObject({ version: 2, usage: { messages: 1 } });

    asked.say('At last.');
    asked.end();
    expect(await (await turn).text()).toContain('[DONE]');
    expect((await api.get<Session>(path)).body).toMatchObject({ version: 3, usage: { messages: 3 } });
    const { refusals } = await whenIdle(() => api.post(`${path}/messages`, hello));
    expect(refusals).toBe(0);
  });
});
