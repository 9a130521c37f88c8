import { CompletionUsage } from '../../../contract/chat.ts';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { SessionState } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectError, expectShape, expectSuccess, expectTrue } from '../../core/expect.ts';
import { sendTurn, turn } from '../../tables/turns.ts';
import { askCodeWord, codeWordQuestion, codeWordText, expectRecall, withinThreeTries } from '../../wire/chat.ts';
import { modelUnderTest, promptOverhead, turnRoom } from '../../wire/model.ts';
import { unknownId, user } from '../../wire/sessions.ts';
import { estimateTokens, fillWindow } from '../../wire/windows.ts';
import { BUSY_CASES } from './busy-cases.ts';
import { chunksIn, ordering, spokenIn, turns } from './case-support.ts';
import { turnConcurrent, turnDisconnect, turnSnapshotMeanwhile } from './concurrency-cases.ts';
import { FEATURE_CASES } from './feature-cases.ts';
import { SETTING_CASES } from './setting-cases.ts';

const turnChoices = defineCase({
  id: 'turn.choices',
  title: 'a turn has one answer',
  needs: ['sessions', 'chat'],
  checks: {
    'two-refused': 'turn.one-choice',
    'two-change-nothing': 'turn.refused',
    'one-accepted': 'turn.one-choice',
  },
  cost: turns(1),
  async run({ api, target, check }, context) {
    const { id } = await api.createSession({ messages: [user('Hello.')] });
    const before = await api.stateOf(id);
    const reply = await sendTurn(context, id, [user('Say hello.')], { n: 2 });
    // Newer models refuse it by themselves, in the live words, which have no code.
    const bare = modelUnderTest(target.model).family !== 'k2';
    await check('two-refused', () => expectError(reply, 'invalid_request', { param: 'n', bare }));
    await check('two-change-nothing', () => api.expectUnchanged(before));
    await check('one-accepted', () => turn(context, id, [user('Say hello.')], { n: 1 }));
  },
});

/** More than any window of "the last messages" that a server might keep. */
const MANY = 30;

const SEEN_TRIES = 3;

const turnHistory = defineCase({
  id: 'turn.history',
  title: 'the model reads the earlier messages',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'written-before-read said-before-read oldest-of-many-read': 'turn.history',
    'late-system-read': 'turn.system-late',
  },
  cost: turns(14, { promptTokens: 16_384, completionTokens: 512 }),
  async run({ api, check, nonce }, context) {
    await check('written-before-read', async () => {
      const word = nonce();
      const { id } = await api.createSession();
      await api.append(id, [user(codeWordText(word)), { role: 'assistant', content: 'Noted.' }]);
      await expectRecall(context, { session_id: id }, word);
    });
    await check('said-before-read', async () => {
      const word = nonce();
      const { id } = await api.createSession();
      await turn(context, id, [user(`${codeWordText(word)} Reply with exactly: Noted.`)]);
      await expectRecall(context, { session_id: id }, word);
    });
    await check('oldest-of-many-read', async () => {
      const word = nonce();
      const { id } = await api.createSession({ messages: [user(codeWordText(word))] });
      const others = Array.from({ length: MANY }, (_, index) => user(`Item ${index + 1} is in the box.`));
      const half = MANY / 2;
      await api.append(id, others.slice(0, half));
      await api.append(id, others.slice(half));
      await expectRecall(context, { session_id: id }, word);
    });
    await check('late-system-read', async () => {
      const [old, word] = [nonce(), nonce()];
      const { id } = await api.createSession({ messages: [user(codeWordText(old))] });
      await api.append(id, [{ role: 'assistant', content: 'Noted.' }, user('Thank you.')]);
      await api.append(id, { role: 'system', content: `The code word has changed. ${codeWordText(word)}` });
      await expectRecall(context, { session_id: id }, word);
    });
  },
});

const turnIsolation = defineCase({
  id: 'turn.isolation',
  title: 'the model reads no other session',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: { 'own-read other-not-read outside-not-read stored-apart': 'turn.own-history' },
  cost: turns(12, { completionTokens: 384 }),
  async run({ api, target, check, nonce }, context) {
    const [mine, theirs] = [nonce(), nonce()];
    const knowing = await api.createSession({ messages: [user(codeWordText(mine))] });
    const other = await api.createSession({ messages: [user(codeWordText(theirs, 'garden'))] });
    await check('own-read', async () => {
      await expectRecall(context, { session_id: knowing.id }, mine);
      await expectRecall(context, { session_id: other.id }, theirs, 'garden');
    });
    // One hit is final: what a session must not see does not come by chance.
    await check('other-not-read', async () => {
      for (let tries = 0; tries < SEEN_TRIES; tries += 1) {
        const said = await askCodeWord(context, { session_id: other.id });
        expectTrue(!said.includes(mine), `a session knows the messages of another: ${said}`);
      }
    });
    await check('outside-not-read', async () => {
      const said = await askCodeWord(context, { messages: [codeWordQuestion()] });
      expectTrue(!said.includes(mine), `a chat without session knows the messages of a session: ${said}`);
    });
    await check('stored-apart', async () => {
      const [first, second] = [await api.createSession(), await api.createSession()];
      const { session } = await turn(context, first.id, [user('Say hello.')]);
      expectEqual(session.usage.messages, 2, 'the messages of the session that had the turn');
      const untouched = await turn(context, second.id, [user(`Say hello, ${target.model}.`)]);
      expectEqual(untouched.session.usage.messages, 2, 'the messages of the other session after its own turn');
    });
  },
});

const turnNoMessages = defineCase({
  id: 'turn.no-messages',
  title: 'a turn without messages continues from the window',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'empty-window-refused answers-the-window': 'turn.no-messages',
    'prompt-is-the-window': 'turn.prompt-tokens',
    'reply-alone-stored': 'turn.stored',
  },
  cost: turns(8),
  async run({ api, texts, check, nonce }, context) {
    const { id } = await api.createSession();
    await check('empty-window-refused', async () => {
      const before = await api.stateOf(id);
      expectError(await sendTurn(context, id, []), 'invalid_request', { param: 'messages' });
      await api.expectUnchanged(before);
    });
    const word = nonce();
    await api.append(id, [user(codeWordText(word)), codeWordQuestion()]);
    const before = await api.stateOf(id);
    const { content: said, usage } = await turn(context, id, []);
    let content = said;
    await check('prompt-is-the-window', () => {
      expectEqual(
        usage.prompt_tokens,
        before.session.usage.total_tokens + texts.overhead.prompt,
        'the tokens of the prompt',
      );
    });
    await check('reply-alone-stored', async () => {
      const stored = (await api.windowOf(id)).slice(before.messages.length);
      expectEqual(
        stored.map(({ role, content: text }) => [role, text]),
        [['assistant', said]],
        'what a turn without messages adds to the window',
      );
    });
    await check('answers-the-window', () =>
      withinThreeTries(async () => {
        if (content.includes(word)) return undefined;
        await api.append(id, codeWordQuestion());
        ({ content } = await turn(context, id, []));
        return `the model does not know the word \${word} that it was given: ${content}`;
      }),
    );
  },
});

const finishIn = (text: string) => chunksIn(text).find(({ choices }) => choices[0]?.finish_reason != null);

const turnStream = defineCase({
  id: 'turn.stream',
  title: 'a streamed turn is in the session before its finish chunk is read',
  needs: ['sessions', 'chat', 'chat.stream'],
  checks: {
    'finish-names-session finish-as-read': 'turn.stream-session',
    'usage-after': 'turn.usage',
    'stored-as-streamed': 'turn.stored',
    'committed-at-finish committed-at-answer': 'turn.committed-first',
  },
  cost: turns(3),
  async run({ api, texts, check }, context) {
    const { id } = await api.createSession({ messages: [user('Hello.')] });
    const order = ordering('All is well on every river and every road.');
    const reply = expectSuccess(await sendTurn(context, id, [order], { stream: true }));
    const finish = finishIn(reply.text);
    const { session, messages } = await api.stateOf(id);
    await check('finish-names-session', () => {
      const state = expectShape(SessionState, finish?.session, 'the session on the finish chunk');
      expectEqual(state.id, id, 'the session on the finish chunk');
    });
    await check('finish-as-read', () => {
      const { version, usage } = expectShape(SessionState, finish?.session, 'the session on the finish chunk');
      expectEqual(
        { version, usage },
        { version: session.version, usage: session.usage },
        'the session on the finish chunk',
      );
    });
    await check('usage-after', () => {
      const usage = expectShape(CompletionUsage, finish?.choices[0]?.usage, 'the usage on the finish chunk');
      const { prompt, reply } = texts.overhead;
      const expected = usage.prompt_tokens - prompt + usage.completion_tokens + reply;
      expectEqual(session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
    await check('stored-as-streamed', () => {
      expectEqual(messages.length, 3, 'the messages of the window');
      expectEqual(
        [messages[1]?.content, messages[2]?.content],
        [order.content, spokenIn(reply.text)],
        'the turn in the window',
      );
    });
    await check('committed-at-finish', () => committed(context, id, { stream: true }));
    await check('committed-at-answer', () => committed(context, id, {}));
  },
});

/** Reads of a turn no more than its end takes, and looks at once. */
async function committed(context: CaseContext<string>, id: string, more: object): Promise<void> {
  const before = (await context.api.stateOf(id)).messages.length;
  const order = ordering('It is done.');
  const stopWhen = (text: string) => finishIn(text) !== undefined;
  const reply = await sendTurn(context, id, [order], more, { stopWhen });
  expectSuccess(reply);
  const { messages } = await context.api.stateOf(id);
  expectEqual(messages.length, before + 2, 'the messages of the window when the end has been read');
  expectTrue(messages.at(-2)?.content === order.content, 'the new message stands before the reply');
}

const turnUnknownSession = defineCase({
  id: 'turn.unknown-session',
  title: 'a chat in an unknown session is not found',
  needs: ['sessions', 'chat'],
  checks: {
    'known-answered': 'turn.session',
    'invented-refused streamed-refused none-created deleted-refused': 'turn.unknown-session',
  },
  cost: turns(1),
  async run({ api, check }, context) {
    const { id } = await api.createSession();
    const nobody = unknownId(id);
    const order = user('Say hello.');
    await check('known-answered', () => turn(context, id, [order]));
    await check('invented-refused', async () => {
      expectError(await sendTurn(context, nobody, [order]), 'session_not_found');
    });
    await check('streamed-refused', async () => {
      expectError(await sendTurn(context, nobody, [order], { stream: true }), 'session_not_found');
    });
    await check('none-created', async () => expectError(await api.get(`/sessions/${nobody}`), 'session_not_found'));
    await check('deleted-refused', async () => {
      expectSuccess(await api.delete(`/sessions/${id}`));
      expectError(await sendTurn(context, id, [order]), 'session_not_found');
    });
  },
});

const MAX_TOKENS = 16;

/** Room for a few questions and their answers. */
const ROOM = 256;

const QUESTIONS = 4;

const NEWWindow = user('Say hello.');

const turnWindow = defineCase({
  id: 'turn.window',
  title: 'a turn can fill the window and reads all of it',
  needs: ['sessions', 'sessions.append', 'chat', 'tokens.estimate'],
  checks: {
    'oldest-of-full-read': 'turn.nothing-dropped',
    'over-refused': 'turn.window',
    'over-told': 'turn.window-text',
    'over-changes-nothing': 'turn.refused',
    'default-max-told streamed-default-max-told': 'turn.default-max-tokens',
    'exact-accepted': 'turn.window',
    'exact-keeps-all': 'turn.nothing-dropped',
  },
  cost: ({ window_tokens, append_tokens }) => ({
    requests: 60 + 3 * Math.ceil(window_tokens / append_tokens),
    promptTokens: QUESTIONS * window_tokens,
    completionTokens: QUESTIONS * 32,
  }),
  async run({ api, limits, texts, check, nonce }, context) {
    const window = limits.window_tokens;
    const word = nonce();
    const { id } = await api.createSession({ messages: [user(codeWordText(word))] });
    await fillWindow(context, id, window - ROOM);
    await check('oldest-of-full-read', () => expectRecall(context, { session_id: id }, word));
    const { overhead } = texts;
    const added = (await estimateTokens(context, { messages: [NEWWindow] })) - overhead.estimate;
    const most = MAX_TOKENS + overhead.answer;
    const room = turnRoom(overhead, {}, 0);
    const full = window - added - most - room;
    await fillWindow(context, id, full);
    const before = await api.stateOf(id);
    const assistants = before.messages.filter(({ role }) => role === 'assistant').length;
    const over = await sendTurn(context, id, [NEWWindow], { max_tokens: most + 1 });
    await check('over-changes-nothing', () => api.expectUnchanged(before));
    await check('over-refused', () => expectError(over, 'context_window_exceeded'));
    await check('over-told', () => {
      const text = LIVE_TEXT.windowExceeded(window, window + 1);
      expectEqual(expectError(over, 'context_window_exceeded'), text, 'the message');
    });
    for (const [name, stream] of [
      ['default-max-told', false],
      ['streamed-default-max-told', true],
    ] as const) {
      await check(name, async () => {
        // Without a limit of its own, and refused: it costs nothing.
        const unlimited = await sendTurn(context, id, [NEWWindow], { max_tokens: undefined, stream });
        const text = LIVE_TEXT.windowExceeded(window, full + added + limits.max_tokens + room);
        expectEqual(expectError(unlimited, 'context_window_exceeded'), text, 'the message without max_tokens');
      });
    }
    await check('exact-accepted', async () => {
      const { usage } = await turn(context, id, [NEWWindow], { max_tokens: most });
      expectEqual(
        usage.prompt_tokens,
        full + added + promptOverhead(overhead, {}, assistants),
        'the tokens of the prompt',
      );
    });
    await check('exact-keeps-all', async () => {
      const { messages } = await api.stateOf(id);
      expectEqual(messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
      expectEqual(messages.length, before.messages.length + 2, 'the messages of the window');
    });
  },
});

export const TURN_CASES: readonly Case[] = [
  turnHistory,
  turnIsolation,
  turnNoMessages,
  turnStream,
  turnChoices,
  turnWindow,
  turnUnknownSession,
  turnConcurrent,
  turnSnapshotMeanwhile,
  turnDisconnect,
  ...FEATURE_CASES,
  ...SETTING_CASES,
  ...BUSY_CASES,
];
