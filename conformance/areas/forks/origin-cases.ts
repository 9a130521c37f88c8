import type { Capability } from '../../../contract/capabilities.ts';
import { listOf } from '../../../contract/lists.ts';
import { Session } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { ROUTES, sendRoute } from '../../tables/routes.ts';
import { TURN_MODES, turnAs } from '../../tables/turns.ts';
import { WRITE_MODES, written } from '../../tables/writes.ts';
import type { Api } from '../../wire/api.ts';
import { codeWordQuestion, codeWordText } from '../../wire/chat.ts';
import { idOf, type Message, toolResult, user } from '../../wire/sessions.ts';
import { contentOf, TOOL } from '../../wire/windows.ts';
import { asListed, listedFields } from '../append/shape-cases.ts';
import type { WireRuleId } from '../rules.ts';

/** Sessions that are forks, or have been rolled back, do all that a plain one does: each rule is tried on the second kind of session too. */

/** A session that did not begin as a plain one. */
interface Made {
  api: Api;
  /** As the request has answered that made it. */
  session: Session;
  etag: string | null;
  forked_from: Session['forked_from'];
  /** A snapshot of the session that it comes from. */
  taken: string;
}

interface Origin {
  readonly name: string;
  readonly needs: readonly Capability[];
  readonly fork: boolean;
  make(context: CaseContext<string>, source: string, fields: object): Promise<Made>;
}

async function forked(api: Api, from: { snapshot_id: string } | { share_id: string }, taken: string, fields: object) {
  const reply = await api.post('/sessions', { ...from, ...fields });
  const session = expectBody(reply, Session);
  return { api, session, etag: reply.headers.get('etag'), forked_from: from, taken };
}

const ORIGINS: readonly Origin[] = [
  {
    name: 'fork',
    needs: ['sessions.fork'],
    fork: true,
    async make({ api }, source, fields) {
      const { id } = await api.createSnapshot(source);
      return forked(api, { snapshot_id: id }, id, fields);
    },
  },
  {
    name: 'share-fork',
    needs: ['sessions.fork', 'sessions.share'],
    fork: true,
    async make({ api, secondAccount }, source, fields) {
      const { id } = await api.createSnapshot(source);
      return forked(secondAccount(), { share_id: await api.share(id) }, id, fields);
    },
  },
  {
    name: 'fork-of-fork',
    needs: ['sessions.fork'],
    fork: true,
    async make({ api }, source, fields) {
      const { id } = await api.createSnapshot(source);
      const first = await api.createSession({ snapshot_id: id });
      const second = await api.createSnapshot(first.id);
      return forked(api, { snapshot_id: second.id }, id, fields);
    },
  },
  {
    name: 'rolled-back',
    needs: ['sessions.rollback'],
    fork: false,
    async make({ api }, source, fields) {
      const { id } = await api.createSnapshot(source);
      await api.append(source, user('To be undone.'));
      expectBody(await api.post(`/sessions/${source}`, { ...fields, tools: [] }), Session);
      const reply = await api.post(`/sessions/${source}/rollback`, { snapshot_id: id });
      const session = expectBody(reply, Session);
      const other = await api.createSnapshot((await api.createSession({ messages: [user('Another.')] })).id);
      return { api, session, etag: reply.headers.get('etag'), forked_from: null, taken: other.id };
    },
  },
];

const FIELDS = { title: 'Its own', metadata: { branch: '1' } };
/** What a write may lose. */
const CALL = { id: 'call_1', type: 'function' as const, function: { name: 'look_up', arguments: '{"a": 1}' } };
const WRITE: readonly Message[] = [
  {
    role: 'user',
    content: [
      { type: 'text', text: 'In parts,' },
      { type: 'text', text: ' named.' },
    ],
    name: 'ann',
  },
  { role: 'assistant', content: 'I look.', name: 'kim', tool_calls: [CALL] },
  toolResult(CALL.id),
];
const WRITES = WRITE_MODES.filter(
  ({ creates, chats, before, name }) => !creates && !chats && !before && name !== 'single',
);
const WRITE_RULES: Readonly<Record<string, WireRuleId>> = { list: 'append.fields', ndjson: 'ndjson.same-rules' };
const VERSIONED = ROUTES.filter(({ versioned }) => versioned);

function originCase({ name, needs, fork, make }: Origin): Case {
  return defineCase<string>({
    id: `forks.origin-${name}`,
    title: `a session that is a ${name} does all that a plain one does`,
    needs: [
      'sessions',
      'sessions.list',
      'sessions.append',
      'sessions.append.stream',
      'sessions.snapshot',
      'sessions.rollback',
      'sessions.truncate',
      'sessions.compress',
      'tokens.estimate',
      'chat',
      'chat.stream',
      'chat.tools',
      'versioning',
      'idempotency',
      ...needs,
    ],
    twoAccounts: true,
    checks: {
      origin: fork ? 'forks.origin' : 'rollback.keeps-fields',
      'own-fields': fork ? 'forks.own-fields' : 'rollback.keeps-fields',
      ...(fork && { 'no-fields': 'forks.own-fields' as const }),
      window: fork ? 'forks.new-session' : 'rollback.restores',
      tools: fork ? 'forks.tools-and-pins' : 'rollback.pins-and-tools',
      etag: 'versions.etag',
      'as-read': fork ? 'forks.new-session' : 'rollback.answer',
      'as-listed': 'lists.whole',
      ...Object.fromEntries(WRITES.map((mode) => [`written-${mode.name}`, WRITE_RULES[mode.name] ?? 'append.fields'])),
      ...Object.fromEntries(VERSIONED.map((route) => [`stale-${route.name}`, 'versions.stale' as const])),
      replayed: 'idempotency.once',
      'snapshot-own': 'snapshots.both-ids',
      'snapshot-archived': 'snapshots.usage',
      'snapshot-listed': 'lists.session-snapshots',
      'rolls-back': 'rollback.restores',
      'source-mismatch': name === 'share-fork' ? 'rollback.hidden' : 'rollback.own-snapshots',
      ...Object.fromEntries(TURN_MODES.map((mode) => [`known-${mode.name}`, 'turn.history' as const])),
      truncates: 'truncate.keeps-within',
    },
    cost: () => ({ requests: 200, promptTokens: 6 * 1_024, completionTokens: 6 * 32 }),
    async run(context) {
      const { api: owner, limits, texts, nonce, check } = context;
      const word = nonce();
      const first = [
        { role: 'system' as const, content: 'Be brief.', name: 'house' },
        user(codeWordText(word)),
        ...WRITE,
      ];
      const { id: source } = await owner.createSession({ tools: [TOOL], title: 'Source', metadata: { of: 'source' } });
      await owner.append(source, first);
      const before = await owner.stateOf(source);
      const made = await make(context, source, FIELDS);
      const { api, session } = made;
      const { id } = session;
      const mine = context.as(api);
      const path = `/sessions/${id}`;
      await check('origin', () => expectEqual(session.forked_from, made.forked_from, 'forked_from of the answer'));
      await check('own-fields', () => {
        expectEqual({ title: session.title, metadata: session.metadata }, FIELDS, 'title and metadata');
      });
      if (fork) {
        await check('no-fields', async () => {
          const bare = (await make(context, source, {})).session;
          expectEqual(
            { title: bare.title, metadata: bare.metadata },
            { title: null, metadata: {} },
            'what was not asked for',
          );
          expectSuccess(await api.delete(`/sessions/${bare.id}`));
        });
      }
      await check('etag', () => expectEqual(made.etag, `"${session.version}"`, 'the ETag of the answer'));
      await check('as-read', async () =>
        expectEqual(session, await api.getSession(id), 'the answer, against the session'),
      );
      await check('as-listed', async () => {
        // The account of a user may hold more sessions than a page; the newest stand first.
        const page = expectBody(await api.get('/sessions?limit=20'), listOf(Session));
        const found = page.data.find((listed) => listed.id === id);
        expectTrue(!fork || found !== undefined, 'the new session is on the first page');
        if (found) expectEqual(found, await api.getSession(id), 'the session in the list, against itself');
      });
      await check('tools', () => expectEqual(session.tools, before.session.tools, 'the tools'));
      await check('window', async () => {
        const window = await api.windowOf(id);
        expectEqual(window.map(contentOf), before.messages.map(contentOf), 'the window');
        for (const message of window) expectEqual(message.session_id, id, 'the session of a message');
      });
      for (const mode of WRITES) {
        await check(`written-${mode.name}`, async () => {
          const { usage, version } = await api.getSession(id);
          const { messages } = await written(mine, mode, id, WRITE);
          expectEqual(messages.map(listedFields), WRITE.map(asListed), 'the messages that are listed');
          const now = await api.getSession(id);
          expectEqual(now.usage.messages, usage.messages + WRITE.length, 'the messages that are counted');
          expectTrue(now.version > version, 'the version goes on');
        });
      }
      await check('replayed', async () => {
        const send = { headers: { 'Idempotency-Key': nonce() } };
        const [one, two] = [await api.append(id, user('Once.'), send), await api.append(id, user('Once.'), send)];
        expectEqual(two, one, 'the answer to the same write again');
        expectEqual((await api.windowOf(id)).at(-1)?.id, one.data[0]?.id, 'the newest message');
      });
      const { usage, version } = await api.getSession(id);
      const [, message = { id: '' }] = await api.windowOf(id);
      const taken = await api.createSnapshot(id, { name: 'own' });
      const ground = { session: id, message: message.id, pinned: message.id, snapshot: taken.id, share: '' };
      for (const route of VERSIONED) {
        await check(`stale-${route.name}`, async () => {
          const send = { headers: { 'If-Match': `"${version + 7}"` } };
          expectError(await sendRoute(mine, route, ground, send, api), 'version_conflict');
          expectEqual((await api.getSession(id)).version, version, 'the version after a refusal');
        });
      }
      await check('snapshot-own', () => expectEqual(taken.session_id, id, 'the session of its snapshot'));
      await check('snapshot-archived', () => {
        const { total_tokens, messages } = usage;
        expectEqual(taken.archived, { total_tokens, messages }, 'what its snapshot archives');
      });
      await check('snapshot-listed', async () => {
        const ids = (await api.snapshotsOf(id)).map(idOf);
        expectTrue(ids.includes(taken.id), `its snapshot ${taken.id} is listed`);
        expectTrue(!fork || !ids.includes(made.taken), 'the snapshot of another session is not listed');
      });
      await check('rolls-back', async () => {
        const state = await api.windowOf(id);
        await api.append(id, user('To be undone.'));
        expectSuccess(await api.post(`${path}/rollback`, { snapshot_id: taken.id }));
        expectEqual(await api.windowOf(id), state, 'the window after a rollback');
      });
      await check('source-mismatch', async () => {
        const code = name === 'share-fork' ? 'snapshot_not_found' : 'snapshot_mismatch';
        expectError(await api.post(`${path}/rollback`, { snapshot_id: made.taken }), code);
      });
      for (const mode of TURN_MODES) {
        await check(`known-${mode.name}`, async () => {
          const { content, session: after } = await turnAs(mode, mine, id, [codeWordQuestion()], {
            tool_choice: 'none',
          });
          expectTrue(content.includes(word), `the model knows ${word}: ${content}`);
          const now = await api.getSession(id);
          expectEqual(after, { id, version: now.version, usage: now.usage }, 'the session of the answer');
        });
      }
      await check('truncates', async () => {
        const preserve_len = limits.min_preserve_tokens;
        await api.append(id, user(await texts.exactly(Math.floor(preserve_len / 2))));
        await api.append(id, user(await texts.exactly(Math.floor(preserve_len / 2))));
        expectSuccess(await api.post(`${path}/truncate`, { preserve_len }));
        const { total_tokens } = (await api.getSession(id)).usage;
        expectTrue(total_tokens <= preserve_len, `${total_tokens} tokens after a cut to ${preserve_len}`);
      });
    },
  });
}

export const ORIGIN_CASES: readonly Case[] = ORIGINS.map(originCase);
