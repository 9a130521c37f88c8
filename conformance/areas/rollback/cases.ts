import { Session, SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot, SnapshotDeleted } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { CUT_AND_BACK } from '../../tables/states.ts';
import { codeWordText, expectNoRecall, expectRecall } from '../../wire/chat.ts';
import { user } from '../../wire/sessions.ts';
import { expectBelowMinimum, mixedWindow, OTHER_TOOL, partlyRestored, TOOL } from '../../wire/windows.ts';
import { STATE_CASES } from './state-cases.ts';

const rollbackForeign = defineCase({
  id: 'rollback.foreign',
  title: 'only snapshots of the session itself can be rolled back to',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback'],
  checks: {
    'other-session-refused': 'rollback.own-snapshots',
    'deleted-refused never-known-refused': 'rollback.unknown',
    'refused-unchanged': 'rollback.refused-unchanged',
  },
  async run({ api }, context) {
    const [one, two] = [await api.createSession(), await api.createSession()];
    await api.append(one.id, user('The first session.'));
    await api.append(two.id, user('The second session.'));
    const own = await api.createSnapshot(one.id);
    const theirs = await api.createSnapshot(two.id);
    const gone = await api.createSnapshot(one.id);
    expectBody(await api.delete(`/snapshots/${gone.id}`), SnapshotDeleted);
    await api.append(one.id, user('It goes on.'));
    const path = `/sessions/${one.id}/rollback`;
    const before = await api.stateOf(one.id);
    await context.check('other-session-refused', async () => {
      expectError(await api.post(path, { snapshot_id: theirs.id }), 'snapshot_mismatch', { param: 'snapshot_id' });
    });
    for (const [check, snapshot_id] of [
      ['deleted-refused', gone.id],
      ['never-known-refused', 'snap_kimiconformanceneverknown'],
    ] as const) {
      await context.check(check, async () => {
        expectError(await api.post(path, { snapshot_id }), 'snapshot_not_found', { param: 'snapshot_id' });
      });
    }
    await context.check('refused-unchanged', () => api.expectUnchanged(before));
    expectSuccess(await api.post(path, { snapshot_id: own.id }));
  },
});

const rollbackHidden = defineCase({
  id: 'rollback.hidden',
  title: 'snapshots of another account do not exist',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback'],
  twoAccounts: true,
  checks: { 'their-snapshot-refused their-session-refused': 'rollback.hidden' },
  async run({ api, check, secondAccount }) {
    const other = secondAccount();
    const [ours, theirs] = [await api.createSession(), await other.createSession()];
    await api.append(ours.id, user('Ours.'));
    const snapshot = await api.createSnapshot(ours.id);
    await api.append(ours.id, user('Ours still.'));
    const before = await api.stateOf(ours.id);
    await check('their-snapshot-refused', async () => {
      const reply = await other.post(`/sessions/${theirs.id}/rollback`, { snapshot_id: snapshot.id });
      expectError(reply, 'snapshot_not_found', { param: 'snapshot_id' });
    });
    await check('their-session-refused', async () => {
      const reply = await other.post(`/sessions/${ours.id}/rollback`, { snapshot_id: snapshot.id });
      expectError(reply, 'session_not_found');
      await api.expectUnchanged(before);
    });
  },
});

const rollbackIdentity = defineCase({
  id: 'rollback.identity',
  title: 'a rollback undoes every change to the window',
  needs: CUT_AND_BACK,
  checks: {
    'messages-as-they-were': 'rollback.restores',
    'usage-as-it-was': 'rollback.usage',
    'pins-as-they-were tools-as-they-were': 'rollback.pins-and-tools',
    'title-and-metadata-stay model-stays': 'rollback.keeps-fields',
    'answer-as-read': 'rollback.answer',
    'version-steps': 'rollback.version',
    'snapshot-stays undone-and-redone': 'rollback.keeps-snapshot',
    'at-once-the-same': 'rollback.restores',
  },
  async run({ api, limits, check }, context) {
    const before = await mixedWindow(context, { tools: [TOOL], title: 'before' });
    const { id } = before.session;
    const path = `/sessions/${id}`;
    const taken = await api.createSnapshot(id);
    const rollback = async (snapshot_id: string) =>
      expectBody(await api.post(`${path}/rollback`, { snapshot_id }), Session);
    await check('at-once-the-same', async () => {
      await rollback(taken.id);
      expectEqual(await api.windowOf(id), before.messages, 'the window, where nothing was done since the snapshot');
    });
    // Every kind of change, the pins both ways.
    const [, plain] = before.messages;
    expectBody(await api.post(`${path}/messages/${plain?.id}`, { pinned: true }), SessionMessage);
    const pinned = before.messages.findLast((message) => message.pinned);
    expectBody(await api.post(`${path}/messages/${pinned?.id}`, { pinned: false }), SessionMessage);
    expectSuccess(await api.post(`${path}/truncate`, { preserve_len: Math.floor(1.5 * limits.min_preserve_tokens) }));
    await api.append(id, [user('Later.'), { role: 'assistant', content: 'Too late.' }]);
    const fields = { title: 'after', metadata: { since: 'then' } };
    expectBody(await api.post(path, { ...fields, tools: [OTHER_TOOL, TOOL] }), Session);
    const changed = await api.stateOf(id);
    const later = await api.createSnapshot(id);

    const answer = await rollback(taken.id);
    const { session, messages } = await api.stateOf(id);
    await check('messages-as-they-were', () => {
      const bare = (list: typeof messages) => list.map(({ pinned: _, ...message }) => message);
      expectEqual(bare(messages), bare(before.messages), 'the messages');
    });
    await check('pins-as-they-were', () => {
      const pins = (list: typeof messages) => list.map((message) => message.pinned);
      expectEqual(pins(messages), pins(before.messages), 'pinned of each message');
    });
    await check('usage-as-it-was', () => expectEqual(session.usage, before.session.usage, 'the usage'));
    await check('tools-as-they-were', () => expectEqual(session.tools, before.session.tools, 'the tools'));
    await check('title-and-metadata-stay', () => {
      expectEqual({ title: session.title, metadata: session.metadata }, fields, 'title and metadata');
    });
    await check('model-stays', () => expectEqual(session.model, before.session.model, 'the model'));
    await check('answer-as-read', () => expectEqual(answer, session, 'the answer, against the session read'));
    await check('version-steps', () => {
      expectEqual(session.version, changed.session.version + 1, 'the version, a step on from before the rollback');
    });
    await check('snapshot-stays', async () => {
      expectEqual(
        expectBody(await api.get(`/snapshots/${taken.id}`), Snapshot),
        taken,
        'the snapshot after the rollback',
      );
    });
    await check('undone-and-redone', async () => {
      await rollback(later.id);
      expectEqual(await api.windowOf(id), changed.messages, 'the window after going forward to a later snapshot');
      await rollback(taken.id);
      expectEqual(await api.windowOf(id), before.messages, 'the window after going back once more');
      const { version } = await api.append(id, user('It goes on.'));
      expectTrue(version === (await api.getSession(id)).version, 'the session takes new messages');
    });
  },
});

const rollbackMemory = defineCase({
  id: 'rollback.memory',
  title: 'after a rollback the model knows only what came before the snapshot',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback', 'chat'],
  checks: { 'later-unknown earlier-known-again': 'rollback.model-forgets', 'turns-are-undone': 'rollback.restores' },
  cost: () => ({ promptTokens: 7 * 200, completionTokens: 7 * 32 }),
  async run({ api, check, nonce }, context) {
    const [earlier, later] = [nonce(), nonce()];
    const { id } = await api.createSession();
    await api.append(id, user(codeWordText(earlier)));
    const { id: snapshot_id } = await api.createSnapshot(id);
    const before = await api.windowOf(id);
    await api.append(id, user(codeWordText(later)));
    // A turn of its own, so that more than appends has to be undone.
    await expectRecall(context, { session_id: id }, later);
    expectBody(await api.post(`/sessions/${id}/rollback`, { snapshot_id }), Session);
    await check('turns-are-undone', async () => expectEqual(await api.windowOf(id), before, 'the window'));
    await check('later-unknown', () => expectNoRecall(context, { session_id: id }, later));
    await check('earlier-known-again', () => expectRecall(context, { session_id: id }, earlier));
  },
});

const rollbackPreserveLen = defineCase({
  id: 'rollback.preserve-len',
  title: 'preserve_len sets how much is restored',
  needs: CUT_AND_BACK,
  checks: {
    'as-truncate': 'rollback.as-truncate',
    'less-on-request more-on-request': 'rollback.preserve-len',
    'all-on-request': 'rollback.all',
    'under-minimum-refused': 'rollback.minimum',
    'neither-number-nor-all-refused needs-snapshot': 'rollback.request',
    'refused-unchanged': 'rollback.refused-unchanged',
  },
  async run({ api, limits, check }, context) {
    const least = limits.min_preserve_tokens;
    const { session, messages, snapshot_id, little, middle, most, kept } = await partlyRestored(context);
    const path = `/sessions/${session.id}`;
    const rollback = async (fields: object = {}) => {
      expectBody(await api.post(`${path}/rollback`, { snapshot_id, ...fields }), Session);
      return api.windowOf(session.id);
    };
    expectSuccess(await api.post(`${path}/truncate`, { preserve_len: middle }));
    const truncated = await api.windowOf(session.id);
    expectTrue(truncated.length < messages.length, 'a truncate to the same preserve_len cuts something');
    await check('all-on-request', async () => {
      expectEqual(await rollback({ preserve_len: 'all' }), messages, 'the window');
    });
    await check('as-truncate', async () => expectEqual(await rollback(), truncated, 'the window'));
    await check('less-on-request', async () => {
      expectEqual(await rollback({ preserve_len: little }), kept(little), `the window, at most ${little} tokens`);
    });
    await check('more-on-request', async () => {
      expectEqual(await rollback({ preserve_len: most }), kept(most), `the window, at most ${most} tokens`);
    });
    const before = await api.stateOf(session.id);
    const refuse = async (fields: object) => api.post(`${path}/rollback`, fields);
    await check('under-minimum-refused', async () => {
      const reply = await refuse({ snapshot_id, preserve_len: least - 1 });
      expectBelowMinimum(reply, least);
    });
    await check('neither-number-nor-all-refused', async () => {
      for (const preserve_len of ['most', least + 0.5]) {
        expectError(await refuse({ snapshot_id, preserve_len }), 'invalid_request', { param: 'preserve_len' });
      }
    });
    await check('needs-snapshot', async () => {
      expectError(await refuse({}), 'invalid_request', { param: 'snapshot_id' });
    });
    await check('refused-unchanged', () => api.expectUnchanged(before));
    expectSuccess(await api.post(`${path}/rollback`, { snapshot_id, preserve_len: least }));
  },
});

export const ROLLBACK_CASES: readonly Case[] = [
  rollbackIdentity,
  rollbackPreserveLen,
  rollbackForeign,
  rollbackHidden,
  rollbackMemory,
  ...STATE_CASES,
];
