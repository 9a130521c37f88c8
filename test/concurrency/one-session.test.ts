import { describe, expect, it } from 'vitest';
import type { Session, SessionAppend } from '../../contract/sessions.ts';
import { type Api, MODEL, startEmulator } from '../support/emulator.ts';
import { CLIENTS, echo, listMessages, together, whenIdle } from './clients.ts';

const EACH = 4;

describe('32 clients on one session over HTTP', () => {
  it('append without being refused, and every message stands in the window once', async () => {
    const { api, id } = await start();
    const versions = await together(async (client) => {
      const own: number[] = [];
      for (let count = 0; count < EACH; count += 1) {
        const message = { role: 'user', content: `${client} says ${count}` };
        const { status, body } = await api.post<SessionAppend>(`/v1/sessions/${id}/messages`, message);
        expect(status).toBe(200);
        own.push(body.version);
      }
      expect(own).toEqual(own.toSorted((a, b) => a - b));
      return own;
    });
    expect(versions.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: CLIENTS * EACH }, (_, i) => i + 2));
    const texts = (await expectSound(api, id)).map((message) => String(message.content));
    expect(texts.toSorted()).toEqual(
      Array.from({ length: CLIENTS * EACH }, (_, i) => `${i % CLIENTS} says ${Math.floor(i / CLIENTS)}`).toSorted(),
    );
    for (let client = 0; client < CLIENTS; client += 1) {
      const own = texts.filter((text) => text.startsWith(`${client} `));
      expect(own).toEqual(Array.from({ length: EACH }, (_, count) => `${client} says ${count}`));
    }
  });

  it('are told when a turn runs, and each answer stands right behind its question', async () => {
    const { api, id } = await start();
    const refusals = await together(async (client) => {
      const content = `question ${client}`;
      const body = { model: MODEL, session_id: id, stream: client % 2 === 0, messages: [{ role: 'user', content }] };
      const turn = await whenIdle(() => api.post('/v1/chat/completions', body));
      expect(turn.reply.status).toBe(200);
      const written = await whenIdle(() =>
        api.post(`/v1/sessions/${id}/messages`, { role: 'system', content: `note ${client}` }),
      );
      expect(written.reply.status).toBe(200);
      return turn.refusals;
    });
    expect(refusals.some((count) => count > 0)).toBe(true);
    const messages = await expectSound(api, id);
    expect(messages.length).toBe(3 * CLIENTS);
    for (const [place, { role, content }] of messages.entries()) {
      if (role === 'user') expect(messages[place + 1]?.content).toBe(`echo of ${content}`);
    }
    expect(new Set(messages.map((message) => message.content)).size).toBe(3 * CLIENTS);
  });

  it('read and take snapshots while turns run, of the state before', async () => {
    const { api, id } = await start();
    await together(async (client) => {
      const messages = [{ role: 'user', content: `question ${client}` }];
      const turn = whenIdle(() => api.post('/v1/chat/completions', { model: MODEL, session_id: id, messages }));
      const [session, snapshot] = await Promise.all([
        api.get<Session>(`/v1/sessions/${id}`),
        api.post<{ usage: { messages: number } }>(`/v1/sessions/${id}/snapshots`, {}),
      ]);
      expect([session.status, snapshot.status]).toEqual([200, 201]);
      // A turn is two messages, and never seen by halves.
      expect(session.body.usage.messages % 2).toBe(0);
      expect(snapshot.body.usage.messages % 2).toBe(0);
      await turn;
    });
    expect((await expectSound(api, id)).length).toBe(2 * CLIENTS);
  });

  it('with one version in If-Match: one of them wins', async () => {
    const { api, id } = await start();
    const replies = await together((client) =>
      api.post(
        `/v1/sessions/${id}/messages`,
        { role: 'user', content: `${client}` },
        { headers: { 'If-Match': '"1"' } },
      ),
    );
    const refused = replies.filter((reply) => reply.status === 409);
    expect(refused.length).toBe(CLIENTS - 1);
    for (const { body } of refused) expect(body).toMatchObject({ error: { code: 'version_conflict' } });
    expect((await expectSound(api, id)).length).toBe(1);
  });

  it('with one idempotency key: it is written once, and whoever is answered gets the same bytes', async () => {
    const { api, id } = await start();
    const message = { role: 'user', content: 'once' };
    const headers = { 'Idempotency-Key': 'one' };
    const replies = await together(() => api.post(`/v1/sessions/${id}/messages`, message, { headers }));
    const answered = replies.filter((reply) => reply.status === 200);
    expect(new Set(answered.map((reply) => reply.text)).size).toBe(1);
    for (const { status, body } of replies) {
      if (status !== 200) expect(body).toMatchObject({ error: { code: 'request_in_progress' } });
    }
    expect(answered.filter((reply) => reply.headers.get('idempotent-replayed') === null).length).toBe(1);
    expect((await expectSound(api, id)).length).toBe(1);
  });
});

async function start(): Promise<{ api: Api; id: string }> {
  const api = await startEmulator('over HTTP', { model: echo });
  const { body } = await api.post<Session>('/v1/sessions', {});
  return { api, id: body.id };
}

/** The window, whose tokens must add up to the session's usage. */
async function expectSound(api: Api, id: string) {
  const { body } = await api.get<Session>(`/v1/sessions/${id}`);
  const messages = await listMessages(api, id);
  expect(messages.reduce((sum, message) => sum + message.tokens, 0)).toBe(body.usage.total_tokens);
  expect(new Set(messages.map((message) => message.id)).size).toBe(messages.length);
  return messages;
}
