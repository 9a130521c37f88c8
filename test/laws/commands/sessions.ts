import fc from 'fast-check';
import { expect } from 'vitest';
import type { Session, SessionAppend } from '../../../contract/sessions.ts';
import { toolsTokens } from '../../../emulator/engines/tokens/prompt.ts';
import { onSession, otherAccount, pick, place, type Step } from '../command.ts';
import { expectRefusal, expectSession, listAll } from '../expectations.ts';
import { type Plan, plans, toMessages, tools } from '../plans.ts';
import { EMPTY, type SessionState, type State, totalOf } from '../state.ts';
import { ACCOUNTS, LIMITS, type World } from '../world.ts';
import { appendFault, named, written } from '../write.ts';

/** A leading instruction, a fact to keep, a call with its results, and talk. */
const OPENING: Plan[][] = [
  [{ role: 'system', text: 'You keep the log of the harbour.', calls: 0, answers: 0 }],
  [{ role: 'user', text: 'The password is 42. '.repeat(12), calls: 0, answers: 0, pinned: true }],
  [{ role: 'assistant', text: 'I will look.', calls: 2, answers: 1 }],
  Array.from({ length: 2 }, () => ({ role: 'user', text: '说道：ships '.repeat(9), calls: 0, answers: 0 })),
  Array.from({ length: 4 }, () => ({ role: 'user', text: 'More about the sea. '.repeat(9), calls: 0, answers: 0 })),
];

const account = fc.constantFrom(...ACCOUNTS);

const create = fc.record({ account, tools, planned: fc.option(plans, { nil: undefined }) }).map(
  (values): Step => ({
    check: () => true,
    toString: () => `create ${JSON.stringify(values)}`,
    async run(state, world) {
      const messages = toMessages(EMPTY, values.planned ?? []);
      const body = { tools: values.tools, ...(values.planned && { messages }) };
      const reply = await world.api.post<Session>('/v1/sessions', body, { key: values.account });
      const toolsSize = toolsTokens(world.tokenizer, values.tools);
      const fresh = { ...EMPTY, tools: values.tools, toolsTokens: toolsSize };
      const news = written(world.tokenizer, state, fresh, messages);
      const fault = appendFault(fresh, messages, news, toolsSize);
      const full = isFull(state, values.account) && fault !== 'invalid_request';
      if (full || fault !== undefined) {
        return expectRefusal(world, state, reply as never, full ? 'session_limit_reached' : (fault ?? ''));
      }
      const { id } = reply.body;
      const ids = await listAll<{ id: string }>(world, `/v1/sessions/${id}/messages`, values.account);
      const content = {
        ...fresh,
        messages: named(
          news,
          ids.map((message) => message.id),
        ),
      };
      await added(state, world, { id, account: values.account, version: 1, content });
    },
  }),
);

const append = fc
  .record({ session: place, planned: plans, key: fc.boolean() })
  .map((values) => onSession(values, 'append', (...given) => write(...given, values)));

async function write(
  session: SessionState,
  state: State,
  world: World,
  values: { planned: readonly Plan[]; key: boolean },
): Promise<void> {
  const { content, account: key } = session;
  const messages = toMessages(content, values.planned);
  const news = written(world.tokenizer, state, content, messages);
  const path = `/v1/sessions/${session.id}/messages`;
  const headers = values.key ? { 'Idempotency-Key': `${session.id} ${session.version}` } : {};
  const reply = await world.api.post<SessionAppend>(path, { messages }, { key, headers });
  const fault = appendFault(content, messages, news, totalOf(content));
  if (fault !== undefined) return expectRefusal(world, state, reply as never, fault);
  const ids = reply.body.data.map((item) => item.id);
  session.version += 1;
  session.content = { ...content, messages: [...content.messages, ...named(news, ids)] };
  expect(reply.body).toMatchObject({ version: session.version, usage: { total_tokens: totalOf(session.content) } });
  if (values.key) {
    const again = await world.api.post(path, { messages }, { key, headers });
    expect(again.text).toBe(reply.text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  }
  await expectSession(world, session);
}

const appendLines = fc.record({ session: place, planned: plans }).map((values) =>
  onSession(values, 'append lines', async (session, state, world) => {
    const lines = toMessages(session.content, values.planned);
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const path = `/v1/sessions/${session.id}/messages`;
    const reply = await world.api.send<object>('POST', path, text, { key: session.account, headers });
    const acknowledged = reply.text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    for (const [index, line] of lines.entries()) {
      const news = written(world.tokenizer, state, session.content, [line]);
      const fault = appendFault(session.content, [line], news, totalOf(session.content));
      if (fault !== undefined) {
        expect(acknowledged[index]).toMatchObject({ error: { code: fault } });
        expect(acknowledged.length).toBe(index + 1);
        return expectSession(world, session);
      }
      session.version += 1;
      const messages = [...session.content.messages, ...named(news, [acknowledged[index].id])];
      session.content = { ...session.content, messages };
      const usage = { total_tokens: totalOf(session.content) };
      expect(acknowledged[index]).toMatchObject({ index, version: session.version, usage });
    }
    expect(acknowledged[lines.length]).toMatchObject({ done: true, lines: lines.length, version: session.version });
    await expectSession(world, session);
  }),
);

const update = fc.record({ session: place, tools }).map((values) =>
  onSession(values, 'update', async (session, state, world) => {
    const path = `/v1/sessions/${session.id}`;
    const reply = await world.api.post(path, { tools: values.tools }, { key: session.account });
    const content = {
      ...session.content,
      tools: values.tools,
      toolsTokens: toolsTokens(world.tokenizer, values.tools),
    };
    if (totalOf(content) > LIMITS.window_tokens) return expectRefusal(world, state, reply, 'context_window_exceeded');
    if (values.tools.length !== session.content.tools.length) session.version += 1;
    session.content = content;
    await expectSession(world, session);
  }),
);

const pin = fc.record({ session: place, message: place, pinned: fc.boolean() }).map((values) =>
  onSession(values, 'pin', async (session, state, world) => {
    const { messages } = session.content;
    const path = `/v1/sessions/${session.id}/messages`;
    if (messages.length === 0) {
      const reply = await world.api.post(`${path}/msg_none`, { pinned: true }, { key: session.account });
      return expectRefusal(world, state, reply, 'message_not_found');
    }
    const target = pick(messages, values.message);
    const reply = await world.api.post(`${path}/${target.id}`, { pinned: values.pinned }, { key: session.account });
    expect(reply.body).toMatchObject({ id: target.id, pinned: values.pinned });
    if (target.pinned !== values.pinned) session.version += 1;
    const pinnedAnew = messages.map((message) =>
      message === target ? { ...message, pinned: values.pinned } : message,
    );
    session.content = { ...session.content, messages: pinnedAnew };
    await expectSession(world, session);
  }),
);

const remove = fc.record({ session: place }).map((values) =>
  onSession(values, 'delete session', async (session, state, world) => {
    const path = `/v1/sessions/${session.id}`;
    expect((await world.api.delete(path, { key: session.account })).status).toBe(200);
    state.sessions.splice(state.sessions.indexOf(session), 1);
  }),
);

const crossAccount = fc.record({ session: place }).map((values) =>
  onSession(values, 'crossAccount', async (session, state, world) => {
    const key = otherAccount(session.account);
    const path = `/v1/sessions/${session.id}`;
    const reply = await world.api.post(`${path}/messages`, { role: 'user', content: 'mine' }, { key });
    await expectRefusal(world, state, reply, 'session_not_found');
    expect((await world.api.delete(path, { key })).status).toBe(404);
  }),
);

/** Sessions to begin with, so that most steps have one and something to cut: two of one account, one of the other. */
export async function begin(state: State, world: World): Promise<void> {
  for (const key of [ACCOUNTS[0], ACCOUNTS[0], ACCOUNTS[1]]) {
    const { body } = await world.api.post<Session>('/v1/sessions', {}, { key });
    const session = { id: body.id, account: key, version: 1, content: EMPTY };
    state.sessions.push(session);
    for (const planned of OPENING) await write(session, state, world, { planned, key: false });
  }
}

export function isFull(state: State, owner: string): boolean {
  return state.sessions.filter((session) => session.account === owner).length >= LIMITS.sessions;
}

export async function added(state: State, world: World, session: SessionState): Promise<void> {
  state.sessions.push(session);
  await expectSession(world, session);
}

export const sessionSteps = [
  { weight: 3, arbitrary: create },
  { weight: 10, arbitrary: append },
  { weight: 4, arbitrary: appendLines },
  { weight: 2, arbitrary: update },
  { weight: 3, arbitrary: pin },
  { weight: 1, arbitrary: remove },
  { weight: 1, arbitrary: crossAccount },
];
