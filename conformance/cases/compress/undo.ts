import { listOf } from '../../../contract/lists.ts';
import { Session, SessionCompression } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds } from '../../core/expect.ts';
import { createSession, getSession, readMessages, stateOf, unchanged, windowOf } from '../../wire/dialect.ts';
import { appendFacts, facts, TOOL } from '../../wire/windows.ts';

/** How far the ratio that is told may be rounded. */
const ROUNDING = 0.01;

export const compressUndo = defineCase({
  id: 'compress.undo',
  title: 'compress says what it did, and can be undone',
  needs: ['sessions', 'sessions.append', 'sessions.compress', 'sessions.snapshot', 'sessions.rollback'],
  checks: {
    'rehearsal-changes-nothing': 'compress.dry-run',
    'rehearsal-takes-no-snapshot': 'compress.dry-run',
    'rehearsal-tells-the-sizes': 'compress.dry-run',
    'before-as-read': 'compress.answer',
    'after-as-read': 'compress.answer',
    'achieved-is-true': 'compress.achieved',
    'requested-is-told': 'compress.achieved',
    'snapshot-of-before': 'compress.snapshot',
    'undone-exactly': 'compress.undo',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { tools: [TOOL] });
    await appendFacts(trial, id, facts(40));
    const before = await stateOf(api, id);
    const path = `/sessions/${id}/compress`;
    const rehearsed = answered(await api.post(path, { ratio: 3, dry_run: true }), SessionCompression);
    await trial.check('rehearsal-changes-nothing', () => unchanged(api, before));
    await trial.check('rehearsal-takes-no-snapshot', async () => {
      equal(rehearsed.snapshot_id, null, 'snapshot_id');
      equal(answered(await api.get(`/sessions/${id}/snapshots`), listOf(Snapshot)).data, [], 'the snapshots');
    });
    await trial.check('rehearsal-tells-the-sizes', () => {
      const most = Math.floor(before.session.usage.total_tokens / 3);
      const { after, dry_run } = rehearsed;
      equal([dry_run, rehearsed.before], [true, before.session.usage], 'dry_run and before');
      holds(after.total_tokens <= most, `at most ${most} tokens would be left, not ${after.total_tokens}`);
    });
    const done = answered(await api.post(path, { ratio: 3 }), SessionCompression);
    const session = await getSession(api, id);
    const messages = await windowOf(api, id);
    await trial.check('before-as-read', () => equal(done.before, before.session.usage, 'before'));
    await trial.check('after-as-read', () => {
      equal(
        [done.after, done.version, done.dry_run],
        [session.usage, session.version, false],
        'after, version, dry_run',
      );
      equal(done.after.messages, messages.length, 'messages after');
    });
    await trial.check('achieved-is-true', () => {
      const achieved = before.session.usage.total_tokens / session.usage.total_tokens;
      const off = Math.abs(done.ratio.achieved - achieved);
      holds(off <= ROUNDING, `achieved is ${achieved}, before by after as read, not ${done.ratio.achieved}`);
    });
    await trial.check('requested-is-told', () => equal(done.ratio.requested, 3, 'ratio.requested'));
    await trial.need('snapshot-of-before', async () => {
      const kept = answered(await api.get(`/snapshots/${done.snapshot_id}`), Snapshot);
      equal([kept.session_id, kept.preserve_len], [id, null], 'session_id and preserve_len of the snapshot');
      const archived = await readMessages(api, `/snapshots/${done.snapshot_id}/messages?scope=archived`);
      equal(archived, before.messages, 'what the snapshot holds');
    });
    await trial.check('undone-exactly', async () => {
      const reply = await api.post(`/sessions/${id}/rollback`, { snapshot_id: done.snapshot_id });
      const back = answered(reply, Session);
      equal([back.usage, back.tools], [before.session.usage, before.session.tools], 'usage and tools');
      equal(await windowOf(api, id), before.messages, 'the window');
    });
  },
});
