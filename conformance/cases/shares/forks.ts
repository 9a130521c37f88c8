import { Session, SessionDeleted } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { append, createSession, readMessages, unchanged, user, windowOf } from '../../wire/dialect.ts';
import { said } from '../../wire/groups.ts';
import { partlyRestored } from '../../wire/preserve-len.ts';
import { share } from '../../wire/shares.ts';
import { OTHER_TOOL } from '../../wire/windows.ts';

export const sharesForks = defineCase({
  id: 'shares.forks',
  title: 'another account forks what is restored, and nothing of the owner’s changes',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.snapshot',
    'sessions.share',
    'sessions.fork',
    'sessions.truncate',
    'tokens.estimate',
  ],
  twoAccounts: true,
  checks: {
    'what-is-restored': 'shares.fork',
    'tools-and-pins': 'shares.fork',
    'names-the-share': 'shares.origin',
    'less-on-request': 'shares.never-more',
    'never-more': 'shares.never-more',
    'under-minimum-refused': 'shares.minimum',
    'session-unchanged': 'shares.isolated',
    'snapshot-unchanged': 'shares.isolated',
  },
  async run(trial) {
    const { api, limits } = trial;
    const other = trial.second();
    const least = limits.min_preserve_tokens;
    const { session, messages, snapshot_id: id, little, most, kept } = await partlyRestored(trial);
    const owned = { session, messages };
    const share_id = await share(api, id);
    const restored = await readMessages(api, `/snapshots/${id}/messages`);
    const fork = (fields: object = {}) => createSession(other, { share_id, ...fields });
    const window = async (preserve_len?: number) => windowOf(other, (await fork({ preserve_len })).id);
    const first = await fork();
    const forked = await windowOf(other, first.id);
    await trial.need('what-is-restored', () => equal(forked.map(said), restored.map(said), 'the window of the fork'));
    await trial.check('tools-and-pins', () => {
      equal(first.tools, session.tools, 'the tools');
      equal(
        forked.map(({ pinned }) => pinned),
        restored.map(({ pinned }) => pinned),
        'pinned of each message',
      );
    });
    await trial.check('names-the-share', async () => {
      const reply = await other.get(`/sessions/${first.id}`);
      equal(answered(reply, Session).forked_from, { share_id }, 'forked_from');
      holds(!reply.text.includes(id) && !reply.text.includes(session.id), 'no id of the owner’s is shown');
    });
    await trial.check('less-on-request', async () => {
      equal((await window(little)).map(said), kept(little)?.map(said), 'the window of the fork');
    });
    await trial.check('never-more', async () => {
      equal((await window(most)).map(said), restored.map(said), 'the window of the fork');
    });
    await trial.check('under-minimum-refused', async () => {
      const reply = await other.post('/sessions', { share_id, preserve_len: least - 1 });
      refused(reply, 'preserve_len_too_small', { param: 'preserve_len' });
    });
    await append(other, first.id, user('Only in the fork.'));
    answered(await other.post(`/sessions/${first.id}`, { tools: [OTHER_TOOL] }), Session);
    succeeded(await other.post(`/sessions/${first.id}/truncate`, { preserve_len: little }));
    answered(await other.delete(`/sessions/${first.id}`), SessionDeleted);
    await trial.check('session-unchanged', () => unchanged(api, owned));
    await trial.check('snapshot-unchanged', async () => {
      equal(await readMessages(api, `/snapshots/${id}/messages`), restored, 'what the snapshot restores');
    });
  },
});
