import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { append, calling, createSession, createSnapshot, result, user, windowOf } from '../../wire/dialect.ts';
import { knowsNot, recalls, tells } from '../../wire/recall.ts';

export const rollbackMemory = defineCase({
  id: 'rollback.memory',
  title: 'the model forgets what came after the snapshot, and knows again what came before',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback', 'chat'],
  checks: {
    'later-unknown': 'rollback.model-forgets',
    'earlier-known-again': 'rollback.model-forgets',
    'turns-are-undone': 'rollback.restores',
  },
  cost: () => ({ promptTokens: 7 * 200, completionTokens: 7 * 32 }),
  async run(trial) {
    const { api } = trial;
    const [earlier, later] = [trial.nonce(), trial.nonce()];
    const { id } = await createSession(api);
    await append(api, id, user(tells(earlier)));
    const { id: snapshot_id } = await createSnapshot(api, id);
    const before = await windowOf(api, id);
    await append(api, id, user(tells(later)));
    // A turn of its own, so that more than appends has to be undone.
    await recalls(trial, { session_id: id }, later);
    answered(await api.post(`/sessions/${id}/rollback`, { snapshot_id }), Session);
    await trial.check('turns-are-undone', async () => equal(await windowOf(api, id), before, 'the window'));
    await trial.check('later-unknown', () => knowsNot(trial, { session_id: id }, later));
    await trial.check('earlier-known-again', () => recalls(trial, { session_id: id }, earlier));
  },
});

export const rollbackOpenCalls = defineCase({
  id: 'rollback.open-calls',
  title: 'a call that waited for its result waits again',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback'],
  checks: { 'open-again': 'rollback.open-calls', 'answered-again': 'rollback.open-calls' },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await append(api, id, [user('Look it up.'), calling('call_1')]);
    const { id: snapshot_id } = await createSnapshot(api, id);
    await append(api, id, [result('call_1'), user('Thanks.')]);
    succeeded(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
    await trial.check('open-again', async () => {
      const message = refused(await api.post(`/sessions/${id}/messages`, user('And?')), 'tool_call_unanswered');
      holds(message.includes('call_1'), `the refusal names the open call: ${message}`);
    });
    await trial.check('answered-again', async () => {
      await append(api, id, result('call_1', 'found'));
      await append(api, id, user('And?'));
    });
  },
});
