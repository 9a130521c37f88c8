import { Snapshot } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused } from '../../core/expect.ts';
import { append, createSession, createSnapshot, user } from '../../wire/dialect.ts';

/** More than any run of a case takes, so that "from now" can be told without a clock of ours. */
const WHILE_S = 600;

export const sharesSharing = defineCase({
  id: 'shares.sharing',
  title: 'a snapshot is shared, shared again and unshared',
  needs: ['sessions', 'sessions.snapshot', 'sessions.share'],
  checks: {
    'not-shared-before': 'shares.share',
    shared: 'shares.share',
    'told-when-read': 'shares.share',
    'no-expiry-by-default': 'shares.expires-at',
    'same-id-again': 'shares.same-id',
    'new-expiry': 'shares.same-id',
    'expires-from-now': 'shares.expires-at',
    'wrong-expiry-refused': 'shares.expires-in',
    unshared: 'shares.unshare',
    'never-known-refused': 'shares.unknown',
  },
  async run(trial) {
    const { api } = trial;
    const { id: session } = await createSession(api);
    await append(api, session, user('To be shared.'));
    const plain = await createSnapshot(api, session, { name: 'shared' });
    const path = `/snapshots/${plain.id}`;
    const share = async (fields: object = {}) => answered(await api.post(`${path}/share`, fields), Snapshot);
    const read = async () => answered(await api.get(path), Snapshot);
    await trial.check('not-shared-before', () => equal(plain.share, null, 'share of a new snapshot'));
    const first = await share();
    const share_id = first.share?.share_id;
    await trial.need('shared', () => {
      holds(share_id !== undefined && share_id !== '', 'the answer tells the share_id');
      equal({ ...first, share: null }, plain, 'the rest of the snapshot');
    });
    await trial.check('told-when-read', async () => equal(await read(), first, 'the snapshot'));
    await trial.check('no-expiry-by-default', () => equal(first.share?.expires_at, null, 'expires_at'));
    const soon = await share({ expires_in: 3_600 });
    const late = await share({ expires_in: 36_000 });
    await trial.check('same-id-again', () => {
      equal([soon.share?.share_id, late.share?.share_id], [share_id, share_id], 'the share_id');
    });
    await trial.check('new-expiry', async () => {
      holds(Number(late.share?.expires_at) > Number(soon.share?.expires_at), 'the later expiry is told');
      equal(await read(), late, 'the snapshot');
      equal((await share()).share, { share_id, expires_at: null }, 'the share without an expiry');
    });
    await trial.check('expires-from-now', () => {
      const seconds = Number(soon.share?.expires_at) - plain.created_at;
      holds(
        seconds >= 3_600 && seconds <= 3_600 + WHILE_S,
        `expires 3600 seconds from now, not ${seconds} from the snapshot`,
      );
    });
    await trial.check('wrong-expiry-refused', async () => {
      for (const expires_in of [0, -1, 1.5, 'tomorrow']) {
        refused(await api.post(`${path}/share`, { expires_in }), 'invalid_request', { param: 'expires_in' });
      }
      equal((await read()).share, { share_id, expires_at: null }, 'the share after the refusals');
    });
    await trial.check('unshared', async () => {
      const ended = answered(await api.delete(`${path}/share`), Snapshot);
      equal([ended, await read()], [plain, plain], 'the snapshot as answered and as read');
    });
    await trial.check('never-known-refused', async () => {
      const never = 'shr_kimiconformanceneverknown';
      refused(await api.get(`/shares/${never}`), 'share_not_found');
      refused(await api.post('/sessions', { share_id: never }), 'share_not_found', { param: 'share_id' });
    });
  },
});
