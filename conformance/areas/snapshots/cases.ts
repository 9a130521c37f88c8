import { contentText } from '../../../contract/content-text.ts';
import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted, SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot, SnapshotDeleted } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { user } from '../../wire/sessions.ts';
import {
  expectBelowMinimum,
  fillWindow,
  mixedWindow,
  OTHER_TOOL,
  retainedBy,
  TOOL,
  tokensIn,
} from '../../wire/windows.ts';
import { ANSWER_CASES } from './answer-cases.ts';
import { flagsCase } from './flags-case.ts';
import { snapshotSearch } from './search-cases.ts';

const snapshotImmutable = defineCase({
  id: 'snapshots.immutable',
  title: 'later changes to the session do not show in its snapshot',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'after-writes after-pins after-other-tools after-cut': 'snapshots.immutable',
    'after-deletion': 'snapshots.survives-session',
  },
  cost: () => ({ requests: 60 }),
  async run({ api, limits, check }, context) {
    const { session, messages } = await mixedWindow(context, { tools: [TOOL] });
    const path = `/sessions/${session.id}`;
    const { id } = await api.createSnapshot(session.id, { preserve_len: 2 * limits.min_preserve_tokens });
    const seen = async () => [
      expectBody(await api.get(`/snapshots/${id}`), Snapshot),
      await api.readMessages(`/snapshots/${id}/messages`),
      await api.readMessages(`/snapshots/${id}/messages?scope=archived`),
    ];
    const before = await seen();
    const same = async () => expectEqual(await seen(), before, 'the snapshot and its messages');
    await check('after-writes', async () => {
      await api.append(session.id, user('One more.'));
      await same();
    });
    await check('after-pins', async () => {
      const reply = await api.post(`${path}/messages/${messages[1]?.id}`, { pinned: true });
      expectBody(reply, SessionMessage);
      await same();
    });
    await check('after-other-tools', async () => {
      expectBody(await api.post(path, { tools: [OTHER_TOOL, TOOL], title: 'another' }), Session);
      await same();
    });
    await check('after-cut', async () => {
      expectSuccess(await api.post(`${path}/truncate`, { preserve_len: Math.floor(1.5 * limits.min_preserve_tokens) }));
      await same();
    });
    await check('after-deletion', async () => {
      expectBody(await api.delete(path), SessionDeleted);
      await same();
    });
  },
});

const snapshotLimit = defineCase({
  id: 'snapshots.limit',
  title: 'an account can have exactly its limit of snapshots',
  needs: ['sessions', 'sessions.snapshot'],
  scope: 'account',
  checks: {
    'last-accepted one-more-refused refusal-keeps-nothing': 'snapshots.limit',
    'deleting-makes-room': 'snapshots.limit-frees',
    'other-account-has-room': 'snapshots.limit-own',
  },
  cost: ({ snapshots }) => ({ requests: 2 * snapshots + 40 }),
  async run({ limits, check, require, secondAccount, emptyAccount }) {
    const { snapshots: limit } = limits;
    const api = await emptyAccount();
    const [one, two] = [await api.createSession(), await api.createSession()];
    // The limit is that of the account, so that no single session holds as many.
    for (let taken = 0; taken < limit - 1; taken += 1) await api.createSnapshot((taken % 2 === 0 ? one : two).id);
    let last = '';
    await require('last-accepted', async () => (last = (await api.createSnapshot(one.id)).id));
    const full = await newest(api);
    await check('one-more-refused', async () => {
      for (const { id } of [one, two]) {
        expectError(await api.post(`/sessions/${id}/snapshots`), 'snapshot_limit_reached');
      }
    });
    await check('refusal-keeps-nothing', async () => expectEqual(await newest(api), full, 'the newest snapshots'));
    await check('deleting-makes-room', async () => {
      expectBody(await api.delete(`/snapshots/${last}`), SnapshotDeleted);
      await api.createSnapshot(two.id);
      expectError(await api.post(`/sessions/${two.id}/snapshots`), 'snapshot_limit_reached');
    });
    await check('other-account-has-room', async () => {
      const other = secondAccount();
      const { id } = await other.createSession();
      await other.createSnapshot(id);
    });
  },
});

async function newest(api: Api): Promise<unknown> {
  return (expectSuccess(await api.get('/snapshots?limit=5')).json as { data?: unknown }).data;
}

const snapshotLists = defineCase({
  id: 'snapshots.lists',
  title: 'snapshots are listed by session and by account, newest first',
  needs: ['sessions', 'sessions.snapshot'],
  checks: {
    'of-the-session of-the-account': 'snapshots.lists',
    'of-a-deleted-session session-gone': 'snapshots.survives-session',
  },
  async run({ api, check }) {
    const [one, two] = [await api.createSession(), await api.createSession()];
    const first = await api.createSnapshot(one.id);
    const second = await api.createSnapshot(two.id);
    const third = await api.createSnapshot(one.id);
    const list = async (path: string) => expectBody(await api.get(path), listOf(Snapshot)).data;
    // The account may hold others.
    const ours = async () => {
      const known = [first.id, second.id, third.id];
      return (await list('/snapshots?limit=100')).filter(({ id }) => known.includes(id));
    };
    await check('of-the-session', async () => {
      expectEqual(await list(`/sessions/${one.id}/snapshots`), [third, first], 'the snapshots of the session');
    });
    await check('of-the-account', async () =>
      expectEqual(await ours(), [third, second, first], 'those of the account'),
    );
    expectBody(await api.delete(`/sessions/${one.id}`), SessionDeleted);
    await check('of-a-deleted-session', async () => {
      expectEqual(await ours(), [third, second, first], 'the snapshots of the account after a session is deleted');
    });
    await check('session-gone', async () => {
      expectError(await api.get(`/sessions/${one.id}/snapshots`), 'session_not_found');
      expectError(await api.post(`/sessions/${one.id}/snapshots`), 'session_not_found');
    });
  },
});

const snapshotMessages = defineCase({
  id: 'snapshots.messages',
  title: 'the messages of a snapshot can be listed and searched',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'restored-by-default both-scopes-by-name newest-first-on-request': 'snapshots.messages',
    'unknown-scope-refused': 'snapshots.scope',
    'all-words any-case newest-first none-found searched-in-its-scope': 'snapshots.query',
  },
  async run({ api, limits, check }, context) {
    const least = limits.min_preserve_tokens;
    const { id } = await api.createSession();
    const old = ['The parcel of Lisbon is heavy.', 'The parcel of Oslo is light.', 'The invoice of Oslo is late.'];
    await api.append(id, old.map(user));
    await fillWindow(context, id, Math.floor(1.5 * least), Math.floor(least / 4));
    const late = 'The second parcel of Oslo is lost.';
    const { usage } = await api.append(id, user(late));
    // Everything but the oldest of these messages is restored.
    const taken = await api.createSnapshot(id, { preserve_len: Math.max(least, usage.total_tokens - 40) });
    const path = `/snapshots/${taken.id}/messages`;
    const archived = await api.readMessages(`${path}?scope=archived`);
    const restored = await api.readMessages(path);
    const found = async (query: string, scope = 'archived') => {
      const messages = await api.readMessages(`${path}?scope=${scope}&query=${encodeURIComponent(query)}`);
      return messages.map(({ content }) => contentText(content));
    };
    await check('restored-by-default', () => {
      expectEqual(restored, archived.slice(-taken.usage.messages), 'the messages where no scope is named');
    });
    await check('both-scopes-by-name', async () => {
      expectEqual(archived.length, taken.archived.messages, 'the archived messages');
      expectEqual(await api.readMessages(`${path}?scope=restored`), restored, 'the restored messages');
    });
    await check('newest-first-on-request', async () => {
      const turned = await api.readMessages(`${path}?scope=archived&order=desc`);
      expectEqual(turned, archived.toReversed(), 'the archived messages in the order desc');
    });
    await check('unknown-scope-refused', async () => {
      expectError(await api.get(`${path}?scope=everything`), 'invalid_request', { param: 'scope' });
    });
    const [lisbon, oslo, invoice] = old;
    await check('all-words', async () => {
      expectEqual((await found('oslo parcel')).toSorted(), [oslo, late].toSorted(), 'what holds both words');
      expectEqual(await found('lisbon heavy'), [lisbon], 'what holds both words');
    });
    await check('any-case', async () => expectEqual(await found('INVOICE'), [invoice], 'what holds the word'));
    await check('newest-first', async () => expectEqual(await found('Oslo'), [late, invoice, oslo], 'what is found'));
    await check('none-found', async () => expectEqual(await found('parcel Madrid'), [], 'what is found'));
    await check('searched-in-its-scope', async () => {
      expectEqual(await found('parcel lisbon', 'restored'), [], 'what is found among what is restored');
      expectEqual(await found('parcel lost', 'restored'), [late], 'what is found among what is restored');
    });
  },
});

const snapshotObject = defineCase({
  id: 'snapshots.object',
  title: 'the snapshot object; the session is unchanged',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'taken-and-read-again': 'snapshots.object',
    'one-id-two-names': 'snapshots.both-ids',
    'named-and-annotated nameless-by-default': 'snapshots.name',
    'too-much-metadata-refused': 'snapshots.metadata-limit',
    'all-by-default': 'snapshots.whole-by-default',
    'usage-of-the-window': 'snapshots.usage',
    'session-unchanged': 'snapshots.session-unchanged',
  },
  async run({ api, limits, check, require }, context) {
    const state = await mixedWindow(context, { tools: [TOOL] });
    const { id, usage } = state.session;
    const named = { name: ' Before the cut, e\u0301\n', metadata: { Run: ' 7 ', '10': '' } };
    const first = await api.createSnapshot(id, named);
    const plain = await api.createSnapshot(id);
    await require('taken-and-read-again', async () => {
      expectTrue(first.id !== plain.id, 'two snapshots have two ids');
      for (const taken of [first, plain])
        expectEqual(expectBody(await api.get(`/snapshots/${taken.id}`), Snapshot), taken, 'GET');
    });
    await check('one-id-two-names', () => {
      expectEqual([plain.snapshot_id, plain.session_id], [plain.id, id], 'snapshot_id and session_id');
    });
    await check('named-and-annotated', () => {
      expectEqual({ name: first.name, metadata: first.metadata }, named, 'name and metadata');
    });
    await check('nameless-by-default', () => expectEqual([plain.name, plain.share], [null, null], 'name and share'));
    await check('too-much-metadata-refused', async () => {
      const pairs = (count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, index) => [`key_${index}`, 'value']));
      const most = pairs(limits.metadata_pairs);
      expectEqual(
        (await api.createSnapshot(id, { metadata: most })).metadata,
        most,
        'metadata of as many pairs as allowed',
      );
      const reply = await api.post(`/sessions/${id}/snapshots`, { metadata: pairs(limits.metadata_pairs + 1) });
      expectError(reply, 'invalid_request', { param: 'metadata' });
    });
    await check('all-by-default', async () => {
      expectEqual(plain.preserve_len, null, 'preserve_len where none was given');
      expectEqual(await api.readMessages(`/snapshots/${plain.id}/messages`), state.messages, 'what is restored');
    });
    await check('usage-of-the-window', () => {
      const { total_tokens, tools_tokens, messages } = usage;
      expectEqual(plain.usage, { total_tokens, tools_tokens, messages }, 'usage');
      expectEqual(plain.archived, { total_tokens, messages }, 'archived');
    });
    await check('session-unchanged', () => api.expectUnchanged(state));
  },
});

const snapshotDelete = defineCase({
  id: 'snapshots.delete',
  title: 'a deletion removes exactly one snapshot',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  checks: {
    'deleted gone others-stay': 'snapshots.delete',
    'second-delete-refused never-known-refused': 'snapshots.unknown',
    'session-unchanged': 'snapshots.session-unchanged',
  },
  async run({ api, check }, context) {
    const { session } = await mixedWindow(context);
    const { id } = await api.createSnapshot(session.id);
    const other = await api.createSnapshot(session.id);
    const before = await api.stateOf(session.id);
    await check('deleted', async () => {
      const answer = expectBody(await api.delete(`/snapshots/${id}`), SnapshotDeleted);
      expectEqual(answer.id, id, 'the id of the deleted snapshot');
    });
    await check('gone', async () => {
      for (const path of [`/snapshots/${id}`, `/snapshots/${id}/messages`]) {
        expectError(await api.get(path), 'snapshot_not_found');
      }
    });
    await check('second-delete-refused', async () => {
      expectError(await api.delete(`/snapshots/${id}`), 'snapshot_not_found');
    });
    await check('never-known-refused', async () => {
      const never = '/snapshots/snap_kimiconformanceneverknown';
      expectError(await api.get(never), 'snapshot_not_found');
      expectError(await api.get(`${never}/messages`), 'snapshot_not_found');
      expectError(await api.delete(never), 'snapshot_not_found');
    });
    await check('others-stay', async () => {
      expectEqual(
        expectBody(await api.get(`/snapshots/${other.id}`), Snapshot),
        other,
        'another snapshot of the session',
      );
      expectEqual(await api.readMessages(`/snapshots/${other.id}/messages`), before.messages, 'its messages');
    });
    await check('session-unchanged', () => api.expectUnchanged(before));
  },
});

const NEEDS = ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'] as const;

const snapshotPreserveLen = defineCase({
  id: 'snapshots.preserve-len',
  title: 'preserve_len sets what a snapshot restores; it archives everything',
  needs: NEEDS,
  checks: {
    'archives-all': 'snapshots.archives-all',
    'restores-the-newest': 'snapshots.preserve-len',
    'usage-of-both': 'snapshots.usage',
    'minimum-accepted less-refused': 'snapshots.minimum',
    'what-truncate-refuses-refused': 'snapshots.least-named',
  },
  async run({ api, limits, texts, check }, context) {
    const least = limits.min_preserve_tokens;
    const { session, messages } = await mixedWindow(context, { tools: [TOOL] });
    const path = `/sessions/${session.id}/snapshots`;
    const { tools_tokens, total_tokens } = session.usage;
    const preserve_len = Math.floor(1.7 * least);
    const taken = await api.createSnapshot(session.id, { preserve_len });
    const expected = retainedBy(messages, preserve_len - tools_tokens) ?? [];
    await check('archives-all', async () => {
      expectEqual(
        await api.readMessages(`/snapshots/${taken.id}/messages?scope=archived`),
        messages,
        'what is archived',
      );
    });
    await check('restores-the-newest', async () => {
      expectEqual(taken.preserve_len, preserve_len, 'preserve_len');
      expectEqual(await api.readMessages(`/snapshots/${taken.id}/messages`), expected, 'what is restored');
    });
    await check('usage-of-both', () => {
      const restored = { total_tokens: tools_tokens + tokensIn(expected), tools_tokens, messages: expected.length };
      expectEqual(taken.usage, restored, 'usage');
      expectEqual(taken.archived, { total_tokens, messages: messages.length }, 'archived');
    });
    await check('less-refused', async () => {
      expectBelowMinimum(await api.post(path, { preserve_len: least - 1 }), least);
    });
    await check('minimum-accepted', async () => {
      const { usage } = expectBody(await api.post(path, { preserve_len: least }), Snapshot);
      expectTrue(usage.total_tokens <= least, `at most ${least} tokens are restored, not ${usage.total_tokens}`);
    });
    await check('what-truncate-refuses-refused', async () => {
      const { id } = await api.createSession();
      await api.append(id, { ...user(await texts.exactly(Math.floor(1.25 * least))), pinned: true });
      const reply = await api.post(`/sessions/${id}/snapshots`, { preserve_len: least });
      expectError(reply, 'preserve_len_too_small', { param: 'preserve_len' });
      const list = expectSuccess(await api.get(`/sessions/${id}/snapshots`)).json as { data?: unknown };
      expectEqual(list.data, [], 'the snapshots of the session after the refusal');
      expectSuccess(await api.post(`/sessions/${id}/snapshots`, { preserve_len: 2 * least }));
    });
  },
});

const snapshotIsTruncate = defineCase({
  id: 'snapshots.as-truncate',
  title: 'a snapshot restores exactly what truncate keeps, texts that are cut included',
  needs: [...NEEDS, 'sessions.truncate'],
  checks: { 'same-messages same-cut-text': 'snapshots.preserve-len' },
  async run({ api, limits, texts, check }, context) {
    const least = limits.min_preserve_tokens;
    const { session } = await mixedWindow(context);
    const both = async (id: string, preserve_len: number) => {
      const taken = await api.createSnapshot(id, { preserve_len });
      const restored = await api.readMessages(`/snapshots/${taken.id}/messages`);
      expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      return { restored, kept: await api.windowOf(id) };
    };
    await check('same-messages', async () => {
      const { restored, kept } = await both(session.id, Math.floor(1.4 * least));
      expectEqual(restored, kept, 'what is restored, against what truncate keeps');
    });
    await check('same-cut-text', async () => {
      await api.append(session.id, user(await texts.exactly(Math.floor(1.5 * least), 'The log:')));
      const { restored, kept } = await both(session.id, least + 11);
      expectEqual(restored, kept, 'what is restored, against what truncate keeps of a text');
      expectTrue(restored.at(-1)?.truncated === true, 'the restored text is marked as cut');
    });
  },
});

export const SNAPSHOTS_CASES: readonly Case[] = [
  flagsCase,
  snapshotObject,
  snapshotPreserveLen,
  snapshotIsTruncate,
  snapshotMessages,
  snapshotImmutable,
  snapshotLists,
  snapshotDelete,
  snapshotLimit,
  snapshotSearch,
  ...ANSWER_CASES,
];
