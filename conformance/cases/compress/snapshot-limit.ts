import { defineCase } from '../../core/case.ts';
import { refused, succeeded } from '../../core/expect.ts';
import { append, createSession, createSnapshot, stateOf, unchanged } from '../../wire/dialect.ts';
import { facts } from '../../wire/windows.ts';

export const compressSnapshotLimit = defineCase({
  id: 'compress.snapshot-limit',
  title: 'compress needs room for its snapshot',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'sessions.snapshot'],
  scope: 'account',
  checks: { refused: 'compress.snapshot-limit', 'refused-unchanged': 'compress.refused-unchanged' },
  cost: ({ snapshots }) => ({ requests: 2 * snapshots + 40 }),
  async run(trial) {
    const { snapshots: limit } = trial.limits;
    const api = await trial.empty();
    const { id } = await createSession(api);
    for (const fact of facts(12)) await append(api, id, fact);
    let last = '';
    for (let taken = 0; taken < limit; taken += 1) last = (await createSnapshot(api, id)).id;
    const before = await stateOf(api, id);
    const path = `/sessions/${id}/compress`;
    await trial.check('refused', async () => {
      refused(await api.post(path, { ratio: 1.5 }), 'snapshot_limit_reached');
    });
    await trial.check('refused-unchanged', () => unchanged(api, before));
    succeeded(await api.delete(`/snapshots/${last}`));
    succeeded(await api.post(path, { ratio: 1.5 }));
  },
});
