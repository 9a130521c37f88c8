import { MODEL_ID } from '../../../contract/models.ts';
import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, shaped, succeeded } from '../../core/expect.ts';
import { TOOL } from '../../wire/changes.ts';
import { append, getSession, stateOf, user, windowOf } from '../../wire/dialect.ts';

/** Anything before is no time of this API, and anything behind is no time in seconds. */
const FIRST_SECOND = 1_600_000_000;
const LAST_SECOND = 100_000_000_000;

export const sessionsCreate = defineCase({
  id: 'sessions.create',
  title: 'a session is created of nothing',
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
  async run(trial) {
    const { api } = trial;
    const reply = await api.post('/sessions');
    const body = (succeeded(reply).json ?? {}) as { session_id?: unknown };
    await trial.need('returns-id', () => {
      holds(
        typeof body.session_id === 'string' && body.session_id !== '',
        `${reply.what}: no session_id: ${reply.text}`,
      );
    });
    await trial.need('whole', () => shaped(Session, body, reply.what));
    const session = answered(reply, Session);
    await trial.check('one-id', () => equal(session.id, session.session_id, 'id, which is session_id'));
    await trial.check('empty', () => {
      const { title, metadata, tools, forked_from } = session;
      const nothing = { title: null, metadata: {}, tools: [], forked_from: null };
      equal({ title, metadata, tools, forked_from }, nothing, 'what was not given');
    });
    await trial.check('counts-nothing', () => {
      const remaining_tokens = session.limits.window_tokens;
      equal(
        session.usage,
        { total_tokens: 0, tools_tokens: 0, remaining_tokens, messages: 0 },
        'the usage of an empty session',
      );
    });
    await trial.check('default-model', () => equal(session.model, MODEL_ID, 'the model that nobody named'));
    await trial.check('times', () => {
      const { created_at, updated_at } = session;
      const inSeconds = created_at > FIRST_SECOND && updated_at < LAST_SECOND;
      holds(inSeconds, `the times are Unix seconds, not ${created_at} and ${updated_at}`);
      holds(updated_at >= created_at, `changed at ${updated_at}, before it was created at ${created_at}`);
    });
    await trial.check('read-back', async () => {
      equal(await getSession(api, session.id), session, 'the session as it is read');
      holds((await windowOf(api, session.id)).length === 0, 'the window of a new session is empty');
    });
  },
});

export const sessionsFields = defineCase({
  id: 'sessions.fields',
  title: 'a session is created with every field',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'model-kept': 'sessions.fields',
    'title-kept': 'sessions.fields',
    'metadata-kept': 'sessions.fields',
    'tools-kept': 'sessions.fields',
    'messages-in-order': 'sessions.first-messages',
    'usage-adds-up': 'sessions.usage',
    'remaining-adds-up': 'sessions.usage',
    'read-back': 'sessions.read-back',
  },
  async run(trial) {
    const { api, target } = trial;
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      user('The first question.'),
      { role: 'assistant' as const, content: 'The first answer.' },
    ];
    const given = {
      model: target.model,
      title: 'A title, 标题',
      metadata: { project: 'stone', 'key 2': '' },
      tools: [TOOL],
    };
    const session = answered(await api.post('/sessions', { ...given, messages }), Session);
    await trial.check('model-kept', () => equal(session.model, given.model, 'model'));
    await trial.check('title-kept', () => equal(session.title, given.title, 'title'));
    await trial.check('metadata-kept', () => equal(session.metadata, given.metadata, 'metadata'));
    await trial.check('tools-kept', () => equal(session.tools, given.tools, 'tools'));
    const state = await stateOf(api, session.id);
    await trial.check('messages-in-order', () => {
      const written = state.messages.map(({ role, content }) => ({ role, content }));
      equal(written, messages, 'the window of a session created with messages');
    });
    await trial.check('usage-adds-up', () => {
      const { total_tokens, tools_tokens, messages: count } = session.usage;
      const sum = state.messages.reduce((total, { tokens }) => total + tokens, 0);
      holds(tools_tokens > 0, 'a tool counts more than no tokens');
      equal(total_tokens, tools_tokens + sum, 'the total, of tools and listed messages');
      equal(count, messages.length, 'the number of messages');
    });
    await trial.check('remaining-adds-up', () => {
      const { total_tokens, remaining_tokens } = session.usage;
      equal(remaining_tokens, session.limits.window_tokens - total_tokens, 'what remains of the window');
    });
    await trial.check('read-back', async () => {
      equal(state.session, session, 'the session as it is read');
      const { usage } = await append(api, session.id, user('One more.'));
      equal((await getSession(api, session.id)).usage, usage, 'the usage, as the last write answered it');
    });
  },
});

export const sessionsFirstMessages = defineCase({
  id: 'sessions.first-messages',
  title: 'the messages of a creation are one append',
  needs: ['sessions', 'tokens.estimate'],
  checks: { 'exact-accepted': 'sessions.first-messages', 'over-refused': 'sessions.first-messages' },
  async run(trial) {
    const { api, limits, texts } = trial;
    const half = Math.floor(limits.append_tokens / 2);
    const first = user(await texts.exactly(half));
    const rest = user(await texts.exactly(limits.append_tokens - half));
    const over = user(await texts.exactly(limits.append_tokens - half + 1));
    await trial.check('exact-accepted', async () => {
      const { usage } = answered(await api.post('/sessions', { messages: [first, rest] }), Session);
      equal(usage.total_tokens, limits.append_tokens, 'the usage of a session created with one whole write');
    });
    await trial.check('over-refused', async () => {
      refused(await api.post('/sessions', { messages: [first, over] }), 'append_too_large');
      succeeded(await api.post('/sessions', { messages: [first] }));
    });
  },
});
