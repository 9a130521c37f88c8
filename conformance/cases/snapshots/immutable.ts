import { Session, SessionDeleted, SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, succeeded } from '../../core/expect.ts';
import { append, createSnapshot, readMessages, user } from '../../wire/dialect.ts';
import { mixedWindow, OTHER_TOOL, TOOL } from '../../wire/windows.ts';

export const snapshotImmutable = defineCase({
  id: 'snapshots.immutable',
  title: 'nothing that becomes of the session shows in its snapshot',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'after-writes': 'snapshots.immutable',
    'after-pins': 'snapshots.immutable',
    'after-other-tools': 'snapshots.immutable',
    'after-cut': 'snapshots.immutable',
    'after-deletion': 'snapshots.survives-session',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api, limits } = trial;
    const { session, messages } = await mixedWindow(trial, { tools: [TOOL] });
    const path = `/sessions/${session.id}`;
    const { id } = await createSnapshot(api, session.id, { preserve_len: 2 * limits.min_preserve_tokens });
    const seen = async () => [
      answered(await api.get(`/snapshots/${id}`), Snapshot),
      await readMessages(api, `/snapshots/${id}/messages`),
      await readMessages(api, `/snapshots/${id}/messages?scope=archived`),
    ];
    const before = await seen();
    const same = async () => equal(await seen(), before, 'the snapshot and its messages');
    await trial.check('after-writes', async () => {
      await append(api, session.id, user('One more.'));
      await same();
    });
    await trial.check('after-pins', async () => {
      const reply = await api.post(`${path}/messages/${messages[1]?.id}`, { pinned: true });
      answered(reply, SessionMessage);
      await same();
    });
    await trial.check('after-other-tools', async () => {
      answered(await api.post(path, { tools: [OTHER_TOOL, TOOL], title: 'another' }), Session);
      await same();
    });
    await trial.check('after-cut', async () => {
      succeeded(await api.post(`${path}/truncate`, { preserve_len: Math.floor(1.5 * limits.min_preserve_tokens) }));
      await same();
    });
    await trial.check('after-deletion', async () => {
      answered(await api.delete(path), SessionDeleted);
      await same();
    });
  },
});
