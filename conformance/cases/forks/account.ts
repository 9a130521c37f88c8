import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused } from '../../core/expect.ts';
import { append, createSession, createSnapshot, user } from '../../wire/dialect.ts';

export const forkLimit = defineCase({
  id: 'forks.limit',
  title: 'forks count against the sessions of the account',
  needs: ['sessions', 'sessions.list', 'sessions.append', 'sessions.snapshot', 'sessions.fork'],
  scope: 'account',
  checks: {
    'last-place-taken': 'forks.counts',
    'no-place-left': 'forks.counts',
    'place-freed': 'forks.counts',
    'counts-for-others': 'forks.counts',
  },
  cost: ({ sessions }) => ({ requests: 2 * sessions + 40 }),
  async run(trial) {
    const { sessions: limit } = trial.limits;
    const api = await trial.empty();
    const { id } = await createSession(api);
    await append(api, id, user('The first.'));
    const { id: snapshot_id } = await createSnapshot(api, id);
    for (let count = 1; count < limit - 1; count += 1) await createSession(api);
    let last = '';
    await trial.need('last-place-taken', async () => {
      last = (await createSession(api, { snapshot_id })).id;
    });
    await trial.check('no-place-left', async () => {
      const newest = async () => answered(await api.get('/sessions?limit=3'), listOf(Session)).data;
      const before = await newest();
      refused(await api.post('/sessions', { snapshot_id }), 'session_limit_reached');
      equal(await newest(), before, 'the newest sessions after the refusal');
    });
    await trial.check('counts-for-others', async () => {
      refused(await api.post('/sessions'), 'session_limit_reached');
    });
    await trial.check('place-freed', async () => {
      answered(await api.delete(`/sessions/${last}`), SessionDeleted);
      await createSession(api, { snapshot_id });
      refused(await api.post('/sessions', { snapshot_id }), 'session_limit_reached');
    });
  },
});

export const forkHidden = defineCase({
  id: 'forks.hidden',
  title: 'another account cannot fork by the id of a snapshot',
  needs: ['sessions', 'sessions.snapshot', 'sessions.fork'],
  twoAccounts: true,
  checks: { refused: 'forks.hidden' },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const { id: snapshot_id } = await createSnapshot(api, id);
    await trial.check('refused', async () => {
      const reply = await trial.second().post('/sessions', { snapshot_id });
      refused(reply, 'snapshot_not_found', { param: 'snapshot_id' });
    });
    await createSession(api, { snapshot_id });
  },
});
