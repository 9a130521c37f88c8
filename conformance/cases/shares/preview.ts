import { SessionDeleted } from '../../../contract/sessions.ts';
import { SharedSnapshot } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, shaped } from '../../core/expect.ts';
import { append, createSession, createSnapshot, user } from '../../wire/dialect.ts';
import { share } from '../../wire/shares.ts';

export const sharesPreview = defineCase({
  id: 'shares.preview',
  title: 'another account sees what is shared, and nothing that is the owner’s',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.share'],
  twoAccounts: true,
  checks: {
    'read-by-another': 'shares.preview',
    'read-by-its-owner': 'shares.preview',
    'session-hidden': 'shares.hides',
    'metadata-hidden': 'shares.hides',
    'archive-hidden': 'shares.hides',
    'outlives-session': 'shares.survives-session',
  },
  async run(trial) {
    const { api } = trial;
    const other = trial.second();
    const secret = trial.nonce();
    const { id: session } = await createSession(api);
    await append(api, session, user('To be shared.'));
    const { id } = await createSnapshot(api, session, { name: 'for others', metadata: { secret } });
    const share_id = await share(api, id);
    const owned = (await api.get(`/snapshots/${id}`)).json;
    const path = `/shares/${share_id}`;
    const reply = await other.get(path);
    const expected = shaped(SharedSnapshot, owned, 'the snapshot of the owner');
    await trial.need('read-by-another', () => equal(answered(reply, SharedSnapshot), expected, reply.what));
    await trial.check('read-by-its-owner', async () => {
      equal(answered(await api.get(path), SharedSnapshot), expected, reply.what);
    });
    const shown = reply.json as object;
    await trial.check('session-hidden', () => {
      holds(!('session_id' in shown) && !reply.text.includes(session), 'the id of the session is not shown');
    });
    await trial.check('metadata-hidden', () => {
      holds(!('metadata' in shown) && !reply.text.includes(secret), 'the metadata is not shown');
    });
    await trial.check('archive-hidden', () => holds(!('archived' in shown), 'the size of the archive is not shown'));
    answered(await api.delete(`/sessions/${session}`), SessionDeleted);
    await trial.check('outlives-session', async () => {
      equal(answered(await other.get(path), SharedSnapshot), expected, reply.what);
    });
  },
});
