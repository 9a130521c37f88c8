import { SessionDeleted } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { CHAT_COST, layGround, SESSION_CHANGES, type SessionChange, sendChange } from '../../wire/changes.ts';
import { createSession, getSession } from '../../wire/dialect.ts';

const ROUNDS = 4;

export const sessionsDelete = defineCase({
  id: 'sessions.delete',
  title: 'a deleted session is gone',
  needs: ['sessions', 'sessions.append'],
  checks: {
    answer: 'sessions.delete',
    'not-read': 'sessions.deleted-gone',
    'messages-not-read': 'sessions.deleted-gone',
    'again-not-found': 'sessions.delete-twice',
    'other-stays': 'sessions.independent',
  },
  async run(trial) {
    const { api } = trial;
    const { session: id } = await layGround(trial, {});
    const other = await createSession(api);
    const path = `/sessions/${id}`;
    succeeded(await api.get(path));
    const reply = await api.delete(path);
    await trial.check('answer', () => equal(answered(reply, SessionDeleted).id, id, 'the id of what was deleted'));
    await trial.check('not-read', async () => refused(await api.get(path), 'session_not_found'));
    await trial.check('messages-not-read', async () => refused(await api.get(`${path}/messages`), 'session_not_found'));
    await trial.check('again-not-found', async () => refused(await api.delete(path), 'session_not_found'));
    await trial.check('other-stays', async () => equal(await getSession(api, other.id), other, 'another session'));
  },
});

/** One case for each route, so that each is asked of targets that offer it. */
export const sessionsDeletedRoutes = SESSION_CHANGES.filter(
  ({ name }) => name !== 'metadata' && name !== 'append-several',
).map((change: SessionChange) =>
  defineCase({
    id: `sessions.deleted-${change.name}`,
    title: `a deleted session takes no ${change.name}`,
    needs: ['sessions', ...change.needs],
    checks: { 'not-found': 'sessions.deleted-gone' },
    cost: () => (change.chats ? CHAT_COST : {}),
    async run(trial) {
      const ground = await layGround(trial, change);
      succeeded(await trial.api.get(`/sessions/${ground.session}`));
      succeeded(await trial.api.delete(`/sessions/${ground.session}`));
      await trial.check('not-found', async () => {
        const param = change.chats ? { param: 'session_id' } : {};
        refused(await sendChange(trial, change, ground), 'session_not_found', param);
        refused(await trial.api.get(`/sessions/${ground.session}`), 'session_not_found');
      });
    },
  }),
);

export const sessionsIds = defineCase({
  id: 'sessions.ids',
  title: 'no id is given twice',
  needs: ['sessions'],
  checks: { 'of-those-there': 'sessions.ids-unique', 'of-those-gone': 'sessions.ids-unique' },
  async run(trial) {
    const { api } = trial;
    const first = await createSession(api);
    const second = await createSession(api);
    await trial.check('of-those-there', () => holds(first.id !== second.id, `two sessions have the id ${first.id}`));
    await trial.check('of-those-gone', async () => {
      const seen = new Set([first.id, second.id]);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const id of seen) await api.delete(`/sessions/${id}`);
        const { id } = await createSession(api);
        holds(!seen.has(id), `the id ${id} of a deleted session was given again`);
        seen.add(id);
      }
    });
  },
});
