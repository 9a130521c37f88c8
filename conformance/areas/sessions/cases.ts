import { resolveLimits } from '../../../contract/limits.ts';
import { MODEL_ID, TokenEstimate } from '../../../contract/models.ts';
import { Session } from '../../../contract/sessions.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectShape, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import type { Reply } from '../../wire/reply.ts';
import { user } from '../../wire/sessions.ts';
import { TOOL } from '../../wire/windows.ts';
import { CAP_CASES } from './cap-cases.ts';
import {
  sessionsCapacity,
  sessionsChatUnknown,
  sessionsDelete,
  sessionsDeletedRoutes,
  sessionsHostedAgents,
  sessionsIds,
  sessionsIndependent,
  sessionsModel,
  sessionsRace,
  sessionsUnknown,
} from './lifetime-cases.ts';

/** An earlier time is before this API existed; a later one is not in seconds. */
const FIRST_SECOND = 1_600_000_000;

const LAST_SECOND = 100_000_000_000;

const sessionsCreate = defineCase({
  id: 'sessions.create',
  title: 'a session is created without fields',
  needs: ['sessions'],
  checks: {
    'returns-id': 'sessions.create',
    whole: 'sessions.object',
    'one-id': 'sessions.one-id',
    empty: 'sessions.defaults',
    'counts-nothing': 'sessions.usage',
    'default-model': 'sessions.default-model',
    times: 'sessions.times',
    'read-back': 'sessions.read-back',
  },
  async run({ api, check, require }) {
    const reply = await api.post('/sessions');
    const body = (expectSuccess(reply).json ?? {}) as { session_id?: unknown };
    await require('returns-id', () => {
      expectTrue(
        typeof body.session_id === 'string' && body.session_id !== '',
        `${reply.what}: no session_id: ${reply.text}`,
      );
    });
    await require('whole', () => expectShape(Session, body, reply.what));
    const session = expectBody(reply, Session);
    await check('one-id', () => expectEqual(session.id, session.session_id, 'id, which is session_id'));
    await check('empty', () => {
      const { title, metadata, tools, forked_from } = session;
      const nothing = { title: null, metadata: {}, tools: [], forked_from: null };
      expectEqual({ title, metadata, tools, forked_from }, nothing, 'what was not given');
    });
    await check('counts-nothing', () => {
      const remaining_tokens = session.limits.window_tokens;
      expectEqual(
        session.usage,
        { total_tokens: 0, tools_tokens: 0, remaining_tokens, messages: 0 },
        'the usage of an empty session',
      );
    });
    await check('default-model', () => expectEqual(session.model, MODEL_ID, 'the model that nobody named'));
    await check('times', () => {
      const { created_at, updated_at } = session;
      const inSeconds = created_at > FIRST_SECOND && updated_at < LAST_SECOND;
      expectTrue(inSeconds, `the times are Unix seconds, not ${created_at} and ${updated_at}`);
      expectTrue(updated_at >= created_at, `changed at ${updated_at}, before it was created at ${created_at}`);
    });
    await check('read-back', async () => {
      expectEqual(await api.getSession(session.id), session, 'the session as it is read');
      expectTrue((await api.windowOf(session.id)).length === 0, 'the window of a new session is empty');
    });
  },
});

const sessionsFields = defineCase({
  id: 'sessions.fields',
  title: 'a session is created with every field',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'model-kept title-kept metadata-kept tools-kept': 'sessions.fields',
    'messages-in-order': 'sessions.first-messages',
    'usage-adds-up remaining-adds-up': 'sessions.usage',
    'read-back': 'sessions.read-back',
  },
  async run({ api, target, check }) {
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      user('The first question.'),
      { role: 'assistant' as const, content: 'The first answer.' },
    ];
    const given = {
      model: target.model,
      title: ' A title, 标题 e\u0301\n',
      metadata: { Project: ' Stone ', 'key 2': '', '10': 'e\u0301', constructor: 'none' },
      tools: [OTHER_TOOL, TOOL],
    };
    const session = expectBody(await api.post('/sessions', { ...given, messages }), Session);
    await check('model-kept', () => expectEqual(session.model, given.model, 'model'));
    await check('title-kept', () => expectEqual(session.title, given.title, 'title'));
    await check('metadata-kept', () => expectEqual(session.metadata, given.metadata, 'metadata'));
    await check('tools-kept', () => expectEqual(session.tools, given.tools, 'tools'));
    const state = await api.stateOf(session.id);
    await check('messages-in-order', () => {
      const written = state.messages.map(({ role, content }) => ({ role, content }));
      expectEqual(written, messages, 'the window of a session created with messages');
    });
    await check('usage-adds-up', () => {
      const { total_tokens, tools_tokens, messages: count } = session.usage;
      const sum = state.messages.reduce((total, { tokens }) => total + tokens, 0);
      expectTrue(tools_tokens > 0, 'a tool counts more than no tokens');
      expectEqual(total_tokens, tools_tokens + sum, 'the total, of tools and listed messages');
      expectEqual(count, messages.length, 'the number of messages');
    });
    await check('remaining-adds-up', () => {
      const { total_tokens, remaining_tokens } = session.usage;
      expectEqual(remaining_tokens, session.limits.window_tokens - total_tokens, 'what remains of the window');
    });
    await check('read-back', async () => {
      expectEqual(state.session, session, 'the session as it is read');
      const { usage } = await api.append(session.id, user('One more.'));
      expectEqual((await api.getSession(session.id)).usage, usage, 'the usage, as the last write answered it');
    });
  },
});

function pairs(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key ${index}`, 'value']));
}

const sessionsMetadata = defineCase({
  id: 'sessions.metadata',
  title: 'the limits of metadata and titles, at creation and later',
  needs: ['sessions'],
  checks: {
    'pairs-exact pairs-over key-exact key-over value-exact value-over': 'sessions.metadata-limits',
    'title-exact title-over': 'sessions.title-length',
  },
  async run({ api, limits, check }) {
    const session = await api.createSession();
    const accepted = async (body: object, expected: Partial<Session>) => {
      for (const path of ['/sessions', `/sessions/${session.id}`]) {
        const { id } = expectBody(await api.post(path, body), Session);
        const read = await api.getSession(id);
        for (const [name, value] of Object.entries(expected)) expectEqual(read[name as keyof Session], value, name);
      }
    };
    const over = async (body: object, field: string, limit: number) => {
      const before = await api.stateOf(session.id);
      for (const path of ['/sessions', `/sessions/${session.id}`]) {
        const message = expectError(await api.post(path, body), 'invalid_request');
        const named = message.includes(field) && message.includes(String(limit));
        expectTrue(named, `the refusal names ${field} and the limit ${limit}: ${message}`);
      }
      await api.expectUnchanged(before);
    };
    const metadata = {
      pairs: (count: number) => ({ metadata: pairs(count) }),
      key: (length: number) => ({ metadata: { ['k'.repeat(length)]: 'value' } }),
      value: (length: number) => ({ metadata: { key: 'v'.repeat(length) } }),
    };
    const most = { pairs: limits.metadata_pairs, key: limits.metadata_key_chars, value: limits.metadata_value_chars };
    for (const part of ['pairs', 'key', 'value'] as const) {
      const exact = metadata[part](most[part]);
      await check(`${part}-exact`, () => accepted(exact, exact));
      await check(`${part}-over`, () => over(metadata[part](most[part] + 1), 'metadata', most[part]));
    }
    const title = 't'.repeat(limits.title_chars);
    await check('title-exact', () => accepted({ title }, { title }));
    await check('title-over', () => over({ title: `${title}t` }, 'title', limits.title_chars));
  },
});

/** A body with one fault, and the field that is to blame. */
const BAD: readonly (readonly [body: object, field: string])[] = [
  [{ title: 5 }, 'title'],
  [{ metadata: ['a'] }, 'metadata'],
  [{ metadata: { a: 1 } }, 'metadata'],
  [{ tools: {} }, 'tools'],
  [{ tools: [{ ...TOOL, function: { name: '1 bad name' } }] }, 'tools'],
];

const sessionsBadFields = defineCase({
  id: 'sessions.bad-fields',
  title: 'fields of the wrong type and unknown fields',
  needs: ['sessions'],
  checks: {
    'create-refused update-refused': 'sessions.bad-fields',
    'tools-twice-at-creation tools-twice-later': 'sessions.tools-twice',
    'unknown-at-creation unknown-later': 'sessions.unknown-fields',
  },
  async run({ api, check }) {
    const { id } = await api.createSession({ title: 'Before' });
    const before = await api.stateOf(id);
    const blamed = (reply: Reply, field: string) => {
      expectError(reply, 'invalid_request');
      const { param } = (reply.json as { error: { param?: unknown } }).error;
      const named = typeof param === 'string' && param.startsWith(field);
      expectTrue(named, `${reply.what}: the refusal blames ${field}, not ${JSON.stringify(param)}: ${reply.text}`);
    };
    await check('create-refused', async () => {
      for (const [body, field] of [...BAD, [{ model: 5 }, 'model'], [{ messages: 'x' }, 'messages']] as const) {
        blamed(await api.post('/sessions', body), field);
      }
      expectSuccess(await api.post('/sessions', { metadata: api.mark, tools: [TOOL] }));
    });
    await check('update-refused', async () => {
      for (const [body, field] of BAD) blamed(await api.post(`/sessions/${id}`, body), field);
      await api.expectUnchanged(before);
    });
    for (const [name, path] of [
      ['tools-twice-at-creation', '/sessions'],
      ['tools-twice-later', `/sessions/${id}`],
    ] as const) {
      await check(name, async () => {
        expectError(await api.post(path, { tools: [TOOL, OTHER_TOOL, TOOL] }), 'function_name_duplicated');
        await api.expectUnchanged(before);
      });
    }
    const unknown = { colour: 'blue', nested: { a: [1] } };
    await check('unknown-at-creation', async () => {
      expectEqual(
        expectBody(await api.post('/sessions', { metadata: api.mark, title: 'Given', ...unknown }), Session).title,
        'Given',
        'the title',
      );
    });
    await check('unknown-later', async () => {
      const { title } = expectBody(await api.post(`/sessions/${id}`, { title: 'After', ...unknown }), Session);
      expectEqual(title, 'After', 'the title');
    });
  },
});

const DECLARED = ['sessions', 'append_tokens', 'min_preserve_tokens', 'window_tokens', 'snapshots'] as const;
const checkOf = (limit: string) => `${limit.replaceAll('_', '-')}-declared`;

const sessionsLimits = defineCase<string>({
  id: 'sessions.limits',
  title: 'a session names the limits in force',
  needs: ['sessions'],
  checks: { [DECLARED.map(checkOf).join(' ')]: 'sessions.limits' },
  async run(context) {
    const declared = resolveLimits(context.target.limits);
    const { limits } = await context.api.getSession((await context.api.createSession()).id);
    for (const name of DECLARED) {
      await context.check(checkOf(name), () => expectEqual(limits[name], declared[name], `the limit ${name}`));
    }
  },
});

const FIRST = { title: 'First', metadata: { a: '1', b: '2' }, tools: [TOOL] };

/** By name it comes behind the other; a server may not know each of its members. */
const OTHER_TOOL = {
  type: 'function',
  function: { name: 'send_mail', description: 'Sends a mail.', strict: false, x_made_up: { b: 1, a: [] } },
} as const;

/** The members of a session that an update may change. */
function fieldsOf({ title, metadata, tools }: Session): object {
  return { title, metadata, tools };
}

const sessionsUpdate = defineCase({
  id: 'sessions.update',
  title: 'title, metadata and tools are changed',
  needs: ['sessions'],
  checks: {
    'title-alone metadata-alone tools-alone together null-tools': 'sessions.update',
    emptied: 'sessions.update-emptied',
    'answer-is-read identity-stays': 'sessions.read-back',
  },
  async run({ api, check }) {
    const created = await api.createSession(FIRST);
    const { id } = created;
    const update = async (body: object) => expectBody(await api.post(`/sessions/${id}`, body), Session);
    let expected: object = FIRST;
    const judge = async (body: object, then: object = body) => {
      expected = { ...expected, ...then };
      expectEqual(fieldsOf(await update(body)), expected, `the session after ${JSON.stringify(Object.keys(body))}`);
      expectEqual(fieldsOf(await api.getSession(id)), expected, 'the session as it is read');
    };
    await check('title-alone', () => judge({ title: 'Second' }));
    await check('metadata-alone', () => judge({ metadata: { c: '3' } }));
    await check('tools-alone', () => judge({ tools: [OTHER_TOOL] }));
    await check('null-tools', async () => {
      await judge({ title: 'Still', tools: null }, { title: 'Still' });
      const { tools } = expectBody(await api.post('/sessions', { metadata: api.mark, tools: null }), Session);
      expectEqual(tools, [], 'the tools of a session that is created with none');
    });
    await check('together', () =>
      judge({ title: 'Third', metadata: { d: '4', constructor: 'none', 'Key 10': '' }, tools: [TOOL, OTHER_TOOL] }),
    );
    await check('emptied', () =>
      judge({ title: null, metadata: null, tools: [] }, { title: null, metadata: {}, tools: [] }),
    );
    const last = await update({ title: 'Fourth' });
    await check('answer-is-read', async () => expectEqual(await api.getSession(id), last, 'the session as it is read'));
    await check('identity-stays', () => {
      const same = ({ id, session_id, model, created_at, limits, forked_from }: Session) => [
        id,
        session_id,
        model,
        created_at,
        limits,
        forked_from,
      ];
      expectEqual(same(last), same(created), 'what no update changes');
    });
  },
});

/** What tools add to a prompt, by the target's counter. */
async function toolTokens(api: Api, model: string, tools: readonly object[]): Promise<number> {
  const messages = [user('Hello.')];
  const count = async (body: object) =>
    expectBody(await api.post('/tokenizers/estimate-token-count', { model, messages, ...body }), TokenEstimate).data
      .total_tokens;
  return (await count({ tools })) - (await count({}));
}

const sessionsTools = defineCase({
  id: 'sessions.tools',
  title: 'session tools count in the window',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'counted-as-estimated counted-in-total none-counts-nothing': 'sessions.tools-counted',
    'beyond-window-refused': 'sessions.tools-window',
  },
  async run({ api, limits, target, check }) {
    const { id, usage: before } = await api.createSession({ messages: [user('The first message.')] });
    const update = (body: object) => api.post(`/sessions/${id}`, body);
    await check('counted-as-estimated', async () => {
      const tools = [TOOL, OTHER_TOOL];
      const expected = await toolTokens(api, target.model, tools);
      expectEqual(expectBody(await update({ tools }), Session).usage.tools_tokens, expected, 'tools_tokens');
      expectEqual((await api.createSession({ tools })).usage.tools_tokens, expected, 'tools_tokens of a new session');
    });
    await check('counted-in-total', async () => {
      const { usage } = expectBody(await update({ tools: [TOOL] }), Session);
      expectEqual(usage.total_tokens, before.total_tokens + usage.tools_tokens, 'the total with one tool');
      expectEqual(usage.remaining_tokens, limits.window_tokens - usage.total_tokens, 'what remains');
      expectEqual(usage.messages, before.messages, 'the messages');
    });
    await check('none-counts-nothing', async () => {
      const { usage } = expectBody(await update({ tools: [] }), Session);
      const [message] = (await api.stateOf(id)).messages;
      expectEqual(
        [usage.tools_tokens, usage.total_tokens],
        [0, message?.tokens],
        'the tools and the total without tools',
      );
    });
    await check('beyond-window-refused', async () => {
      const state = await api.stateOf(id);
      // A word is at least one token in any vocabulary.
      const description = ' river'.repeat(limits.window_tokens);
      const large = { type: 'function', function: { name: 'look_up', description } };
      expectError(await update({ tools: [large] }), 'context_window_exceeded');
      await api.expectUnchanged(state);
      expectBody(await update({ tools: [TOOL] }), Session);
    });
  },
});

export const SESSIONS_CASES: readonly Case[] = [
  sessionsCreate,
  sessionsFields,
  sessionsModel,
  sessionsLimits,
  sessionsUpdate,
  sessionsTools,
  sessionsMetadata,
  sessionsBadFields,
  sessionsUnknown,
  sessionsChatUnknown,
  sessionsIndependent,
  sessionsHostedAgents,
  sessionsIds,
  sessionsDelete,
  sessionsDeletedRoutes,
  sessionsCapacity,
  sessionsRace,
  ...CAP_CASES,
];
