import { describe, expect, it } from 'vitest';
import type { Session } from '../../contract/sessions.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { furnish } from './files.ts';
import { readable } from './readable.ts';

const KEYS = ['sk-test', 'sk-other'];
const note = { role: 'user', content: 'A note.' };

describe.each(TRANSPORTS)('a reset %s', (transport) => {
  it('forgets everything where nothing was kept', async () => {
    const api = await startEmulator(transport);
    await furnish(api);
    expect((await api.post('/_emulator/reset')).body).toEqual({ reset: true });
    expect(await readable(api, KEYS)).toEqual({ ...nothing('sk-test'), ...nothing('sk-other') });
  });

  it('returns to what was kept, whatever was done since, and as often as it is asked', async () => {
    const api = await startEmulator(transport);
    const { session, snapshot, share } = await furnish(api);
    const untouched = await api.post<Session>('/v1/sessions', { messages: [note] }, { key: 'sk-other' });
    await api.post('/_emulator/baseline');
    const kept = await readable(api, KEYS);
    for (const round of [1, 2, 3]) {
      await api.post(`/v1/sessions/${session}/messages`, { ...note, content: `Round ${round}.` });
      await api.post(`/v1/sessions/${session}/compress`, { ratio: 2 });
      await api.post('/v1/sessions', { share_id: share }, { key: 'sk-other' });
      await api.delete(`/v1/snapshots/${snapshot}/share`);
      if (round === 2) await api.delete(`/v1/snapshots/${snapshot}`);
      if (round === 3) await api.delete(`/v1/sessions/${session}`);
      expect(await readable(api, KEYS)).not.toEqual(kept);
      await api.post('/_emulator/reset');
      expect(await readable(api, KEYS)).toEqual(kept);
    }
    const { body } = await api.get<Session>(`/v1/sessions/${untouched.body.id}`, { key: 'sk-other' });
    expect(body.version).toBe(1);
  });

  it('forgets what requests with a key were answered, as keeping does', async () => {
    const api = await startEmulator(transport);
    const call = { headers: { 'Idempotency-Key': 'once' } };
    const first = await api.post<Session>('/v1/sessions', {}, call);
    const seen = [first.body.id];
    for (const change of ['baseline', 'reset', 'reset']) {
      await api.post(`/_emulator/${change}`);
      const reply = await api.post<Session>('/v1/sessions', { title: change }, call);
      expect(reply.status).toBe(201);
      expect(seen).not.toContain(reply.body.id);
      seen.push(reply.body.id);
    }
  });
});

describe('a reset', () => {
  it('gives every test the same ids and time, and no id of the baseline', async () => {
    const api = await startEmulator('in process', { seed: 7 });
    const { session } = await furnish(api);
    api.emulator.clock.advance(5_000);
    api.emulator.state.saveBaseline();
    const run = async () => {
      const { body } = await api.post<Session>('/v1/sessions', { messages: [note] });
      const written = await api.post(`/v1/sessions/${session}/messages`, note);
      api.emulator.clock.advance(60_000);
      return [body, written.text, (await api.get('/v1/sessions')).text];
    };
    const first = await run();
    api.emulator.state.reset();
    expect(await run()).toEqual(first);
    expect((first[0] as Session).created_at).toBe(Date.UTC(2026, 10, 30) / 1_000 + 5);
  });

  it('keeps on returning to a window behind a hundred branches', async () => {
    const api = await startEmulator('in process', { limits: { snapshots: 200 } });
    const { body } = await api.post<Session>('/v1/sessions', { messages: [note] });
    for (let round = 0; round < 100; round += 1) {
      const taken = await api.post<{ id: string }>(`/v1/sessions/${body.id}/snapshots`);
      await api.post(`/v1/sessions/${body.id}/rollback`, { snapshot_id: taken.body.id });
      await api.post(`/v1/sessions/${body.id}/messages`, { ...note, content: `Round ${round}.` });
      api.emulator.state.saveBaseline();
      if (round % 20 !== 19) continue;
      const kept = await api.get(`/v1/sessions/${body.id}/messages?limit=100`);
      await api.post(`/v1/sessions/${body.id}/messages`, note);
      api.emulator.state.reset();
      expect((await api.get(`/v1/sessions/${body.id}/messages?limit=100`)).text).toBe(kept.text);
    }
  });
});

function nothing(key: string): object {
  return { [`${key} /v1/sessions`]: [], [`${key} /v1/snapshots`]: [] };
}
