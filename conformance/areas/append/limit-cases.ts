import { contentText } from '../../../contract/content-text.ts';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { SessionAppend, type SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import { Inconclusive } from '../../core/verdict.ts';
import type { Reply } from '../../wire/reply.ts';
import { idOf, type Message, type State, toolCall, toolResult, user } from '../../wire/sessions.ts';
import { fillWindow } from '../../wire/windows.ts';

const WRITES = 8;

export const appendConcurrent = defineCase({
  id: 'append.concurrent',
  title: 'after concurrent writes the window has exactly the accepted ones',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'each-answered accepted-stand': 'append.concurrent',
    'writes-stay-together': 'append.atomic',
    'usage-adds-up': 'append.usage',
    'versions-differ': 'append.concurrent',
  },
  async run({ api, check }) {
    const { id, usage } = await api.createSession();
    const write = (index: number) => ({ messages: [user(`Write ${index}, one`), user(`Write ${index}, two`)] });
    const replies = await Promise.all(
      Array.from({ length: WRITES }, (_, index) => api.post(`/sessions/${id}/messages`, write(index))),
    );
    const isAccepted = (reply: Reply | undefined) => reply !== undefined && reply.status < 300;
    const accepted = replies.filter(isAccepted).map((reply) => expectBody(reply, SessionAppend));
    await check('each-answered', async () => {
      for (const reply of replies) if (!isAccepted(reply)) expectError(reply, 'session_busy');
      expectTrue(accepted.length > 0, 'at least one of the writes is accepted');
      await api.append(id, user('The last.'));
    });
    const { session, messages } = await api.stateOf(id);
    const stand = messages.slice(0, -1).map(({ content }) => String(content));
    await check('accepted-stand', () => {
      const expected = replies.flatMap((reply, index) =>
        isAccepted(reply) ? write(index).messages.map(({ content }) => String(content)) : [],
      );
      expectEqual([...stand].sort(), expected.sort(), 'the messages that stand in the window');
    });
    await check('writes-stay-together', () => {
      for (const [index, content] of stand.entries()) {
        if (index % 2 === 0) expectEqual(stand[index + 1], content.replace('one', 'two'), `what follows "${content}"`);
      }
    });
    await check('usage-adds-up', () => {
      const written = accepted.reduce((sum, { tokens }) => sum + tokens, 0) + (messages.at(-1)?.tokens ?? 0);
      expectEqual(session.usage.total_tokens - usage.total_tokens, written, 'the tokens written');
    });
    await check('versions-differ', () => {
      const versions = accepted.map(({ version }) => version);
      expectEqual(new Set(versions).size, versions.length, 'the number of different versions');
    });
  },
});

const TOOL = {
  type: 'function',
  function: { name: 'look_up', description: 'Looks a word up.', parameters: { type: 'object' } },
};

export const appendLaws = defineCase({
  id: 'append.laws',
  title: 'usage is the sum of the listed messages after any operations',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.append.stream',
    'sessions.truncate',
    'sessions.snapshot',
    'sessions.rollback',
    'sessions.compress',
    'chat',
    'tokens.estimate',
  ],
  checks: { 'usage-is-the-sum': 'append.usage-sum', 'history-is-sound': 'append.sound-history' },
  cost: ({ min_preserve_tokens }) => ({ requests: 80, promptTokens: 8 * min_preserve_tokens, completionTokens: 16 }),
  async run({ api, limits, target, texts, check }) {
    const least = limits.min_preserve_tokens;
    const { id } = await api.createSession({ tools: [TOOL], messages: [{ role: 'system', content: 'Be short.' }] });
    const path = `/sessions/${id}`;
    const states: [string, State][] = [['a creation', await api.stateOf(id)]];
    const after = async (what: string) => states.push([what, await api.stateOf(id)]);
    const fill = async (): Promise<Message> => user(await texts.exactly(Math.min(least, limits.append_tokens)));
    const group = (...ids: string[]) => [toolCall(...ids), ...ids.map((call) => toolResult(call, 'found')).reverse()];

    await api.append(id, [user('Hello.'), ...group('call_a', 'call_b')]);
    await after('a write');
    expectSuccess(
      await api.post(`${path}/messages`, undefined, {
        headers: { 'Content-Type': 'application/x-ndjson' },
        raw: [user('One line.'), ...group('call_a')].map((line) => `${JSON.stringify(line)}\n`).join(''),
      }),
    );
    await after('a streamed write');
    const { snapshot_id } = await api.createSnapshot(id);
    expectSuccess(await api.post(`${path}/messages/${states[1]?.[1].messages[1]?.id}`, { pinned: true }));
    await after('a pin');
    await api.chat({
      model: target.model,
      session_id: id,
      messages: [user('Say hello.')],
      max_tokens: 8 + texts.overhead.answer,
      tools: [],
    });
    await after('a turn');
    for (let writes = 0; writes < 2; writes += 1) await api.append(id, await fill());
    await api.append(id, group('call_c', 'call_d'));
    expectSuccess(await api.post(`${path}/truncate`, { preserve_len: least }));
    await after('a cut');
    await api.append(id, [await fill()]);
    expectSuccess(await api.post(`${path}/compress`, { ratio: 1.5 }));
    await after('a compression');
    await api.append(id, user('And on.'));
    await after('a write behind a summary');
    expectSuccess(
      await api.post(path, { tools: [TOOL, { ...TOOL, function: { ...TOOL.function, name: 'look_down' } }] }),
    );
    await after('a change of tools');
    expectSuccess(await api.post(`${path}/rollback`, { snapshot_id }));
    await after('a rollback');

    await check('usage-is-the-sum', () => {
      for (const [what, { session, messages }] of states) {
        const total = session.usage.tools_tokens + messages.reduce((sum, { tokens }) => sum + tokens, 0);
        const { tools_tokens } = session.usage;
        const remaining_tokens = limits.window_tokens - total;
        const usage = { total_tokens: total, tools_tokens, remaining_tokens, messages: messages.length };
        expectEqual(session.usage, { ...session.usage, ...usage }, `the usage after ${what}`);
      }
    });
    await check('history-is-sound', () => {
      for (const [what, { messages }] of states) requireSound(messages, what);
    });
  },
});

/** @throws Mismatch where the live API would refuse these messages for their structure */
function requireSound(messages: readonly SessionMessage[], what: string): void {
  let waiting: string[] = [];
  for (const { role, content, tool_calls = [], tool_call_id } of messages) {
    if (role === 'tool') {
      expectTrue(
        tool_call_id !== undefined && waiting.includes(tool_call_id),
        `${what} left the result of ${tool_call_id} alone`,
      );
      waiting = waiting.filter((call) => call !== tool_call_id);
      continue;
    }
    expectTrue(waiting.length === 0, `${what} left ${waiting.join(', ')} without result`);
    expectTrue(contentText(content) !== '' || tool_calls.length > 0, `${what} left a message without content`);
    waiting = tool_calls.map(idOf);
  }
  expectTrue(messages.length > 0, `${what} left no messages`);
}

/** One token in every vocabulary that is known, however long. */
const LONG_WORDS = ' international communication understanding administration responsibility'.split(/(?= )/);

/** Two UTF-16 units and several tokens each. */
const RARE = '𓀀𓁟𓃠𓆣𓇳𓊝𓍝𓎛';

export const appendLimitInTokens = defineCase({
  id: 'append.limit-in-tokens',
  title: 'the limit of a write counts tokens, not characters',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: { 'many-characters-accepted few-characters-refused': 'append.limit-in-tokens' },
  async run({ api, limits, texts, check }) {
    const limit = limits.append_tokens;
    const { id } = await api.createSession();
    const words = Array.from({ length: Math.floor(limit / 2) }, (_, index) => LONG_WORDS[index % LONG_WORDS.length]);
    const long = `Terms:${words.join('')}`;
    // At least half as many tokens as UTF-16 units in any byte-pair vocabulary that has no merges for these.
    const short = RARE.repeat(Math.ceil((limit - 64) / RARE.length));
    await check('many-characters-accepted', async () => {
      const tokens = await texts.tokensOf(long);
      if (tokens > limit || long.length <= 4 * limit) throw unfit(long, tokens);
      expectEqual((await api.append(id, user(long))).tokens, tokens, 'the tokens of a text of long words');
    });
    await check('few-characters-refused', async () => {
      const tokens = await texts.tokensOf(short);
      if (tokens <= limit || short.length > limit) throw unfit(short, tokens);
      const before = await api.stateOf(id);
      expectError(await api.post(`/sessions/${id}/messages`, user(short)), 'append_too_large');
      await api.expectUnchanged(before);
    });
  },
});

/** What a text counts is the vocabulary's business. */
function unfit(text: string, tokens: number): Inconclusive {
  return new Inconclusive(`a text of ${text.length} characters counts ${tokens} tokens: it tells nothing of the limit`);
}

export const appendRequestMessages = defineCase({
  id: 'append.request-messages',
  title: 'a write of too many messages is refused',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: { 'most-not-refused-for-it one-more-refused': 'append.request-messages' },
  async run({ api, limits, texts, check }) {
    const { id } = await api.createSession();
    const before = await api.stateOf(id);
    const write = (count: number) =>
      api.post(`/sessions/${id}/messages`, { messages: Array.from({ length: count }, () => user('a')) });
    await check('one-more-refused', async () => {
      const message = expectError(await write(limits.request_messages + 1), 'invalid_request', { param: 'messages' });
      expectTrue(message.includes(String(limits.request_messages)), `the refusal names the limit: ${message}`);
      await api.expectUnchanged(before);
    });
    await check('most-not-refused-for-it', async () => {
      const tokens = limits.request_messages * (await texts.tokensOf('a'));
      const reply = await write(limits.request_messages);
      if (tokens <= limits.append_tokens) expectSuccess(reply);
      else expectError(reply, 'append_too_large');
    });
  },
});

const LAST = 32;

export const appendWindow = defineCase({
  id: 'append.window',
  title: 'a window can be filled exactly and refuses one token more',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'one-more-refused': 'append.window',
    'one-more-told': 'append.window-text',
    'one-more-changes-nothing': 'append.nothing-dropped',
    'exact-accepted': 'append.window',
    'exact-keeps-all': 'append.nothing-dropped',
    'full-refuses-any': 'append.window',
  },
  cost: (limits) => ({ requests: 60 + 3 * Math.ceil(limits.window_tokens / limits.append_tokens) }),
  async run({ api, limits, texts, check, require }, context) {
    const window = limits.window_tokens;
    const { id } = await api.createSession();
    const path = `/sessions/${id}/messages`;
    const refusal = async (tokens: number) => {
      const { usage } = await api.getSession(id);
      const reply = await api.post(path, user(await texts.exactly(tokens)));
      return { reply, requested: usage.total_tokens + tokens };
    };
    await fillWindow(context, id, window - LAST);
    const before = await api.stateOf(id);
    const { reply, requested } = await refusal(LAST + 1);
    await check('one-more-changes-nothing', () => api.expectUnchanged(before));
    await check('one-more-refused', () => expectError(reply, 'context_window_exceeded'));
    await check('one-more-told', () => {
      expectEqual(
        expectError(reply, 'context_window_exceeded'),
        LIVE_TEXT.windowExceeded(window, requested),
        'the message',
      );
    });
    await require('exact-accepted', async () => {
      const { usage } = await api.append(id, user(await texts.exactly(LAST)));
      expectEqual([usage.total_tokens, usage.remaining_tokens], [window, 0], 'the usage of a full window');
    });
    await check('exact-keeps-all', async () => {
      expectEqual((await api.windowOf(id)).slice(0, -1), before.messages, 'the messages that stood there before');
    });
    await check('full-refuses-any', async () => {
      const full = await api.stateOf(id);
      expectError((await refusal(LAST)).reply, 'context_window_exceeded');
      await api.expectUnchanged(full);
    });
  },
});
