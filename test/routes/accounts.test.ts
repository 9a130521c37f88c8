import { describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/emulator.ts';
import { HeldModel, saying } from '../support/held-model.ts';
import {
  called,
  createSession,
  expectRefusal,
  SessionUnderTest,
  sized,
  startSession,
  tool,
} from '../support/session.ts';

const limits = { min_preserve_tokens: 16 };
const THEIRS = 'sk-theirs';

describe.each(TRANSPORTS)('what belongs to another account %s', (transport) => {
  it('answers as if it were not there, on every route, and stays as it is', async () => {
    const first = { messages: [sized(40), sized(20), called('call')], tools: [tool('look')] };
    const theirs = await startSession(transport, { limits, model: saying('OK') }, first);
    const { api } = theirs;
    const message = (await theirs.messages())[0]?.id;
    const { id: snapshot } = (await theirs.snapshot()).body;
    const mine = await createSession(api, { messages: [sized(9)] }, THEIRS);
    const otherAccount = new SessionUnderTest(api, theirs.id, THEIRS);
    const before = [await theirs.state(), await mine.state()];

    const sessionRoutes = [
      otherAccount.show(),
      otherAccount.append(sized(9)),
      otherAccount.append({ role: 'tool', tool_call_id: 'call', content: 'x' }),
      otherAccount.post('', { title: 'mine now' }),
      otherAccount.post(`/messages/${message}`, { pinned: true }),
      otherAccount.truncate(16),
      otherAccount.snapshot(),
      otherAccount.rollback(snapshot),
      otherAccount.compress(),
      api.get(`${theirs.path}/messages`, { key: THEIRS }),
      api.get(`${theirs.path}/snapshots`, { key: THEIRS }),
      api.delete(theirs.path, { key: THEIRS }),
    ];
    for (const route of sessionRoutes) {
      const reply = await route;
      expectRefusal(reply, 'session_not_found');
      const nowhere = await api.get('/v1/sessions/sess_none', { key: THEIRS });
      expect(reply.text).toBe(nowhere.text.replace('sess_none', theirs.id));
    }
    expectRefusal(await otherAccount.chat([sized(9)]), 'session_not_found', 'session_id');
    expectRefusal(await api.get(`/v1/sessions?after=${theirs.id}`, { key: THEIRS }), 'session_not_found', 'after');

    const path = `/v1/snapshots/${snapshot}`;
    const snapshotRoutes = [
      api.get(path, { key: THEIRS }),
      api.get(`${path}/messages?scope=archived`, { key: THEIRS }),
      api.delete(path, { key: THEIRS }),
      api.post(`${path}/share`, {}, { key: THEIRS }),
      api.delete(`${path}/share`, { key: THEIRS }),
      api.post('/v1/sessions', { snapshot_id: snapshot }, { key: THEIRS }),
      mine.rollback(snapshot),
    ];
    for (const route of snapshotRoutes) expectRefusal(await route, 'snapshot_not_found', 'snapshot_id');
    expectRefusal(await api.get(`/v1/snapshots?after=${snapshot}`, { key: THEIRS }), 'snapshot_not_found', 'after');
    expectRefusal(await mine.post(`/messages/${message}`, { pinned: true }), 'message_not_found');
    expectRefusal(
      await api.get(`${mine.path}/messages?after=${message}`, { key: THEIRS }),
      'message_not_found',
      'after',
    );

    expect([await theirs.state(), await mine.state()]).toEqual(before);
    expect((await api.get('/v1/sessions', { key: THEIRS })).body.data).toHaveLength(1);
    expect((await api.get('/v1/snapshots', { key: THEIRS })).body.data).toEqual([]);
  });

  it('is not told to be busy, nor at which version, nor under which key', async () => {
    const model = new HeldModel();
    const theirs = await startSession(transport, { model });
    const otherAccount = new SessionUnderTest(theirs.api, theirs.id, THEIRS);
    const headers = { 'Idempotency-Key': 'k' };
    const turn = theirs.chat([sized(9)], {}, { headers });
    const asked = await model.asked();
    expectRefusal(await otherAccount.append(sized(9)), 'session_not_found');
    expectRefusal(await otherAccount.append(sized(9), { 'If-Match': '"9"' }), 'session_not_found');
    const mine = await createSession(theirs.api, {}, THEIRS);
    expect((await mine.append(sized(9), headers)).status).toBe(200);
    asked.say('OK');
    asked.end();
    expect((await turn).status).toBe(200);
  });

  it('does not count towards its limits, nor use up its keys', async () => {
    const session = await startSession(transport, { limits: { sessions: 1, snapshots: 1 } });
    const headers = { 'Idempotency-Key': 'k' };
    await session.append(sized(9), headers);
    await session.snapshot();
    const mine = await createSession(session.api, {}, THEIRS);
    expect((await mine.append(sized(10), headers)).status).toBe(200);
    expect((await mine.snapshot()).status).toBe(201);
  });
});
