import { SessionTruncation } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { createSession, getSession, stateOf, unchanged, windowOf } from '../../wire/dialect.ts';
import { tokensIn } from '../../wire/groups.ts';
import { mixedWindow, TOOL } from '../../wire/windows.ts';

export const truncateAnswer = defineCase({
  id: 'truncate.answer',
  title: 'what truncate answers is what the session says; a rehearsal changes nothing',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'],
  checks: {
    'rehearsal-changes-nothing': 'truncate.dry-run',
    'rehearsal-tells-the-cut': 'truncate.dry-run',
    'before-as-read': 'truncate.answer',
    'after-as-read': 'truncate.answer',
    'removed-adds-up': 'truncate.answer',
    'usage-of-what-is-listed': 'truncate.answer',
    'needs-a-number': 'truncate.preserve-len-required',
    'again-changes-nothing': 'truncate.idempotent',
    'larger-changes-nothing': 'truncate.no-op',
    'empty-window-succeeds': 'truncate.no-op',
  },
  async run(trial) {
    const { api, limits } = trial;
    const before = await mixedWindow(trial, { tools: [TOOL] });
    const { id, usage } = before.session;
    const path = `/sessions/${id}/truncate`;
    // Room for one of the smaller messages is left over, so that an eager second cut would show.
    const preserve_len = Math.floor(1.6 * limits.min_preserve_tokens);
    const cut = async (body: object) => answered(await api.post(path, body), SessionTruncation);
    await trial.check('needs-a-number', async () => {
      for (const wrong of [{}, { preserve_len: 'all' }, { preserve_len: preserve_len + 0.5 }]) {
        refused(await api.post(path, wrong), 'invalid_request', { param: 'preserve_len' });
      }
      await unchanged(api, before);
    });
    const rehearsed = await cut({ preserve_len, dry_run: true });
    await trial.check('rehearsal-changes-nothing', () => unchanged(api, before));
    const done = await cut({ preserve_len });
    const { session, messages } = await stateOf(api, id);
    await trial.check('rehearsal-tells-the-cut', () => {
      equal([rehearsed.dry_run, done.dry_run], [true, false], 'dry_run of the rehearsal and of the cut');
      const told = ({ removed, before: first, after }: SessionTruncation) => ({ removed, before: first, after });
      equal(told(rehearsed), told(done), 'the usage that the rehearsal tells');
    });
    await trial.check('before-as-read', () => equal(done.before, usage, 'before, against the usage read before'));
    await trial.check('after-as-read', () => {
      equal(done.after, session.usage, 'after, against the usage read after');
      equal(done.version, session.version, 'the version, against the one read after');
    });
    await trial.check('removed-adds-up', () => {
      const tokens = done.before.total_tokens - done.after.total_tokens;
      equal(done.removed, { messages: before.messages.length - messages.length, tokens }, 'removed');
      holds(done.removed.messages > 0, 'something is removed');
    });
    await trial.check('usage-of-what-is-listed', () => {
      equal(session.usage.messages, messages.length, 'usage.messages');
      equal(session.usage.total_tokens, usage.tools_tokens + tokensIn(messages), 'usage.total_tokens');
      equal(session.usage.remaining_tokens, limits.window_tokens - session.usage.total_tokens, 'remaining_tokens');
    });
    const cutOnce = { session, messages };
    await trial.check('again-changes-nothing', async () => {
      succeeded(await api.post(path, { preserve_len }));
      await unchanged(api, cutOnce);
    });
    await trial.check('larger-changes-nothing', async () => {
      const now = await getSession(api, id);
      const { removed, version } = await cut({ preserve_len: usage.total_tokens });
      equal(removed, { messages: 0, tokens: 0 }, 'removed, where all fits');
      equal(version, now.version, 'the version, where all fits');
      equal(await getSession(api, id), now, 'the session, where all fits');
    });
    await trial.check('empty-window-succeeds', async () => {
      const empty = await createSession(api);
      const reply = await api.post(`/sessions/${empty.id}/truncate`, { preserve_len });
      const { removed, version } = answered(reply, SessionTruncation);
      equal([removed, version], [{ messages: 0, tokens: 0 }, empty.version], 'removed and version of an empty window');
      equal(await windowOf(api, empty.id), [], 'the empty window');
    });
  },
});
