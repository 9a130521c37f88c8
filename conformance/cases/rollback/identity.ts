import { Session, SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, succeeded } from '../../core/expect.ts';
import { append, createSnapshot, getSession, stateOf, user, windowOf } from '../../wire/dialect.ts';
import { mixedWindow, OTHER_TOOL, TOOL } from '../../wire/windows.ts';

export const rollbackIdentity = defineCase({
  id: 'rollback.identity',
  title: 'whatever was done to a session, a rollback undoes it',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.truncate',
    'sessions.snapshot',
    'sessions.rollback',
    'tokens.estimate',
  ],
  checks: {
    'messages-as-they-were': 'rollback.restores',
    'usage-as-it-was': 'rollback.usage',
    'pins-as-they-were': 'rollback.pins-and-tools',
    'tools-as-they-were': 'rollback.pins-and-tools',
    'title-and-metadata-stay': 'rollback.keeps-fields',
    'model-stays': 'rollback.keeps-fields',
    'answer-as-read': 'rollback.answer',
    'version-steps': 'rollback.version',
    'snapshot-stays': 'rollback.keeps-snapshot',
    'undone-and-redone': 'rollback.keeps-snapshot',
    'at-once-the-same': 'rollback.restores',
  },
  async run(trial) {
    const { api, limits } = trial;
    const before = await mixedWindow(trial, { tools: [TOOL], title: 'before' });
    const { id } = before.session;
    const path = `/sessions/${id}`;
    const taken = await createSnapshot(api, id);
    const rollback = async (snapshot_id: string) =>
      answered(await api.post(`${path}/rollback`, { snapshot_id }), Session);
    await trial.check('at-once-the-same', async () => {
      await rollback(taken.id);
      equal(await windowOf(api, id), before.messages, 'the window, where nothing was done since the snapshot');
    });
    // Every kind of change, the pins both ways.
    const [, plain] = before.messages;
    answered(await api.post(`${path}/messages/${plain?.id}`, { pinned: true }), SessionMessage);
    const pinned = before.messages.findLast((message) => message.pinned);
    answered(await api.post(`${path}/messages/${pinned?.id}`, { pinned: false }), SessionMessage);
    succeeded(await api.post(`${path}/truncate`, { preserve_len: Math.floor(1.5 * limits.min_preserve_tokens) }));
    await append(api, id, [user('Later.'), { role: 'assistant', content: 'Too late.' }]);
    const fields = { title: 'after', metadata: { since: 'then' } };
    answered(await api.post(path, { ...fields, tools: [OTHER_TOOL, TOOL] }), Session);
    const changed = await stateOf(api, id);
    const later = await createSnapshot(api, id);

    const told = await rollback(taken.id);
    const { session, messages } = await stateOf(api, id);
    await trial.check('messages-as-they-were', () => {
      const bare = (list: typeof messages) => list.map(({ pinned: _, ...message }) => message);
      equal(bare(messages), bare(before.messages), 'the messages');
    });
    await trial.check('pins-as-they-were', () => {
      const pins = (list: typeof messages) => list.map((message) => message.pinned);
      equal(pins(messages), pins(before.messages), 'pinned of each message');
    });
    await trial.check('usage-as-it-was', () => equal(session.usage, before.session.usage, 'the usage'));
    await trial.check('tools-as-they-were', () => equal(session.tools, before.session.tools, 'the tools'));
    await trial.check('title-and-metadata-stay', () => {
      equal({ title: session.title, metadata: session.metadata }, fields, 'title and metadata');
    });
    await trial.check('model-stays', () => equal(session.model, before.session.model, 'the model'));
    await trial.check('answer-as-read', () => equal(told, session, 'the answer, against the session read'));
    await trial.check('version-steps', () => {
      equal(session.version, changed.session.version + 1, 'the version, a step on from before the rollback');
    });
    await trial.check('snapshot-stays', async () => {
      equal(answered(await api.get(`/snapshots/${taken.id}`), Snapshot), taken, 'the snapshot after the rollback');
    });
    await trial.check('undone-and-redone', async () => {
      await rollback(later.id);
      equal(await windowOf(api, id), changed.messages, 'the window after going forward to a later snapshot');
      await rollback(taken.id);
      equal(await windowOf(api, id), before.messages, 'the window after going back once more');
      const { version } = await append(api, id, user('It goes on.'));
      holds(version === (await getSession(api, id)).version, 'the session takes new messages');
    });
  },
});
