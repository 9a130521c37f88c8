import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted, SessionMessage } from '../../../contract/sessions.ts';
import { SnapshotDeleted } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import {
  append,
  createSession,
  createSnapshot,
  getSession,
  type State,
  stateOf,
  unchanged,
  user,
  windowOf,
} from '../../wire/dialect.ts';
import { said } from '../../wire/groups.ts';
import { belowMinimum, partlyRestored } from '../../wire/preserve-len.ts';
import { knowsNot, recalls, tells } from '../../wire/recall.ts';
import { mixedWindow, OTHER_TOOL, TOOL } from '../../wire/windows.ts';

const forkLimit = defineCase({
  id: 'forks.limit',
  title: 'forks count against the sessions of the account',
  needs: ['sessions', 'sessions.list', 'sessions.append', 'sessions.snapshot', 'sessions.fork'],
  scope: 'account',
  checks: {
    'last-place-taken': 'forks.counts',
    'no-place-left': 'forks.counts',
    'place-freed': 'forks.counts',
    'counts-for-others': 'forks.counts',
  },
  cost: ({ sessions }) => ({ requests: 2 * sessions + 40 }),
  async run(trial) {
    const { sessions: limit } = trial.limits;
    const api = await trial.empty();
    const { id } = await createSession(api);
    await append(api, id, user('The first.'));
    const { id: snapshot_id } = await createSnapshot(api, id);
    for (let count = 1; count < limit - 1; count += 1) await createSession(api);
    let last = '';
    await trial.need('last-place-taken', async () => {
      last = (await createSession(api, { snapshot_id })).id;
    });
    await trial.check('no-place-left', async () => {
      const newest = async () => answered(await api.get('/sessions?limit=3'), listOf(Session)).data;
      const before = await newest();
      refused(await api.post('/sessions', { snapshot_id }), 'session_limit_reached');
      equal(await newest(), before, 'the newest sessions after the refusal');
    });
    await trial.check('counts-for-others', async () => {
      refused(await api.post('/sessions'), 'session_limit_reached');
    });
    await trial.check('place-freed', async () => {
      answered(await api.delete(`/sessions/${last}`), SessionDeleted);
      await createSession(api, { snapshot_id });
      refused(await api.post('/sessions', { snapshot_id }), 'session_limit_reached');
    });
  },
});

const forkHidden = defineCase({
  id: 'forks.hidden',
  title: 'another account cannot fork by the id of a snapshot',
  needs: ['sessions', 'sessions.snapshot', 'sessions.fork'],
  twoAccounts: true,
  checks: { refused: 'forks.hidden' },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const { id: snapshot_id } = await createSnapshot(api, id);
    await trial.check('refused', async () => {
      const reply = await trial.second().post('/sessions', { snapshot_id });
      refused(reply, 'snapshot_not_found', { param: 'snapshot_id' });
    });
    await createSession(api, { snapshot_id });
  },
});

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
  await append(api, session.id, user('Only here.'));
  answered(await api.post(`${path}/messages/${messages[1]?.id}`, { pinned: true }), SessionMessage);
  answered(await api.post(path, { tools: [OTHER_TOOL], title: 'only here' }), Session);
  succeeded(await api.post(`${path}/truncate`, { preserve_len }));
}

const forkIsolation = defineCase({
  id: 'forks.isolation',
  title: 'a fork and its source never influence each other',
  needs: NEEDS,
  checks: {
    'source-sees-no-change': 'forks.isolated',
    'sibling-sees-no-change': 'forks.isolated',
    'fork-sees-no-change': 'forks.source-isolated',
    'outlives-source': 'forks.source-isolated',
    'outlives-snapshot': 'forks.source-isolated',
    'source-outlives-fork': 'forks.isolated',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api, limits } = trial;
    const preserve_len = Math.floor(1.5 * limits.min_preserve_tokens);
    const { session } = await mixedWindow(trial, { tools: [TOOL] });
    const { id: snapshot_id } = await createSnapshot(api, session.id);
    const fork = async () => stateOf(api, (await createSession(api, { snapshot_id })).id);
    const [first, second] = [await fork(), await fork()];
    const source = await stateOf(api, session.id);
    await disturb(api, first, preserve_len);
    await trial.check('source-sees-no-change', () => unchanged(api, source));
    await trial.check('sibling-sees-no-change', () => unchanged(api, second));
    answered(await api.delete(`/sessions/${first.session.id}`), SessionDeleted);
    await trial.check('source-outlives-fork', () => unchanged(api, source));
    await disturb(api, source, preserve_len);
    await trial.check('fork-sees-no-change', () => unchanged(api, second));
    answered(await api.delete(`/sessions/${session.id}`), SessionDeleted);
    await trial.check('outlives-source', () => unchanged(api, second));
    answered(await api.delete(`/snapshots/${snapshot_id}`), SnapshotDeleted);
    await trial.check('outlives-snapshot', async () => {
      await unchanged(api, second);
      const { usage } = await append(api, second.session.id, user('It goes on.'));
      equal(usage.messages, second.messages.length + 1, 'messages after one more');
    });
  },
});

const forkMemory = defineCase({
  id: 'forks.memory',
  title: 'the model knows what the fork was told, and nothing that was told to another session',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork', 'chat'],
  checks: {
    'history-known': 'forks.model-knows',
    'source-unknown-to-fork': 'forks.model-knows',
    'fork-unknown-to-source': 'forks.model-knows',
  },
  cost: () => ({ promptTokens: 5 * 200, completionTokens: 5 * 32 }),
  async run(trial) {
    const { api } = trial;
    const [common, ofSource, ofFork] = [trial.nonce(), trial.nonce(), trial.nonce()];
    const { id: source } = await createSession(api);
    await append(api, source, user(tells(common)));
    const { id: snapshot_id } = await createSnapshot(api, source);
    const { id: fork } = await createSession(api, { snapshot_id });
    await append(api, source, user(tells(ofSource, 'garden')));
    await append(api, fork, user(tells(ofFork, 'kitchen')));
    await trial.check('source-unknown-to-fork', () => knowsNot(trial, { session_id: fork }, ofSource, 'garden'));
    await trial.check('fork-unknown-to-source', () => knowsNot(trial, { session_id: source }, ofFork, 'kitchen'));
    await trial.check('history-known', () => recalls(trial, { session_id: fork }, common));
  },
});

const forkNewSession = defineCase({
  id: 'forks.new-session',
  title: 'a fork begins where the snapshot stands',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork', 'tokens.estimate'],
  checks: {
    'own-session': 'forks.new-session',
    'same-window': 'forks.new-session',
    'same-usage': 'forks.new-session',
    'same-pins': 'forks.tools-and-pins',
    'same-tools': 'forks.tools-and-pins',
    'same-model': 'forks.tools-and-pins',
    'own-title-and-metadata': 'forks.own-fields',
    'names-its-origin': 'forks.origin',
    'others-have-none': 'forks.origin',
  },
  async run(trial) {
    const { api, target } = trial;
    const { session, messages } = await mixedWindow(trial, { tools: [TOOL], title: 'source', model: target.model });
    const taken = await createSnapshot(api, session.id);
    // What comes after the snapshot is no part of it.
    await append(api, session.id, user('Later.'));
    const fields = { title: 'fork', metadata: { branch: '1' } };
    const fork = await createSession(api, { snapshot_id: taken.id, ...fields });
    const window = await windowOf(api, fork.id);
    await trial.need('own-session', async () => {
      holds(fork.id !== session.id, 'the fork has an id of its own');
      equal(await getSession(api, fork.id), fork, 'the fork as it is read');
      equal(
        window.map((message) => message.session_id).filter((id) => id !== fork.id),
        [],
        'other sessions’ ids in it',
      );
    });
    await trial.check('same-window', () => equal(window.map(said), messages.map(said), 'the window of the fork'));
    await trial.check('same-pins', () => {
      equal(
        window.map(({ pinned }) => pinned),
        messages.map(({ pinned }) => pinned),
        'pinned of each message',
      );
    });
    await trial.check('same-usage', () => equal(fork.usage, session.usage, 'the usage'));
    await trial.check('same-tools', () => equal(fork.tools, session.tools, 'the tools'));
    await trial.check('same-model', () => equal(fork.model, session.model, 'the model'));
    await trial.check('own-title-and-metadata', () => {
      equal({ title: fork.title, metadata: fork.metadata }, fields, 'title and metadata');
    });
    await trial.check('names-its-origin', () => equal(fork.forked_from, { snapshot_id: taken.id }, 'forked_from'));
    await trial.check('others-have-none', () => equal(session.forked_from, null, 'forked_from of a plain session'));
  },
});

const NEEDSRequest = ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.fork'] as const;

const forkFields = defineCase({
  id: 'forks.fields',
  title: 'what a fork takes from its snapshot cannot be given too',
  needs: NEEDSRequest,
  checks: {
    'model-refused': 'forks.fields-refused',
    'tools-refused': 'forks.fields-refused',
    'messages-refused': 'forks.fields-refused',
    'two-origins-refused': 'forks.fields-refused',
    'preserve-len-alone-refused': 'forks.preserve-len-alone',
    'deleted-refused': 'forks.unknown',
    'never-known-refused': 'forks.unknown',
    'deleted-session-forked': 'forks.deleted-session',
  },
  async run(trial) {
    const { api, limits, target } = trial;
    const { id } = await createSession(api);
    await append(api, id, user('The only message.'));
    const { id: snapshot_id } = await createSnapshot(api, id);
    const gone = await createSnapshot(api, id);
    answered(await api.delete(`/snapshots/${gone.id}`), SnapshotDeleted);
    const refuse = async (fields: object, param: string) => {
      refused(await api.post('/sessions', { snapshot_id, ...fields }), 'invalid_request', { param });
    };
    await trial.check('model-refused', () => refuse({ model: target.model }, 'model'));
    await trial.check('tools-refused', () => refuse({ tools: [TOOL] }, 'tools'));
    await trial.check('messages-refused', () => refuse({ messages: [user('One more.')] }, 'messages'));
    await trial.check('two-origins-refused', async () => {
      refused(await api.post('/sessions', { snapshot_id, share_id: 'shr_kimiconformance' }), 'invalid_request');
    });
    await trial.check('preserve-len-alone-refused', async () => {
      const reply = await api.post('/sessions', { preserve_len: limits.min_preserve_tokens });
      refused(reply, 'invalid_request', { param: 'preserve_len' });
    });
    for (const [check, unknown] of [
      ['deleted-refused', gone.id],
      ['never-known-refused', 'snap_kimiconformanceneverknown'],
    ] as const) {
      await trial.check(check, async () => {
        const reply = await api.post('/sessions', { snapshot_id: unknown });
        refused(reply, 'snapshot_not_found', { param: 'snapshot_id' });
      });
    }
    answered(await api.delete(`/sessions/${id}`), SessionDeleted);
    await trial.check('deleted-session-forked', async () => {
      const fork = await createSession(api, { snapshot_id });
      equal(
        (await windowOf(api, fork.id)).map(({ content }) => content),
        ['The only message.'],
        'the window',
      );
    });
  },
});

const forkPreserveLen = defineCase({
  id: 'forks.preserve-len',
  title: 'a fork begins with as much as is asked for',
  needs: [...NEEDSRequest, 'tokens.estimate'],
  checks: {
    'as-the-snapshot-restores': 'forks.new-session',
    'less-on-request': 'forks.preserve-len',
    'more-on-request': 'forks.preserve-len',
    'under-minimum-refused': 'forks.minimum',
  },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const { snapshot_id, little, middle, most, kept } = await partlyRestored(trial);
    const window = async (preserve_len?: number) => {
      const fork = await createSession(api, { snapshot_id, ...(preserve_len && { preserve_len }) });
      return (await windowOf(api, fork.id)).map(said);
    };
    await trial.check('as-the-snapshot-restores', async () =>
      equal(await window(), kept(middle)?.map(said), 'the window'),
    );
    await trial.check('less-on-request', async () =>
      equal(await window(little), kept(little)?.map(said), 'the window'),
    );
    await trial.check('more-on-request', async () => equal(await window(most), kept(most)?.map(said), 'the window'));
    await trial.check('under-minimum-refused', async () => {
      const reply = await api.post('/sessions', { snapshot_id, preserve_len: least - 1 });
      belowMinimum(reply, least);
    });
  },
});

export const FORKS_CASES: readonly Case[] = [
  forkNewSession,
  forkIsolation,
  forkFields,
  forkPreserveLen,
  forkHidden,
  forkMemory,
  forkLimit,
];
