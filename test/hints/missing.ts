import { expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { startEmulator } from '../support/emulator.ts';
import { picture, png } from '../support/pictures.ts';
import { createSession, MovableClock, sized, startSession } from '../support/session.ts';
import { hintOf } from './hinted.ts';

it('the hint for a deleted session names the deletion', async () => {
  const session = await startSession('in process');
  await session.api.delete(session.path);
  const deleted = `session ${session.id} was deleted by request #2 (deleteSession, the request before)`;
  expect(hintOf(await session.show())).toContain(deleted);
  expect(hintOf(await session.chat([sized(10)]))).toContain('2 requests ago');
});

it('the hint for a session from before a reset names the reset', async () => {
  const session = await startSession('in process');
  session.api.emulator.state.reset();
  expect(hintOf(await session.show())).toContain('but a reset has restored the state since');
});

it("hints do not tell another account's ids from unknown ones", async () => {
  const session = await startSession('in process');
  const { body } = await session.append(sized(10));
  const snapshot = (await session.snapshot()).body as Snapshot;
  const path = `/v1/snapshots/${snapshot.id}`;
  const share = (await session.api.post<Snapshot>(`${path}/share`)).body.share?.share_id ?? '';
  await session.api.delete(`${path}/share`);
  const own = await createSession(session.api, {}, 'sk-other');
  const asked = async (route: string, id: string) =>
    hintOf(await session.api.get(route + id, { key: 'sk-other' })).replaceAll(id, 'ID');
  for (const [route, id] of [
    ['/v1/sessions/', session.id],
    ['/v1/snapshots/', snapshot.id],
    ['/v1/shares/', share],
    [`${own.path}/messages?after=`, body.data[0]?.id ?? ''],
  ] as const) {
    const never = id.slice(0, -8).padEnd(id.length, '0');
    expect(await asked(route, id)).toBe(await asked(route, never));
    expect(await asked(route, id)).toContain(route.includes('shares') ? 'no share ID exists' : 'known to this API key');
  }
});

it('the hint for an unknown share says who may use one', async () => {
  const session = await startSession('in process');
  const hint = hintOf(await session.api.post('/v1/sessions', { share_id: 'shr_never' }));
  expect(hint).toMatch(/^no share shr_never exists: /);
  expect(hint).toMatch(/any API key .* until it expires or is ended, or its snapshot is deleted/);
  expect(hint).not.toContain('belong to the key');
});

it('the hints for a deleted snapshot and its share name the deletion', async () => {
  const session = await startSession('in process');
  const snapshot = (await session.snapshot()).body as Snapshot;
  const path = `/v1/snapshots/${snapshot.id}`;
  const { share } = (await session.api.post<Snapshot>(`${path}/share`)).body;
  await session.api.delete(path);
  expect(hintOf(await session.rollback(snapshot.id))).toContain(`${snapshot.id} was deleted by request #4`);
  expect(hintOf(await session.api.get(`/v1/shares/${share?.share_id}`))).toContain(
    'request #4 (deleteSnapshot, 2 requests ago) deleted its snapshot',
  );
});

it('the hints for a share say whether it was ended or has expired', async () => {
  const clock = new MovableClock();
  const session = await startSession('in process', { clock });
  const path = `/v1/snapshots/${((await session.snapshot()).body as Snapshot).id}`;
  const shared = (await session.api.post<Snapshot>(`${path}/share`, { expires_in: 60 })).body.share?.share_id;
  const read = (key = 'sk-test') => session.api.get(`/v1/shares/${shared}`, { key });
  expect((await read('sk-guest')).status).toBe(200);
  clock.passSeconds(61);
  expect(hintOf(await read())).toMatch(/made by request #3 .* has expired/);
  expect(hintOf(await read('sk-guest'))).toMatch(/has expired since request #4 \(getShare, the request before\)/);
  await session.api.delete(`${path}/share`);
  expect(hintOf(await read())).toMatch(/ended by request #7/);
});

it('the hint for a cut message names the cut', async () => {
  const session = await startSession('in process', { limits: { min_preserve_tokens: 64 } });
  const first = (await session.append(sized(100))).body.data[0]?.id;
  await session.append(sized(50));
  await session.truncate(64);
  expect(hintOf(await session.post(`/messages/${first}`, { pinned: true }))).toMatch(
    /last known from request #2 .*: request #4 \(truncateSession, the request before\) changed it since/,
  );
});

it('the hint for a cut message with a picture names the cut', async () => {
  const session = await startSession('in process', { limits: { min_preserve_tokens: 16 } }, { model: 'kimi-k3' });
  const look = { role: 'user' as const, content: [picture(png(28, 28))] };
  const first = (await session.append({ messages: [look, sized(20), sized(16)] })).body.data[0]?.id;
  await session.truncate(16);
  expect(hintOf(await session.post(`/messages/${first}`, { pinned: true }))).toMatch(
    /last known from request #2 .*: request #3 \(truncateSession, the request before\) changed it since/,
  );
});

it.each([
  ['GET', '/sessions', /did you mean \/v1\/sessions\?/],
  ['POST', '/v1/v1/chat/completions', /did you mean \/v1\/chat\/completions\?/],
  ['GET', '/v1/chat/completions', /served with POST, not with GET/],
  ['GET', '/v1/nothing', /openapi\.json/],
  ['GET', '/v1/models/gpt-4', /kimi-k2-0905-preview/],
  ['GET', '/v1/sessions/snap_1', /is the id of a snapshot, not of a session/],
] as const)('%s %s', async (method, path, says) => {
  const api = await startEmulator('in process');
  const reply = await api.send(method, path, undefined);
  expect(reply.status).toBe(404);
  expect(hintOf(reply)).toMatch(says);
});
