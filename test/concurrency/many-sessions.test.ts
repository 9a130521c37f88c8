import { describe, expect, it } from 'vitest';
import type { Session } from '../../contract/sessions.ts';
import { type Api, MODEL, startEmulator } from '../support/emulator.ts';
import { echo, listMessages, together } from './clients.ts';

describe('32 clients at the same time over HTTP', () => {
  it('on separate sessions never block each other', async () => {
    const api = await startEmulator('over HTTP', { model: echo });
    await together(async (client) => {
      const { body: session } = await api.post<Session>('/v1/sessions', {});
      const path = `/v1/sessions/${session.id}`;
      for (let round = 0; round < 2; round += 1) {
        const content = `${client} asks ${round}`;
        const messages = [{ role: 'user', content }];
        const answers = [
          await api.post('/v1/chat/completions', { model: MODEL, session_id: session.id, messages }),
          await api.post(`${path}/messages`, { role: 'user', content: `${client} notes ${round}` }),
          await api.post(`${path}/snapshots`, { preserve_len: 4_096 }),
          await api.post(`${path}/truncate`, { preserve_len: 4_096 }),
        ];
        expect(answers.map((answer) => answer.status)).toEqual([200, 200, 201, 200]);
      }
      expect((await listMessages(api, session.id)).map((message) => message.content)).toEqual(
        [0, 1].flatMap((round) => [
          `${client} asks ${round}`,
          `echo of ${client} asks ${round}`,
          `${client} notes ${round}`,
        ]),
      );
    });
  });

  it('never create more than 100 sessions of an account', async () => {
    const api = await startEmulator('over HTTP');
    const statuses = await together(async () => {
      const own: number[] = [];
      for (let count = 0; count < 5; count += 1) own.push((await create(api)).status);
      return own;
    });
    expect(statuses.flat().filter((status) => status === 201).length).toBe(100);
    expect(statuses.flat().filter((status) => status === 400).length).toBe(60);
    expect(await countSessions(api)).toBe(100);
  });

  it('never create more than 100 sessions while others are deleted', async () => {
    const api = await startEmulator('over HTTP', { limits: { sessions: 10 } });
    await together(async () => {
      for (let count = 0; count < 3; count += 1) {
        const { status, body } = await create(api);
        expect(await countSessions(api)).toBeLessThanOrEqual(10);
        if (status === 201) expect((await api.delete(`/v1/sessions/${body.id}`)).status).toBe(200);
        else expect(body).toMatchObject({ error: { code: 'session_limit_reached' } });
      }
    });
    expect(await countSessions(api)).toBe(0);
  });

  it('of other accounts have session limits of their own', async () => {
    const api = await startEmulator('over HTTP', { limits: { sessions: 2 } });
    const statuses = await together(async (client) => {
      const key = `sk-${client}`;
      return [await create(api, key), await create(api, key), await create(api, key)].map((reply) => reply.status);
    });
    expect(statuses).toEqual(statuses.map(() => [201, 201, 400]));
  });
});

function create(api: Api, key = 'sk-test') {
  return api.post<Session>('/v1/sessions', { messages: [{ role: 'user', content: 'hello' }] }, { key });
}

async function countSessions(api: Api): Promise<number> {
  const first = await api.get<{ data: unknown[]; has_more: boolean }>('/v1/sessions?limit=100');
  expect(first.body.has_more).toBe(false);
  return first.body.data.length;
}
