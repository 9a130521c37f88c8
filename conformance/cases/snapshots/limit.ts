import { SnapshotDeleted } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused, succeeded } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { createSession, createSnapshot } from '../../wire/dialect.ts';

export const snapshotLimit = defineCase({
  id: 'snapshots.limit',
  title: 'an account holds as many snapshots as the limit says, and not one more',
  needs: ['sessions', 'sessions.snapshot'],
  scope: 'account',
  checks: {
    'last-accepted': 'snapshots.limit',
    'one-more-refused': 'snapshots.limit',
    'refusal-keeps-nothing': 'snapshots.limit',
    'deleting-makes-room': 'snapshots.limit-frees',
    'other-account-has-room': 'snapshots.limit-own',
  },
  cost: ({ snapshots }) => ({ requests: 2 * snapshots + 40 }),
  async run(trial) {
    const { snapshots: limit } = trial.limits;
    const api = await trial.empty();
    const [one, two] = [await createSession(api), await createSession(api)];
    // The limit is that of the account, so that no single session holds as many.
    for (let taken = 0; taken < limit - 1; taken += 1) await createSnapshot(api, (taken % 2 === 0 ? one : two).id);
    let last = '';
    await trial.need('last-accepted', async () => {
      last = (await createSnapshot(api, one.id)).id;
    });
    const full = await newest(api);
    await trial.check('one-more-refused', async () => {
      for (const { id } of [one, two]) {
        refused(await api.post(`/sessions/${id}/snapshots`), 'snapshot_limit_reached');
      }
    });
    await trial.check('refusal-keeps-nothing', async () => equal(await newest(api), full, 'the newest snapshots'));
    await trial.check('deleting-makes-room', async () => {
      answered(await api.delete(`/snapshots/${last}`), SnapshotDeleted);
      await createSnapshot(api, two.id);
      refused(await api.post(`/sessions/${two.id}/snapshots`), 'snapshot_limit_reached');
    });
    await trial.check('other-account-has-room', async () => {
      const other = trial.second();
      const { id } = await createSession(other);
      await createSnapshot(other, id);
    });
  },
});

async function newest(api: Api): Promise<unknown> {
  return (succeeded(await api.get('/snapshots?limit=5')).json as { data?: unknown }).data;
}
