import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { Fault } from '../../core/verdict.ts';
import type { Api } from '../../wire/api.ts';
import { createSession } from '../../wire/dialect.ts';

/** Creations at the same time: more than the slots that are left for them. */
const SLOTS = 3;
const RACERS = 9;

/** @returns the ids */
export async function fillAccount(api: Api, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push((await createSession(api)).id);
  return ids;
}

export const sessionsCapacity = defineCase({
  id: 'sessions.capacity',
  title: 'an account holds its limit of sessions, and not one more',
  needs: ['sessions'],
  scope: 'account',
  checks: {
    'exact-accepted': 'sessions.limit',
    'refused-takes-no-slot': 'sessions.refused-takes-no-slot',
    'over-refused': 'sessions.limit',
    'limit-named': 'sessions.limit-named',
    'delete-frees': 'sessions.delete-frees',
    'full-again': 'sessions.limit',
  },
  cost: ({ sessions }) => ({ requests: 2 * sessions + 40 }),
  async run(trial) {
    const { limits } = trial;
    const api = await trial.empty();
    const ids = await fillAccount(api, limits.sessions - 1);
    const last = await api.post('/sessions');
    await trial.need('exact-accepted', () => succeeded(last));
    const { id } = answered(last, Session);
    const over = await api.post('/sessions');
    await trial.check('over-refused', () => refused(over, 'session_limit_reached'));
    await trial.check('limit-named', () => {
      const message = refused(over, 'session_limit_reached');
      holds(message.includes(String(limits.sessions)), `the refusal names the limit ${limits.sessions}: ${message}`);
    });
    succeeded(await api.delete(`/sessions/${id}`));
    await trial.need('delete-frees', async () => {
      ids.push(answered(await api.post('/sessions'), Session).id);
    });
    await trial.check('full-again', async () => refused(await api.post('/sessions'), 'session_limit_reached'));
    succeeded(await api.delete(`/sessions/${ids.pop()}`));
    await trial.check('refused-takes-no-slot', async () => {
      refused(await api.post('/sessions', { title: 7 }), 'invalid_request');
      refused(await api.post('/sessions', { model: 'kimi-k2-of-nowhere' }), 'model_not_found');
      const orphan = { role: 'tool', tool_call_id: 'nobody', content: 'x' };
      refused(await api.post('/sessions', { messages: [orphan] }), 'tool_result_orphan');
      succeeded(await api.post('/sessions'));
    });
  },
});

export const sessionsRace = defineCase({
  id: 'sessions.race',
  title: 'creations at the same time do not get past the limit',
  needs: ['sessions'],
  scope: 'account',
  checks: {
    'slots-filled': 'sessions.parallel-creates',
    'no-more-than-slots': 'sessions.parallel-creates',
    'rest-refused': 'sessions.parallel-creates',
    'full-after': 'sessions.parallel-creates',
  },
  cost: ({ sessions }) => ({ requests: 2 * sessions + 40 }),
  async run(trial) {
    const { limits } = trial;
    const api = await trial.empty();
    const slots = Math.min(SLOTS, limits.sessions);
    await fillAccount(api, limits.sessions - slots);
    const replies = await Promise.all(Array.from({ length: RACERS }, () => api.post('/sessions')));
    const broken = replies.find(({ status }) => status >= 500);
    if (broken) throw new Fault(`${broken.what}: ${broken.status} ${broken.text}`);
    const created = replies.filter(({ status }) => status < 300);
    await trial.check('slots-filled', () =>
      holds(created.length >= slots, `${created.length} of ${slots} slots were filled`),
    );
    await trial.check('no-more-than-slots', () => {
      holds(created.length <= slots, `${created.length} sessions were created where there was room for ${slots}`);
    });
    await trial.check('rest-refused', () => {
      for (const reply of replies) if (!created.includes(reply)) refused(reply, 'session_limit_reached');
      const ids = new Set(created.map((reply) => answered(reply, Session).id));
      equal(ids.size, created.length, 'the number of different ids');
    });
    await trial.check('full-after', async () => {
      refused(await api.post('/sessions'), 'session_limit_reached');
      const [first] = created;
      if (first) succeeded(await api.delete(`/sessions/${answered(first, Session).id}`));
      succeeded(await api.post('/sessions'));
      refused(await api.post('/sessions'), 'session_limit_reached');
    });
  },
});
