import { describe, expect, it } from 'vitest';
import type { Session } from '../../contract/sessions.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { O200K } from '../support/session.ts';
import { exported, furnish, stateOf } from './files.ts';
import { readable } from './readable.ts';

describe.each(TRANSPORTS)('an import %s', (transport) => {
  it('of one session brings its snapshots and shares, and nothing else', async () => {
    const { api, session, snapshot, share } = await exported();
    await api.post('/v1/sessions', { title: 'not asked for' });
    // On the system's time its share would have expired.
    const there = await startEmulator(transport, { seed: 'there' });
    const file = await api.get(`/_emulator/export?session=${session}`);
    const reply = await there.send('POST', '/_emulator/import', file.text, json);
    expect(reply).toMatchObject({ status: 201, body: { sessions: [session], snapshots: [snapshot] } });
    const listed = await there.get<{ data: Session[] }>('/v1/sessions');
    expect(listed.body.data).toEqual([(await api.get(`/v1/sessions/${session}`)).body]);
    expect((await there.get(`/v1/shares/${share}`, { key: 'sk-other' })).status).toBe(200);
    expect((await there.get(`/_emulator/export?session=${session}`)).text).toBe(file.text);
  });

  it("puts everything into a key's account where it is given one", async () => {
    const { file, session } = await exported();
    const there = await startEmulator(transport);
    await there.send('POST', '/_emulator/import?key=sk-mine', file, json);
    expect((await there.get(`/v1/sessions/${session}`, { key: 'sk-mine' })).status).toBe(200);
    expect((await there.get(`/v1/sessions/${session}`)).status).toBe(404);
  });

  it('that collides with what is here names it, and changes nothing', async () => {
    const { file, session, snapshot, share } = await exported();
    const there = await startEmulator(transport);
    await there.send('POST', '/_emulator/import', file, json);
    await there.post('/v1/sessions', {}, { key: 'sk-other' });
    const before = await readable(there, ['sk-test', 'sk-other']);
    const again = await there.send('POST', '/_emulator/import', file, json);
    expect(again).toMatchObject({
      status: 400,
      body: { error: { message: `Invalid request: ${session}, ${snapshot}, ${share} of the file already exist` } },
    });
    expect(await readable(there, ['sk-test', 'sk-other'])).toEqual(before);
  });

  it('is refused where it is not JSON or not a state file', async () => {
    const there = await startEmulator(transport);
    expect((await there.send('POST', '/_emulator/import', 'x', {})).status).toBe(400);
    expect((await there.post('/_emulator/import', { format: 'other' })).status).toBe(400);
    // A misspelt name must not export every account instead of one session.
    for (const query of ['sesion=sess_1', 'session=', 'session=sess_1&key=sk-mine']) {
      const refused = await there.get(`/_emulator/export?${query}`);
      expect(refused).toMatchObject({ status: 400, body: { error: { type: 'invalid_request_error' } } });
    }
    expect((await there.post('/_emulator/import?keys=sk-mine', {})).text).toContain('keys');
    expect((await there.get('/_emulator/export?session=sess_none')).body).toMatchObject({
      error: { message: 'Invalid request: there is no session sess_none' },
    });
  });
});

describe('an import', () => {
  it('refuses what was counted by another vocabulary', async () => {
    const { file } = await exported();
    const tokenizer = { name: 'another', exact: true, load: () => O200K.load() };
    const { emulator } = await startEmulator('in process', { tokenizer });
    await expect(emulator.state.import(file)).rejects.toThrow(
      "the file's tokens were counted with o200k_base, and this emulator counts with another (see --tokenizer)",
    );
  });

  it.each([{ window_tokens: 500 }, { sessions: 1 }, { snapshots: 1 }])('refuses what is over %o', async (limits) => {
    const { api } = await exported();
    await furnish(api);
    const there = await startEmulator('in process', {
      limits: { append_tokens: 400, min_preserve_tokens: 64, ...limits },
    });
    await expect(there.emulator.state.import(await api.emulator.state.export())).rejects.toThrow(
      `(${Object.keys(limits)[0]}; see`,
    );
    expect((await there.get('/v1/sessions')).body.data).toEqual([]);
  });

  it('replays what was reported: the session and the request give the same refusal', async () => {
    const { api, session } = await exported();
    const request = [`/v1/sessions/${session}/truncate`, { preserve_len: 4_096 }] as const;
    await api.post(`/v1/sessions/${session}/messages`, { role: 'user', content: 'x '.repeat(7_000), pinned: true });
    const refused = await api.post(...request);
    expect(refused.status).toBe(400);
    const there = await startEmulator('in process');
    await there.emulator.state.import(await api.emulator.state.export({ session }));
    const again = await there.post(...request);
    expect([again.status, again.text]).toEqual([refused.status, refused.text]);
  });

  it('issues ids of its own behind those of a file from the same seed, the same in every run', async () => {
    const { file } = await exported();
    const made = await Promise.all(
      [1, 2].map(async () => {
        const there = await startEmulator('in process', { seed: 'files' });
        await there.emulator.state.import(file);
        return (await furnish(there)).session;
      }),
    );
    expect(made[1]).toBe(made[0]);
  });

  it('moves a clock on that stands before the file, and never back', async () => {
    const { api } = await exported();
    api.emulator.clock.advance(90_000);
    const session = await api.post<Session>('/v1/sessions', {});
    const there = await startEmulator('in process', { seed: 'other' });
    await there.emulator.state.import(await api.emulator.state.export());
    expect(there.emulator.clock.now()).toBe(1_000 * session.body.updated_at);
    const later = await startEmulator('in process');
    await later.emulator.state.import(await api.emulator.state.export());
    expect(Math.abs(later.emulator.clock.now() - Date.now())).toBeLessThan(60_000);
  });

  it('makes the state that a reset returns to', async () => {
    const { file } = await exported();
    const there = await startEmulator('in process');
    await there.emulator.state.import(file);
    there.emulator.state.saveBaseline();
    await there.post('/v1/sessions');
    expect(await there.emulator.state.export()).not.toBe(file);
    there.emulator.state.reset();
    expect(await there.emulator.state.export()).toBe(file);
  });
});

describe('an export', () => {
  it('does not grow with the snapshots of a window', async () => {
    const { api, session, file } = await exported();
    const taken = 200;
    for (let count = 0; count < taken; count += 1) await api.post(`/v1/sessions/${session}/snapshots`);
    const more = await api.emulator.state.export();
    expect(stateOf(more).messages.length).toBe(stateOf(file).messages.length);
    expect((more.length - file.length) / taken).toBeLessThan(500);
  });

  it('holds nothing that no window shows any more', async () => {
    const { api, session, file } = await exported();
    await api.post(`/v1/sessions/${session}/messages`, { role: 'user', content: 'A secret that was taken back.' });
    const snapshots = await api.get<{ data: { id: string }[] }>('/v1/snapshots');
    await api.post(`/v1/sessions/${session}/rollback`, { snapshot_id: snapshots.body.data[0]?.id });
    const after = await api.emulator.state.export();
    expect(after).not.toContain('secret');
    expect(file).toContain('password');
  });
});

const json = { headers: { 'Content-Type': 'application/json' } };
