import { Snapshot, SnapshotDeleted } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused } from '../../core/expect.ts';
import { createSnapshot, readMessages, stateOf, unchanged } from '../../wire/dialect.ts';
import { mixedWindow, TOOL } from '../../wire/windows.ts';

export const snapshotObject = defineCase({
  id: 'snapshots.object',
  title: 'a snapshot says what it is, and leaves the session as it is',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'taken-and-read-again': 'snapshots.object',
    'one-id-two-names': 'snapshots.both-ids',
    'named-and-annotated': 'snapshots.name',
    'nameless-by-default': 'snapshots.name',
    'too-much-metadata-refused': 'snapshots.metadata-limit',
    'all-by-default': 'snapshots.whole-by-default',
    'usage-of-the-window': 'snapshots.usage',
    'session-unchanged': 'snapshots.session-unchanged',
  },
  async run(trial) {
    const { api, limits } = trial;
    const state = await mixedWindow(trial, { tools: [TOOL] });
    const { id, usage } = state.session;
    const named = { name: 'before the cut', metadata: { run: '7' } };
    const first = await createSnapshot(api, id, named);
    const plain = await createSnapshot(api, id);
    await trial.need('taken-and-read-again', async () => {
      holds(first.id !== plain.id, 'two snapshots have two ids');
      for (const taken of [first, plain])
        equal(answered(await api.get(`/snapshots/${taken.id}`), Snapshot), taken, 'GET');
    });
    await trial.check('one-id-two-names', () => {
      equal([plain.snapshot_id, plain.session_id], [plain.id, id], 'snapshot_id and session_id');
    });
    await trial.check('named-and-annotated', () => {
      equal({ name: first.name, metadata: first.metadata }, named, 'name and metadata');
    });
    await trial.check('nameless-by-default', () => equal([plain.name, plain.share], [null, null], 'name and share'));
    await trial.check('too-much-metadata-refused', async () => {
      const pairs = (count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, index) => [`key_${index}`, 'value']));
      const most = pairs(limits.metadata_pairs);
      equal((await createSnapshot(api, id, { metadata: most })).metadata, most, 'metadata of as many pairs as allowed');
      const reply = await api.post(`/sessions/${id}/snapshots`, { metadata: pairs(limits.metadata_pairs + 1) });
      refused(reply, 'invalid_request', { param: 'metadata' });
    });
    await trial.check('all-by-default', async () => {
      equal(plain.preserve_len, null, 'preserve_len where none was given');
      equal(await readMessages(api, `/snapshots/${plain.id}/messages`), state.messages, 'what is restored');
    });
    await trial.check('usage-of-the-window', () => {
      const { total_tokens, tools_tokens, messages } = usage;
      equal(plain.usage, { total_tokens, tools_tokens, messages }, 'usage');
      equal(plain.archived, { total_tokens, messages }, 'archived');
    });
    await trial.check('session-unchanged', () => unchanged(api, state));
  },
});

export const snapshotDelete = defineCase({
  id: 'snapshots.delete',
  title: 'a deleted snapshot is gone, and nothing else is',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  checks: {
    deleted: 'snapshots.delete',
    gone: 'snapshots.delete',
    'others-stay': 'snapshots.delete',
    'second-delete-refused': 'snapshots.unknown',
    'never-known-refused': 'snapshots.unknown',
    'session-unchanged': 'snapshots.session-unchanged',
  },
  async run(trial) {
    const { api } = trial;
    const { session } = await mixedWindow(trial);
    const { id } = await createSnapshot(api, session.id);
    const other = await createSnapshot(api, session.id);
    const before = await stateOf(api, session.id);
    await trial.check('deleted', async () => {
      const answer = answered(await api.delete(`/snapshots/${id}`), SnapshotDeleted);
      equal(answer.id, id, 'the id of the deleted snapshot');
    });
    await trial.check('gone', async () => {
      for (const path of [`/snapshots/${id}`, `/snapshots/${id}/messages`]) {
        refused(await api.get(path), 'snapshot_not_found');
      }
    });
    await trial.check('second-delete-refused', async () => {
      refused(await api.delete(`/snapshots/${id}`), 'snapshot_not_found');
    });
    await trial.check('never-known-refused', async () => {
      const never = '/snapshots/snap_kimiconformanceneverknown';
      refused(await api.get(never), 'snapshot_not_found');
      refused(await api.get(`${never}/messages`), 'snapshot_not_found');
      refused(await api.delete(never), 'snapshot_not_found');
    });
    await trial.check('others-stay', async () => {
      equal(answered(await api.get(`/snapshots/${other.id}`), Snapshot), other, 'another snapshot of the session');
      equal(await readMessages(api, `/snapshots/${other.id}/messages`), before.messages, 'its messages');
    });
    await trial.check('session-unchanged', () => unchanged(api, before));
  },
});
