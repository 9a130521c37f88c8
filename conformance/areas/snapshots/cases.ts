import { contentText } from '../../../contract/content-text.ts';
import { listOf } from '../../../contract/lists.ts';
import { Session, SessionDeleted, SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot, SnapshotDeleted } from '../../../contract/snapshots.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import {
  append,
  chat,
  createSession,
  createSnapshot,
  readMessages,
  stateOf,
  unchanged,
  user,
  windowOf,
} from '../../wire/dialect.ts';
import { fillWindow } from '../../wire/fill.ts';
import { keptOf, tokensIn } from '../../wire/groups.ts';
import { belowMinimum } from '../../wire/preserve-len.ts';
import { mixedWindow, OTHER_TOOL, TOOL } from '../../wire/windows.ts';

const snapshotDuringTurn = defineCase({
  id: 'snapshots.during-turn',
  title: 'a snapshot taken while a turn runs holds the turn whole or not at all',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'chat'],
  checks: { 'whole-or-not': 'snapshots.during-turn' },
  cost: () => ({ promptTokens: 100, completionTokens: 32 }),
  async run(trial) {
    const { api, target } = trial;
    const { id } = await createSession(api);
    await append(api, id, user('The river is called Elbe.'));
    const before = await windowOf(api, id);
    const messages = [user('What is the river called? Reply with its name only.')];
    const [, taken] = await Promise.all([
      chat(api, { model: target.model, session_id: id, messages, max_tokens: 32 }),
      createSnapshot(api, id),
    ]);
    await trial.check('whole-or-not', async () => {
      const held = (await readMessages(api, `/snapshots/${taken.id}/messages`)).map((message) => message.id);
      const [now, earlier] = [await windowOf(api, id), before].map((list) => list.map((message) => message.id).join());
      const whole = [now, earlier].includes(held.join());
      holds(
        whole,
        `the snapshot holds ${held.length} messages: neither the ${before.length} before the turn nor all after it`,
      );
    });
  },
});

const snapshotImmutable = defineCase({
  id: 'snapshots.immutable',
  title: 'nothing that becomes of the session shows in its snapshot',
  needs: ['sessions', 'sessions.append', 'sessions.truncate', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'after-writes': 'snapshots.immutable',
    'after-pins': 'snapshots.immutable',
    'after-other-tools': 'snapshots.immutable',
    'after-cut': 'snapshots.immutable',
    'after-deletion': 'snapshots.survives-session',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api, limits } = trial;
    const { session, messages } = await mixedWindow(trial, { tools: [TOOL] });
    const path = `/sessions/${session.id}`;
    const { id } = await createSnapshot(api, session.id, { preserve_len: 2 * limits.min_preserve_tokens });
    const seen = async () => [
      answered(await api.get(`/snapshots/${id}`), Snapshot),
      await readMessages(api, `/snapshots/${id}/messages`),
      await readMessages(api, `/snapshots/${id}/messages?scope=archived`),
    ];
    const before = await seen();
    const same = async () => equal(await seen(), before, 'the snapshot and its messages');
    await trial.check('after-writes', async () => {
      await append(api, session.id, user('One more.'));
      await same();
    });
    await trial.check('after-pins', async () => {
      const reply = await api.post(`${path}/messages/${messages[1]?.id}`, { pinned: true });
      answered(reply, SessionMessage);
      await same();
    });
    await trial.check('after-other-tools', async () => {
      answered(await api.post(path, { tools: [OTHER_TOOL, TOOL], title: 'another' }), Session);
      await same();
    });
    await trial.check('after-cut', async () => {
      succeeded(await api.post(`${path}/truncate`, { preserve_len: Math.floor(1.5 * limits.min_preserve_tokens) }));
      await same();
    });
    await trial.check('after-deletion', async () => {
      answered(await api.delete(path), SessionDeleted);
      await same();
    });
  },
});

const snapshotLimit = defineCase({
  id: 'snapshots.limit',
  title: 'an account holds as many snapshots as the limit says, and not one more',
  needs: ['sessions', 'sessions.snapshot'],
  scope: 'account',
  checks: {
    'last-accepted': 'snapshots.limit',
    'one-more-refused': 'snapshots.limit',
    'refusal-keeps-nothing': 'snapshots.limit',
    'deleting-makes-room': 'snapshots.limit-frees',
    'other-account-has-room': 'snapshots.limit-own',
  },
  cost: ({ snapshots }) => ({ requests: 2 * snapshots + 40 }),
  async run(trial) {
    const { snapshots: limit } = trial.limits;
    const api = await trial.empty();
    const [one, two] = [await createSession(api), await createSession(api)];
    // The limit is that of the account, so that no single session holds as many.
    for (let taken = 0; taken < limit - 1; taken += 1) await createSnapshot(api, (taken % 2 === 0 ? one : two).id);
    let last = '';
    await trial.need('last-accepted', async () => {
      last = (await createSnapshot(api, one.id)).id;
    });
    const full = await newest(api);
    await trial.check('one-more-refused', async () => {
      for (const { id } of [one, two]) {
        refused(await api.post(`/sessions/${id}/snapshots`), 'snapshot_limit_reached');
      }
    });
    await trial.check('refusal-keeps-nothing', async () => equal(await newest(api), full, 'the newest snapshots'));
    await trial.check('deleting-makes-room', async () => {
      answered(await api.delete(`/snapshots/${last}`), SnapshotDeleted);
      await createSnapshot(api, two.id);
      refused(await api.post(`/sessions/${two.id}/snapshots`), 'snapshot_limit_reached');
    });
    await trial.check('other-account-has-room', async () => {
      const other = trial.second();
      const { id } = await createSession(other);
      await createSnapshot(other, id);
    });
  },
});

async function newest(api: Api): Promise<unknown> {
  return (succeeded(await api.get('/snapshots?limit=5')).json as { data?: unknown }).data;
}

const snapshotLists = defineCase({
  id: 'snapshots.lists',
  title: 'snapshots are listed by session and by account, newest first',
  needs: ['sessions', 'sessions.snapshot'],
  checks: {
    'of-the-session': 'snapshots.lists',
    'of-the-account': 'snapshots.lists',
    'of-a-deleted-session': 'snapshots.survives-session',
    'session-gone': 'snapshots.survives-session',
  },
  async run(trial) {
    const { api } = trial;
    const [one, two] = [await createSession(api), await createSession(api)];
    const first = await createSnapshot(api, one.id);
    const second = await createSnapshot(api, two.id);
    const third = await createSnapshot(api, one.id);
    const list = async (path: string) => answered(await api.get(path), listOf(Snapshot)).data;
    // The account may hold others.
    const ours = async () => {
      const known = [first.id, second.id, third.id];
      return (await list('/snapshots?limit=100')).filter(({ id }) => known.includes(id));
    };
    await trial.check('of-the-session', async () => {
      equal(await list(`/sessions/${one.id}/snapshots`), [third, first], 'the snapshots of the session');
    });
    await trial.check('of-the-account', async () =>
      equal(await ours(), [third, second, first], 'those of the account'),
    );
    answered(await api.delete(`/sessions/${one.id}`), SessionDeleted);
    await trial.check('of-a-deleted-session', async () => {
      equal(await ours(), [third, second, first], 'the snapshots of the account after a session is deleted');
    });
    await trial.check('session-gone', async () => {
      refused(await api.get(`/sessions/${one.id}/snapshots`), 'session_not_found');
      refused(await api.post(`/sessions/${one.id}/snapshots`), 'session_not_found');
    });
  },
});

const snapshotHidden = defineCase({
  id: 'snapshots.hidden',
  title: 'to another account a snapshot does not exist',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  twoAccounts: true,
  checks: {
    'not-read': 'snapshots.hidden',
    'messages-not-read': 'snapshots.hidden',
    'not-deleted': 'snapshots.hidden',
    'not-listed': 'snapshots.hidden',
    'none-taken': 'snapshots.hidden',
  },
  async run(trial) {
    const { api } = trial;
    const other = trial.second();
    const { id: session } = await createSession(api);
    await append(api, session, user('Ours alone.'));
    const taken = await createSnapshot(api, session);
    const path = `/snapshots/${taken.id}`;
    await trial.check('not-read', async () => void refused(await other.get(path), 'snapshot_not_found'));
    await trial.check('messages-not-read', async () => {
      refused(await other.get(`${path}/messages`), 'snapshot_not_found');
      refused(await other.get(`${path}/messages?scope=archived`), 'snapshot_not_found');
    });
    await trial.check('not-deleted', async () => {
      refused(await other.delete(path), 'snapshot_not_found');
      equal(answered(await api.get(path), Snapshot), taken, 'the snapshot of its owner');
      equal((await readMessages(api, `${path}/messages`)).length, 1, 'messages that its owner sees');
    });
    await trial.check('not-listed', async () => {
      const { data } = answered(await other.get('/snapshots?limit=100'), listOf(Snapshot));
      equal(
        data.filter(({ id }) => id === taken.id),
        [],
        'our snapshot in the list of the other account',
      );
    });
    await trial.check('none-taken', async () => {
      refused(await other.post(`/sessions/${session}/snapshots`), 'session_not_found');
      refused(await other.get(`/sessions/${session}/snapshots`), 'session_not_found');
    });
  },
});

const snapshotMessages = defineCase({
  id: 'snapshots.messages',
  title: 'what a snapshot holds can be listed and searched',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'restored-by-default': 'snapshots.messages',
    'both-scopes-by-name': 'snapshots.messages',
    'newest-first-on-request': 'snapshots.messages',
    'unknown-scope-refused': 'snapshots.scope',
    'all-words': 'snapshots.query',
    'any-case': 'snapshots.query',
    'newest-first': 'snapshots.query',
    'none-found': 'snapshots.query',
    'searched-in-its-scope': 'snapshots.query',
  },
  async run(trial) {
    const { api, limits } = trial;
    const least = limits.min_preserve_tokens;
    const { id } = await createSession(api);
    const old = ['The parcel of Lisbon is heavy.', 'The parcel of Oslo is light.', 'The invoice of Oslo is late.'];
    await append(api, id, old.map(user));
    await fillWindow(trial, id, Math.floor(1.5 * least), Math.floor(least / 4));
    const late = 'The second parcel of Oslo is lost.';
    const { usage } = await append(api, id, user(late));
    // Everything but the oldest of these messages is restored.
    const taken = await createSnapshot(api, id, { preserve_len: Math.max(least, usage.total_tokens - 40) });
    const path = `/snapshots/${taken.id}/messages`;
    const archived = await readMessages(api, `${path}?scope=archived`);
    const restored = await readMessages(api, path);
    const found = async (query: string, scope = 'archived') => {
      const messages = await readMessages(api, `${path}?scope=${scope}&query=${encodeURIComponent(query)}`);
      return messages.map(({ content }) => contentText(content));
    };
    await trial.check('restored-by-default', () => {
      equal(restored, archived.slice(-taken.usage.messages), 'the messages where no scope is named');
    });
    await trial.check('both-scopes-by-name', async () => {
      equal(archived.length, taken.archived.messages, 'the archived messages');
      equal(await readMessages(api, `${path}?scope=restored`), restored, 'the restored messages');
    });
    await trial.check('newest-first-on-request', async () => {
      const turned = await readMessages(api, `${path}?scope=archived&order=desc`);
      equal(turned, archived.toReversed(), 'the archived messages in the order desc');
    });
    await trial.check('unknown-scope-refused', async () => {
      refused(await api.get(`${path}?scope=everything`), 'invalid_request', { param: 'scope' });
    });
    const [lisbon, oslo, invoice] = old;
    await trial.check('all-words', async () => {
      equal((await found('oslo parcel')).toSorted(), [oslo, late].toSorted(), 'what holds both words');
      equal(await found('lisbon heavy'), [lisbon], 'what holds both words');
    });
    await trial.check('any-case', async () => equal(await found('INVOICE'), [invoice], 'what holds the word'));
    await trial.check('newest-first', async () => equal(await found('Oslo'), [late, invoice, oslo], 'what is found'));
    await trial.check('none-found', async () => equal(await found('parcel Madrid'), [], 'what is found'));
    await trial.check('searched-in-its-scope', async () => {
      equal(await found('parcel lisbon', 'restored'), [], 'what is found among what is restored');
      equal(await found('parcel lost', 'restored'), [late], 'what is found among what is restored');
    });
  },
});

const snapshotObject = defineCase({
  id: 'snapshots.object',
  title: 'a snapshot says what it is, and leaves the session as it is',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'],
  checks: {
    'taken-and-read-again': 'snapshots.object',
    'one-id-two-names': 'snapshots.both-ids',
    'named-and-annotated': 'snapshots.name',
    'nameless-by-default': 'snapshots.name',
    'too-much-metadata-refused': 'snapshots.metadata-limit',
    'all-by-default': 'snapshots.whole-by-default',
    'usage-of-the-window': 'snapshots.usage',
    'session-unchanged': 'snapshots.session-unchanged',
  },
  async run(trial) {
    const { api, limits } = trial;
    const state = await mixedWindow(trial, { tools: [TOOL] });
    const { id, usage } = state.session;
    const named = { name: 'before the cut', metadata: { run: '7' } };
    const first = await createSnapshot(api, id, named);
    const plain = await createSnapshot(api, id);
    await trial.need('taken-and-read-again', async () => {
      holds(first.id !== plain.id, 'two snapshots have two ids');
      for (const taken of [first, plain])
        equal(answered(await api.get(`/snapshots/${taken.id}`), Snapshot), taken, 'GET');
    });
    await trial.check('one-id-two-names', () => {
      equal([plain.snapshot_id, plain.session_id], [plain.id, id], 'snapshot_id and session_id');
    });
    await trial.check('named-and-annotated', () => {
      equal({ name: first.name, metadata: first.metadata }, named, 'name and metadata');
    });
    await trial.check('nameless-by-default', () => equal([plain.name, plain.share], [null, null], 'name and share'));
    await trial.check('too-much-metadata-refused', async () => {
      const pairs = (count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, index) => [`key_${index}`, 'value']));
      const most = pairs(limits.metadata_pairs);
      equal((await createSnapshot(api, id, { metadata: most })).metadata, most, 'metadata of as many pairs as allowed');
      const reply = await api.post(`/sessions/${id}/snapshots`, { metadata: pairs(limits.metadata_pairs + 1) });
      refused(reply, 'invalid_request', { param: 'metadata' });
    });
    await trial.check('all-by-default', async () => {
      equal(plain.preserve_len, null, 'preserve_len where none was given');
      equal(await readMessages(api, `/snapshots/${plain.id}/messages`), state.messages, 'what is restored');
    });
    await trial.check('usage-of-the-window', () => {
      const { total_tokens, tools_tokens, messages } = usage;
      equal(plain.usage, { total_tokens, tools_tokens, messages }, 'usage');
      equal(plain.archived, { total_tokens, messages }, 'archived');
    });
    await trial.check('session-unchanged', () => unchanged(api, state));
  },
});

const snapshotDelete = defineCase({
  id: 'snapshots.delete',
  title: 'a deleted snapshot is gone, and nothing else is',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot'],
  checks: {
    deleted: 'snapshots.delete',
    gone: 'snapshots.delete',
    'others-stay': 'snapshots.delete',
    'second-delete-refused': 'snapshots.unknown',
    'never-known-refused': 'snapshots.unknown',
    'session-unchanged': 'snapshots.session-unchanged',
  },
  async run(trial) {
    const { api } = trial;
    const { session } = await mixedWindow(trial);
    const { id } = await createSnapshot(api, session.id);
    const other = await createSnapshot(api, session.id);
    const before = await stateOf(api, session.id);
    await trial.check('deleted', async () => {
      const answer = answered(await api.delete(`/snapshots/${id}`), SnapshotDeleted);
      equal(answer.id, id, 'the id of the deleted snapshot');
    });
    await trial.check('gone', async () => {
      for (const path of [`/snapshots/${id}`, `/snapshots/${id}/messages`]) {
        refused(await api.get(path), 'snapshot_not_found');
      }
    });
    await trial.check('second-delete-refused', async () => {
      refused(await api.delete(`/snapshots/${id}`), 'snapshot_not_found');
    });
    await trial.check('never-known-refused', async () => {
      const never = '/snapshots/snap_kimiconformanceneverknown';
      refused(await api.get(never), 'snapshot_not_found');
      refused(await api.get(`${never}/messages`), 'snapshot_not_found');
      refused(await api.delete(never), 'snapshot_not_found');
    });
    await trial.check('others-stay', async () => {
      equal(answered(await api.get(`/snapshots/${other.id}`), Snapshot), other, 'another snapshot of the session');
      equal(await readMessages(api, `/snapshots/${other.id}/messages`), before.messages, 'its messages');
    });
    await trial.check('session-unchanged', () => unchanged(api, before));
  },
});

const NEEDS = ['sessions', 'sessions.append', 'sessions.snapshot', 'tokens.estimate'] as const;

const snapshotPreserveLen = defineCase({
  id: 'snapshots.preserve-len',
  title: 'preserve_len says what a snapshot restores; it archives all the same',
  needs: NEEDS,
  checks: {
    'archives-all': 'snapshots.archives-all',
    'restores-the-newest': 'snapshots.preserve-len',
    'usage-of-both': 'snapshots.usage',
    'minimum-accepted': 'snapshots.minimum',
    'less-refused': 'snapshots.minimum',
    'what-truncate-refuses-refused': 'snapshots.least-named',
  },
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { session, messages } = await mixedWindow(trial, { tools: [TOOL] });
    const path = `/sessions/${session.id}/snapshots`;
    const { tools_tokens, total_tokens } = session.usage;
    const preserve_len = Math.floor(1.7 * least);
    const taken = await createSnapshot(api, session.id, { preserve_len });
    const expected = keptOf(messages, preserve_len - tools_tokens) ?? [];
    await trial.check('archives-all', async () => {
      equal(await readMessages(api, `/snapshots/${taken.id}/messages?scope=archived`), messages, 'what is archived');
    });
    await trial.check('restores-the-newest', async () => {
      equal(taken.preserve_len, preserve_len, 'preserve_len');
      equal(await readMessages(api, `/snapshots/${taken.id}/messages`), expected, 'what is restored');
    });
    await trial.check('usage-of-both', () => {
      const restored = { total_tokens: tools_tokens + tokensIn(expected), tools_tokens, messages: expected.length };
      equal(taken.usage, restored, 'usage');
      equal(taken.archived, { total_tokens, messages: messages.length }, 'archived');
    });
    await trial.check('less-refused', async () => {
      belowMinimum(await api.post(path, { preserve_len: least - 1 }), least);
    });
    await trial.check('minimum-accepted', async () => {
      const { usage } = answered(await api.post(path, { preserve_len: least }), Snapshot);
      holds(usage.total_tokens <= least, `at most ${least} tokens are restored, not ${usage.total_tokens}`);
    });
    await trial.check('what-truncate-refuses-refused', async () => {
      const { id } = await createSession(api);
      await append(api, id, { ...user(await texts.exactly(Math.floor(1.25 * least))), pinned: true });
      const reply = await api.post(`/sessions/${id}/snapshots`, { preserve_len: least });
      refused(reply, 'preserve_len_too_small', { param: 'preserve_len' });
      const list = succeeded(await api.get(`/sessions/${id}/snapshots`)).json as { data?: unknown };
      equal(list.data, [], 'the snapshots of the session after the refusal');
      succeeded(await api.post(`/sessions/${id}/snapshots`, { preserve_len: 2 * least }));
    });
  },
});

const snapshotIsTruncate = defineCase({
  id: 'snapshots.as-truncate',
  title: 'a snapshot restores exactly what truncate keeps, texts that are cut included',
  needs: [...NEEDS, 'sessions.truncate'],
  checks: { 'same-messages': 'snapshots.preserve-len', 'same-cut-text': 'snapshots.preserve-len' },
  async run(trial) {
    const { api, limits, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { session } = await mixedWindow(trial);
    const both = async (id: string, preserve_len: number) => {
      const taken = await createSnapshot(api, id, { preserve_len });
      const restored = await readMessages(api, `/snapshots/${taken.id}/messages`);
      succeeded(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      return { restored, kept: await windowOf(api, id) };
    };
    await trial.check('same-messages', async () => {
      const { restored, kept } = await both(session.id, Math.floor(1.4 * least));
      equal(restored, kept, 'what is restored, against what truncate keeps');
    });
    await trial.check('same-cut-text', async () => {
      await append(api, session.id, user(await texts.exactly(Math.floor(1.5 * least), 'The log:')));
      const { restored, kept } = await both(session.id, least + 11);
      equal(restored, kept, 'what is restored, against what truncate keeps of a text');
      holds(restored.at(-1)?.truncated === true, 'the restored text is marked as cut');
    });
  },
});

export const SNAPSHOTS_CASES: readonly Case[] = [
  snapshotObject,
  snapshotPreserveLen,
  snapshotIsTruncate,
  snapshotMessages,
  snapshotImmutable,
  snapshotLists,
  snapshotDelete,
  snapshotDuringTurn,
  snapshotHidden,
  snapshotLimit,
];
