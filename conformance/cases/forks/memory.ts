import { defineCase } from '../../core/case.ts';
import { append, createSession, createSnapshot, user } from '../../wire/dialect.ts';
import { knowsNot, recalls, tells } from '../../wire/recall.ts';

export const forkMemory = defineCase({
  id: 'forks.memory',
  title: 'the model knows what the fork was told, and nothing that was told to another session',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork', 'chat'],
  checks: {
    'history-known': 'forks.model-knows',
    'source-unknown-to-fork': 'forks.model-knows',
    'fork-unknown-to-source': 'forks.model-knows',
  },
  cost: () => ({ promptTokens: 5 * 200, completionTokens: 5 * 32 }),
  async run(trial) {
    const { api } = trial;
    const [common, ofSource, ofFork] = [trial.nonce(), trial.nonce(), trial.nonce()];
    const { id: source } = await createSession(api);
    await append(api, source, user(tells(common)));
    const { id: snapshot_id } = await createSnapshot(api, source);
    const { id: fork } = await createSession(api, { snapshot_id });
    await append(api, source, user(tells(ofSource, 'garden')));
    await append(api, fork, user(tells(ofFork, 'kitchen')));
    await trial.check('source-unknown-to-fork', () => knowsNot(trial, { session_id: fork }, ofSource, 'garden'));
    await trial.check('fork-unknown-to-source', () => knowsNot(trial, { session_id: source }, ofFork, 'kitchen'));
    await trial.check('history-known', () => recalls(trial, { session_id: fork }, common));
  },
});
