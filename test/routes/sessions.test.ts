import { describe, expect, it } from 'vitest';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';

describe.each(TRANSPORTS)('sessions %s', (transport) => {
  it('creates, shows, lists and deletes a session', async () => {
    const api = await startEmulator(transport);
    const created = await api.post('/v1/sessions', { title: 'first', metadata: { project: 'x' } });
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBe('"1"');
    expect(created.body).toMatchObject({ object: 'session', title: 'first', version: 1, forked_from: null });
    expect(created.body.session_id).toBe(created.body.id);

    const path = `/v1/sessions/${created.body.id}`;
    expect((await api.get(path)).body).toEqual(created.body);
    expect((await api.get('/v1/sessions')).body).toMatchObject({ data: [created.body], has_more: false });
    expect((await api.delete(path)).body).toEqual({ id: created.body.id, object: 'session.deleted', deleted: true });
    const gone = await api.get(path);
    expect(gone.status).toBe(404);
    expect(gone.body).toMatchObject({ error: { type: 'resource_not_found_error', code: 'session_not_found' } });
  });
});
