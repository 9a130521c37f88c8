import { Session, SessionDeleted, SessionMessage } from '../../../contract/sessions.ts';
import { SnapshotDeleted } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { codeWordText, expectNoRecall, expectRecall } from '../../wire/chat.ts';
import { isPinnedMessage, type State, user } from '../../wire/sessions.ts';
import { contentOf, expectBelowMinimum, mixedWindow, OTHER_TOOL, partlyRestored, TOOL } from '../../wire/windows.ts';
import { ORIGIN_CASES } from './origin-cases.ts';

const NEEDS = [
  'sessions',
  'sessions.append',
  'sessions.truncate',
  'sessions.snapshot',
  'sessions.fork',
  'tokens.estimate',
] as const;

/** All that can be done to a session but delete it. */
async function disturb(api: Api, { session, messages }: State, preserve_len: number): Promise<void> {
  const path = `/sessions/${session.id}`;
  await api.append(session.id, user('Only here.'));
  expectBody(await api.post(`${path}/messages/${messages[1]?.id}`, { pinned: true }), SessionMessage);
  expectBody(await api.post(path, { tools: [OTHER_TOOL], title: 'only here' }), Session);
  expectSuccess(await api.post(`${path}/truncate`, { preserve_len }));
}

const forkIsolation = defineCase({
  id: 'forks.isolation',
  title: 'a fork and its source never influence each other',
  needs: NEEDS,
  checks: {
    'source-sees-no-change sibling-sees-no-change': 'forks.isolated',
    'fork-sees-no-change outlives-source outlives-snapshot': 'forks.source-isolated',
    'source-outlives-fork': 'forks.isolated',
  },
  cost: () => ({ requests: 60 }),
  async run({ api, limits, check }, context) {
    const preserve_len = Math.floor(1.5 * limits.min_preserve_tokens);
    const { session } = await mixedWindow(context, { tools: [TOOL] });
    const { id: snapshot_id } = await api.createSnapshot(session.id);
    const fork = async () => api.stateOf((await api.createSession({ snapshot_id })).id);
    const [first, second] = [await fork(), await fork()];
    const source = await api.stateOf(session.id);
    await disturb(api, first, preserve_len);
    await check('source-sees-no-change', () => api.expectUnchanged(source));
    await check('sibling-sees-no-change', () => api.expectUnchanged(second));
    expectBody(await api.delete(`/sessions/${first.session.id}`), SessionDeleted);
    await check('source-outlives-fork', () => api.expectUnchanged(source));
    await disturb(api, source, preserve_len);
    await check('fork-sees-no-change', () => api.expectUnchanged(second));
    expectBody(await api.delete(`/sessions/${session.id}`), SessionDeleted);
    await check('outlives-source', () => api.expectUnchanged(second));
    expectBody(await api.delete(`/snapshots/${snapshot_id}`), SnapshotDeleted);
    await check('outlives-snapshot', async () => {
      await api.expectUnchanged(second);
      const { usage } = await api.append(second.session.id, user('It goes on.'));
      expectEqual(usage.messages, second.messages.length + 1, 'messages after one more');
    });
  },
});

const forkMemory = defineCase({
  id: 'forks.memory',
  title: 'the model knows the history of the fork and of no other session',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork', 'chat'],
  checks: { 'history-known source-unknown-to-fork fork-unknown-to-source': 'forks.model-knows' },
  cost: () => ({ promptTokens: 5 * 200, completionTokens: 5 * 32 }),
  async run({ api, check, nonce }, context) {
    const [common, ofSource, ofFork] = [nonce(), nonce(), nonce()];
    const { id: source } = await api.createSession();
    await api.append(source, user(codeWordText(common)));
    const { id: snapshot_id } = await api.createSnapshot(source);
    const { id: fork } = await api.createSession({ snapshot_id });
    await api.append(source, user(codeWordText(ofSource, 'garden')));
    await api.append(fork, user(codeWordText(ofFork, 'kitchen')));
    await check('source-unknown-to-fork', () => expectNoRecall(context, { session_id: fork }, ofSource, 'garden'));
    await check('fork-unknown-to-source', () => expectNoRecall(context, { session_id: source }, ofFork, 'kitchen'));
    await check('history-known', () => expectRecall(context, { session_id: fork }, common));
  },
});

const forkNewSession = defineCase({
  id: 'forks.new-session',
  title: 'a fork starts with the window of the snapshot',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork', 'tokens.estimate'],
  checks: {
    'own-session same-window same-usage': 'forks.new-session',
    'same-pins same-tools same-model': 'forks.tools-and-pins',
    'own-title-and-metadata': 'forks.own-fields',
    'names-its-origin others-have-none': 'forks.origin',
  },
  async run({ api, target, check, require }, context) {
    const { session, messages } = await mixedWindow(context, { tools: [TOOL], title: 'source', model: target.model });
    const taken = await api.createSnapshot(session.id);
    // What comes after the snapshot is not part of it.
    await api.append(session.id, user('Later.'));
    const fields = { title: 'fork', metadata: { branch: '1' } };
    const fork = await api.createSession({ snapshot_id: taken.id, ...fields });
    const window = await api.windowOf(fork.id);
    await require('own-session', async () => {
      expectTrue(fork.id !== session.id, 'the fork has an id of its own');
      expectEqual(await api.getSession(fork.id), fork, 'the fork as it is read');
      expectEqual(
        window.map((message) => message.session_id).filter((id) => id !== fork.id),
        [],
        'other sessions’ ids in it',
      );
    });
    await check('same-window', () =>
      expectEqual(window.map(contentOf), messages.map(contentOf), 'the window of the fork'),
    );
    await check('same-pins', () => {
      expectEqual(window.map(isPinnedMessage), messages.map(isPinnedMessage), 'pinned of each message');
    });
    await check('same-usage', () => expectEqual(fork.usage, session.usage, 'the usage'));
    await check('same-tools', () => expectEqual(fork.tools, session.tools, 'the tools'));
    await check('same-model', () => expectEqual(fork.model, session.model, 'the model'));
    await check('own-title-and-metadata', () => {
      expectEqual({ title: fork.title, metadata: fork.metadata }, fields, 'title and metadata');
    });
    await check('names-its-origin', () => expectEqual(fork.forked_from, { snapshot_id: taken.id }, 'forked_from'));
    await check('others-have-none', () => expectEqual(session.forked_from, null, 'forked_from of a plain session'));
  },
});

const NEEDSRequest = ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork'] as const;

const forkFields = defineCase({
  id: 'forks.fields',
  title: 'fields that a fork takes from its snapshot are refused',
  needs: NEEDSRequest,
  checks: {
    'model-refused tools-refused messages-refused two-origins-refused': 'forks.fields-refused',
    'preserve-len-alone-refused': 'forks.preserve-len-alone',
    'deleted-refused never-known-refused': 'forks.unknown',
    'deleted-session-forked': 'forks.deleted-session',
  },
  async run({ api, limits, target }, context) {
    const { id } = await api.createSession();
    await api.append(id, user('The only message.'));
    const { id: snapshot_id } = await api.createSnapshot(id);
    const gone = await api.createSnapshot(id);
    expectBody(await api.delete(`/snapshots/${gone.id}`), SnapshotDeleted);
    const refuse = async (fields: object, param: string) => {
      expectError(await api.post('/sessions', { snapshot_id, ...fields }), 'invalid_request', { param });
    };
    await context.check('model-refused', () => refuse({ model: target.model }, 'model'));
    await context.check('tools-refused', () => refuse({ tools: [TOOL] }, 'tools'));
    await context.check('messages-refused', () => refuse({ messages: [user('One more.')] }, 'messages'));
    await context.check('two-origins-refused', async () => {
      expectError(await api.post('/sessions', { snapshot_id, share_id: 'shr_kimiconformance' }), 'invalid_request');
    });
    await context.check('preserve-len-alone-refused', async () => {
      const reply = await api.post('/sessions', { preserve_len: limits.min_preserve_tokens });
      expectError(reply, 'invalid_request', { param: 'preserve_len' });
    });
    for (const [check, unknown] of [
      ['deleted-refused', gone.id],
      ['never-known-refused', 'snap_kimiconformanceneverknown'],
    ] as const) {
      await context.check(check, async () => {
        const reply = await api.post('/sessions', { snapshot_id: unknown });
        expectError(reply, 'snapshot_not_found', { param: 'snapshot_id' });
      });
    }
    expectBody(await api.delete(`/sessions/${id}`), SessionDeleted);
    await context.check('deleted-session-forked', async () => {
      const fork = await api.createSession({ snapshot_id });
      expectEqual(
        (await api.windowOf(fork.id)).map(({ content }) => content),
        ['The only message.'],
        'the window',
      );
    });
  },
});

const forkPreserveLen = defineCase({
  id: 'forks.preserve-len',
  title: 'preserve_len sets how much a fork starts with',
  needs: [...NEEDSRequest, 'tokens.estimate'],
  checks: {
    'as-the-snapshot-restores': 'forks.new-session',
    'less-on-request more-on-request': 'forks.preserve-len',
    'under-minimum-refused': 'forks.minimum',
  },
  async run({ api, limits, check }, context) {
    const least = limits.min_preserve_tokens;
    const { snapshot_id, little, middle, most, kept } = await partlyRestored(context);
    const window = async (preserve_len?: number) => {
      const fork = await api.createSession({ snapshot_id, ...(preserve_len && { preserve_len }) });
      return (await api.windowOf(fork.id)).map(contentOf);
    };
    await check('as-the-snapshot-restores', async () =>
      expectEqual(await window(), kept(middle)?.map(contentOf), 'the window'),
    );
    await check('less-on-request', async () =>
      expectEqual(await window(little), kept(little)?.map(contentOf), 'the window'),
    );
    await check('more-on-request', async () =>
      expectEqual(await window(most), kept(most)?.map(contentOf), 'the window'),
    );
    await check('under-minimum-refused', async () => {
      const reply = await api.post('/sessions', { snapshot_id, preserve_len: least - 1 });
      expectBelowMinimum(reply, least);
    });
  },
});

export const FORKS_CASES: readonly Case[] = [
  forkNewSession,
  forkIsolation,
  forkFields,
  forkPreserveLen,
  forkMemory,
  ...ORIGIN_CASES,
];
