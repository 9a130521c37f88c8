import { Session, SessionDeleted, SessionMessage } from '../../../contract/sessions.ts';
import { SnapshotDeleted } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, succeeded } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { append, createSession, createSnapshot, type State, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { mixedWindow, OTHER_TOOL, TOOL } from '../../wire/windows.ts';

const NEEDS = [
  'sessions',
  'sessions.append',
  'sessions.truncate',
  'sessions.snapshot',
  'sessions.fork',
  'tokens.estimate',
] as const;

/** All that can be done to a session but delete it. */
async function disturb(api: Api, { session, messages }: State, preserve_len: number): Promise<void> {
  const path = `/sessions/${session.id}`;
  await append(api, session.id, user('Only here.'));
  answered(await api.post(`${path}/messages/${messages[1]?.id}`, { pinned: true }), SessionMessage);
  answered(await api.post(path, { tools: [OTHER_TOOL], title: 'only here' }), Session);
  succeeded(await api.post(`${path}/truncate`, { preserve_len }));
}

export const forkIsolation = defineCase({
  id: 'forks.isolation',
  title: 'a fork and its source never influence each other',
  needs: NEEDS,
  checks: {
    'source-sees-no-change': 'forks.isolated',
    'sibling-sees-no-change': 'forks.isolated',
    'fork-sees-no-change': 'forks.source-isolated',
    'outlives-source': 'forks.source-isolated',
    'outlives-snapshot': 'forks.source-isolated',
    'source-outlives-fork': 'forks.isolated',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api, limits } = trial;
    const preserve_len = Math.floor(1.5 * limits.min_preserve_tokens);
    const { session } = await mixedWindow(trial, { tools: [TOOL] });
    const { id: snapshot_id } = await createSnapshot(api, session.id);
    const fork = async () => stateOf(api, (await createSession(api, { snapshot_id })).id);
    const [first, second] = [await fork(), await fork()];
    const source = await stateOf(api, session.id);
    await disturb(api, first, preserve_len);
    await trial.check('source-sees-no-change', () => unchanged(api, source));
    await trial.check('sibling-sees-no-change', () => unchanged(api, second));
    answered(await api.delete(`/sessions/${first.session.id}`), SessionDeleted);
    await trial.check('source-outlives-fork', () => unchanged(api, source));
    await disturb(api, source, preserve_len);
    await trial.check('fork-sees-no-change', () => unchanged(api, second));
    answered(await api.delete(`/sessions/${session.id}`), SessionDeleted);
    await trial.check('outlives-source', () => unchanged(api, second));
    answered(await api.delete(`/snapshots/${snapshot_id}`), SnapshotDeleted);
    await trial.check('outlives-snapshot', async () => {
      await unchanged(api, second);
      const { usage } = await append(api, second.session.id, user('It goes on.'));
      equal(usage.messages, second.messages.length + 1, 'messages after one more');
    });
  },
});
