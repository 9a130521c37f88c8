import { describe, expect, it } from 'vitest';
import type { Session } from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';

/** Keys that mean something to JavaScript and nothing to metadata. */
const PAIRS = '{"__proto__":"an owner","constructor":"a builder","toString":"a text","plain":"a pair"}';
const json = { headers: { 'Content-Type': 'application/json' } };

describe.each(TRANSPORTS)('metadata %s', (transport) => {
  it('is kept whatever its keys are called: created, read, listed, exported and imported', async () => {
    const api = await startEmulator(transport);
    const { id } = (await sendPairs(api, '/v1/sessions')).body;
    expectPairs(await api.get<Session>(`/v1/sessions/${id}`));
    const { text } = await api.get('/v1/sessions');
    expect(text).toContain(`"metadata":${PAIRS}`);
    const there = await startEmulator(transport);
    await there.emulator.state.import(await api.emulator.state.export());
    expectPairs(await there.get<Session>(`/v1/sessions/${id}`));
    expect(await there.emulator.state.export()).toBe(await api.emulator.state.export());
  });

  it('is so in an update, a snapshot and a fork', async () => {
    const api = await startEmulator(transport);
    const { id } = (await api.post<Session>('/v1/sessions')).body;
    const updated = await sendPairs(api, `/v1/sessions/${id}`);
    expectPairs(updated);
    expect(updated.body.version).toBe(2);
    expect((await sendPairs(api, `/v1/sessions/${id}`)).body.version).toBe(2);
    const snapshot = await sendPairs<Snapshot>(api, `/v1/sessions/${id}/snapshots`);
    expectPairs(snapshot);
    expectPairs(await sendPairs(api, '/v1/sessions', `"snapshot_id":"${snapshot.body.id}",`));
  });

  it('stays where an update does not name it, and is emptied by null', async () => {
    const api = await startEmulator(transport);
    const { id } = (await sendPairs(api, '/v1/sessions')).body;
    expectPairs(await api.post<Session>(`/v1/sessions/${id}`, { title: 'named' }));
    const emptied = await api.post<Session>(`/v1/sessions/${id}`, { metadata: null });
    expect(emptied.body).toMatchObject({ title: 'named', metadata: {}, version: 3 });
    expect((await api.get<Session>(`/v1/sessions/${id}`)).body).toEqual(emptied.body);
    expect((await api.post<Session>(`/v1/sessions/${id}`, { metadata: null })).body.version).toBe(3);
  });

  it.each([
    ['1', 'metadata.__proto__: Invalid input: expected string, received number'],
    ['{"polluted":"yes"}', 'metadata.__proto__: Invalid input: expected string, received object'],
    [`"${'v'.repeat(513)}"`, 'metadata.__proto__: Too big: expected string to have <=512 characters'],
  ])('with the key __proto__ and an invalid value is refused as with any key: %#', async (value, says) => {
    const api = await startEmulator(transport);
    const refused = await api.send('POST', '/v1/sessions', `{"metadata":{"__proto__":${value}}}`, json);
    expect(refused).toMatchObject({ status: 400, body: { error: { message: `Invalid request: ${says}` } } });
    expect({}).not.toHaveProperty('polluted');
  });
});

function sendPairs<Body = Session>(api: Api, path: string, more = '') {
  return api.send<Body>('POST', path, `{${more}"metadata":${PAIRS}}`, json);
}

function expectPairs({ text, headers }: { text: string; headers: Headers }): void {
  expect(text).toContain(`"metadata":${PAIRS}`);
  expect(headers.get('kimi-emulator-ignored')).toBeNull();
}
