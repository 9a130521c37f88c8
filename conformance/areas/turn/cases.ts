import { z } from 'zod';
import { ChatCompletion, CompletionUsage } from '../../../contract/chat.ts';
import { type ErrorCode, LIVE_TEXT } from '../../../contract/errors.ts';
import { listOf } from '../../../contract/lists.ts';
import { SessionMessage, SessionState } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import type { Cost } from '../../core/budget.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectShape, expectSuccess, expectTrue } from '../../core/expect.ts';
import { Inconclusive, Mismatch, NotRun } from '../../core/verdict.ts';
import type { SendOptions } from '../../wire/api.ts';
import {
  askCodeWord,
  codeWordQuestion,
  codeWordText,
  expectRecall,
  FORECAST_NAME,
  FORECAST_REQUEST,
  withinThreeTries,
} from '../../wire/chat.ts';
import { DURING_COST, longSession, QUESTION, sendDuringTurns } from '../../wire/concurrent-turns.ts';
import { parseEvents, type Reply } from '../../wire/reply.ts';
import {
  append,
  createSession,
  createSnapshot,
  expectUnchanged,
  getSession,
  type Message,
  stateOf,
  toolCall,
  toolResult,
  unknownId,
  user,
  windowOf,
} from '../../wire/sessions.ts';
import { estimateTokens, fillWindow, OTHER_TOOL, TOOL } from '../../wire/windows.ts';

/** What a turn may say where a case does not need more. */
const ANSWER_TOKENS = 16;

/** Short messages in a window that holds little else. */
const PROMPT_TOKENS = 256;

/** The most that so many turns cost in short windows. */
function turns(count: number, more: Partial<Cost> = {}): () => Partial<Cost> {
  return () => ({ promptTokens: count * PROMPT_TOKENS, completionTokens: count * ANSWER_TOKENS, ...more });
}

/** A turn, whatever becomes of it. */
function sendTurn(
  { api, target }: CaseContext<string>,
  session: string,
  messages: readonly object[],
  more: object = {},
  send?: SendOptions,
): Promise<Reply> {
  const body = { model: target.model, session_id: session, messages, max_tokens: ANSWER_TOKENS, ...more };
  return api.post('/chat/completions', body, send);
}

/** A turn that was answered. */
interface Turn {
  content: string;
  calls: NonNullable<ChatCompletion['choices'][number]['message']['tool_calls']>;
  finish: string;
  usage: ChatCompletion['usage'];
  session: SessionState;
}

/** @throws Mismatch, Inconclusive where a turn was not answered as one */
function ended(reply: Reply): Turn {
  const { choices, usage, session } = expectBody(reply, ChatCompletion);
  const [choice] = choices;
  if (!choice) throw new Mismatch(`${reply.what}: an answer without a choice`);
  if (!session) throw new Mismatch(`${reply.what}: an answer that does not name its session`);
  const { content, tool_calls = [] } = choice.message;
  return { content, calls: tool_calls, finish: choice.finish_reason, usage, session };
}

async function turn(
  context: CaseContext<string>,
  session: string,
  messages: readonly object[],
  more: object = {},
): Promise<Turn> {
  return ended(await sendTurn(context, session, messages, more));
}

/** An order that a real model obeys, and one that only looks things up. */
function ordering(text: string): Message {
  return { role: 'user', content: `Reply with exactly: ${text}` };
}

/** Words enough for an answer of many pieces. */
const LONG_ANSWER = 'responsibility internationalization communication infrastructure '.repeat(20).trim();

/** A chunk, as far as it matters here. */
const Chunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string().nullish() }).optional(),
      finish_reason: z.string().nullish(),
      usage: z.unknown().optional(),
    }),
  ),
  session: z.unknown().optional(),
});

type Chunk = z.infer<typeof Chunk>;

/** The chunks of a stream that has come so far. */
function chunksIn(text: string): Chunk[] {
  return parseEvents(text).flatMap(({ data }) => {
    try {
      return Chunk.safeParse(JSON.parse(data)).data ?? [];
    } catch {
      return [];
    }
  });
}

/** What a stream has said so far. */
function spokenIn(text: string): string {
  return chunksIn(text)
    .map(({ choices }) => choices[0]?.delta?.content ?? '')
    .join('');
}

const NEW: Message[] = [
  { role: 'system', content: 'Be brief. 简短回答。' },
  { ...ordering('All is well.'), name: 'ann' },
];

const turnAccounting = defineCase({
  id: 'turn.accounting',
  title: 'what a turn counts, stores and tells',
  needs: ['sessions', 'sessions.append', 'chat', 'tokens.estimate'],
  checks: {
    'session-named': 'turn.session',
    'session-as-read': 'turn.session',
    'prompt-counts-all': 'turn.prompt-tokens',
    'usage-after': 'turn.usage',
    'reply-tokens': 'turn.reply-tokens',
    'new-stored': 'turn.stored',
    'reply-stored': 'turn.stored',
    'earlier-kept': 'turn.nothing-dropped',
    'one-version': 'turn.one-version',
  },
  cost: turns(1),
  async run(context) {
    const { api } = context;
    const messages = [user('Hello.'), { role: 'assistant', content: 'Hello to you.' }];
    const { id } = await createSession(api, { tools: [TOOL], messages });
    const before = await stateOf(api, id);
    const counted = await estimateTokens(context, { messages: NEW });
    const { content, usage, session } = await turn(context, id, NEW, { tool_choice: 'none' });
    const after = await stateOf(api, id);
    const stored = after.messages.slice(before.messages.length);
    const reply = stored.at(-1);
    await context.check('session-named', () => expectEqual(session.id, id, 'the session that the answer names'));
    await context.check('session-as-read', () => {
      const { version, usage: used } = after.session;
      expectEqual(
        { version: session.version, usage: session.usage },
        { version, usage: used },
        'the session in the answer',
      );
    });
    await context.check('prompt-counts-all', () => {
      expectEqual(usage.prompt_tokens, before.session.usage.total_tokens + counted, 'the tokens of the prompt');
    });
    await context.check('usage-after', () => {
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      expectEqual(after.session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
    await context.check('reply-tokens', () => {
      expectEqual(reply?.tokens, usage.completion_tokens + 4, 'the tokens of the stored reply');
    });
    await context.check('new-stored', () => {
      expectEqual(
        stored.slice(0, -1).map(({ role, content: text, name }) => ({ role, content: text, name })),
        NEW.map(({ role, content: text, name }) => ({ role, content: text, name })),
        'the new messages in the window',
      );
    });
    await context.check('reply-stored', () => {
      expectEqual([reply?.role, reply?.content], ['assistant', content], 'the last message of the window');
      expectTrue(content !== '', 'the model says something');
    });
    await context.check('earlier-kept', () => {
      expectEqual(
        after.messages.slice(0, before.messages.length),
        before.messages,
        'the messages that stood there before',
      );
    });
    await context.check('one-version', () => {
      expectEqual(after.session.version, before.session.version + 1, 'the version after the turn');
    });
  },
});

/** More than any window of "the last messages" that a server might keep. */
const MANY = 30;

const SEEN_TRIES = 3;

const turnHistory = defineCase({
  id: 'turn.history',
  title: 'the model reads what was written and said before',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'written-before-read': 'turn.history',
    'said-before-read': 'turn.history',
    'oldest-of-many-read': 'turn.history',
    'late-system-read': 'turn.system-late',
  },
  cost: turns(14, { promptTokens: 16_384, completionTokens: 512 }),
  async run(context) {
    const { api } = context;
    await context.check('written-before-read', async () => {
      const word = context.nonce();
      const { id } = await createSession(api);
      await append(api, id, [user(codeWordText(word)), { role: 'assistant', content: 'Noted.' }]);
      await expectRecall(context, { session_id: id }, word);
    });
    await context.check('said-before-read', async () => {
      const word = context.nonce();
      const { id } = await createSession(api);
      await turn(context, id, [user(`${codeWordText(word)} Reply with exactly: Noted.`)]);
      await expectRecall(context, { session_id: id }, word);
    });
    await context.check('oldest-of-many-read', async () => {
      const word = context.nonce();
      const { id } = await createSession(api, { messages: [user(codeWordText(word))] });
      const others = Array.from({ length: MANY }, (_, index) => user(`Item ${index + 1} is in the box.`));
      const half = MANY / 2;
      await append(api, id, others.slice(0, half));
      await append(api, id, others.slice(half));
      await expectRecall(context, { session_id: id }, word);
    });
    await context.check('late-system-read', async () => {
      const [old, word] = [context.nonce(), context.nonce()];
      const { id } = await createSession(api, { messages: [user(codeWordText(old))] });
      await append(api, id, [{ role: 'assistant', content: 'Noted.' }, user('Thank you.')]);
      await append(api, id, { role: 'system', content: `The code word has changed. ${codeWordText(word)}` });
      await expectRecall(context, { session_id: id }, word);
    });
  },
});

const turnIsolation = defineCase({
  id: 'turn.isolation',
  title: 'the model reads no other session',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'own-read': 'turn.own-history',
    'other-not-read': 'turn.own-history',
    'outside-not-read': 'turn.own-history',
    'stored-apart': 'turn.own-history',
  },
  cost: turns(12, { completionTokens: 384 }),
  async run(context) {
    const { api, target } = context;
    const [mine, theirs] = [context.nonce(), context.nonce()];
    const knowing = await createSession(api, { messages: [user(codeWordText(mine))] });
    const other = await createSession(api, { messages: [user(codeWordText(theirs, 'garden'))] });
    await context.check('own-read', async () => {
      await expectRecall(context, { session_id: knowing.id }, mine);
      await expectRecall(context, { session_id: other.id }, theirs, 'garden');
    });
    // One hit is final: what a session must not see does not come by chance.
    await context.check('other-not-read', async () => {
      for (let tries = 0; tries < SEEN_TRIES; tries += 1) {
        const said = await askCodeWord(context, { session_id: other.id });
        expectTrue(!said.includes(mine), `a session knows what another was told: ${said}`);
      }
    });
    await context.check('outside-not-read', async () => {
      const said = await askCodeWord(context, { messages: [codeWordQuestion()] });
      expectTrue(!said.includes(mine), `a chat without session knows what a session was told: ${said}`);
    });
    await context.check('stored-apart', async () => {
      const [first, second] = [await createSession(api), await createSession(api)];
      const { session } = await turn(context, first.id, [user('Say hello.')]);
      expectEqual(session.usage.messages, 2, 'the messages of the session that had the turn');
      const untouched = await turn(context, second.id, [user(`Say hello, ${target.model}.`)]);
      expectEqual(untouched.session.usage.messages, 2, 'the messages of the other session after its own turn');
    });
  },
});

const turnLimit = defineCase({
  id: 'turn.limit',
  title: 'the new messages of a turn are one write',
  needs: ['sessions', 'chat', 'tokens.estimate'],
  checks: {
    'over-refused': 'turn.limit',
    'sum-over-refused': 'turn.limit',
    'over-changes-nothing': 'turn.refused',
    'exact-accepted': 'turn.limit',
    'empty-refused': 'turn.empty-content',
    'empty-changes-nothing': 'turn.refused',
  },
  cost: ({ append_tokens }) => ({ promptTokens: append_tokens + 256, completionTokens: ANSWER_TOKENS }),
  async run(context) {
    const { api, limits, texts } = context;
    const limit = limits.append_tokens;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    const half = Math.floor(limit / 2);
    const over = await sendTurn(context, id, [user(await texts.exactly(limit + 1))]);
    const sum = await sendTurn(context, id, [
      user(await texts.exactly(half)),
      user(await texts.exactly(limit - half + 1)),
    ]);
    await context.check('over-refused', () => expectError(over, 'append_too_large'));
    await context.check('sum-over-refused', () => expectError(sum, 'append_too_large'));
    await context.check('over-changes-nothing', () => expectUnchanged(api, before));
    const empty = await sendTurn(context, id, [user('Hello.'), user('')]);
    await context.check('empty-refused', () => expectError(empty, 'invalid_request'));
    await context.check('empty-changes-nothing', () => expectUnchanged(api, before));
    await context.check('exact-accepted', async () => {
      const { usage } = await turn(context, id, [user(await texts.exactly(limit))]);
      const expected = before.session.usage.total_tokens + limit + 3;
      expectEqual(usage.prompt_tokens, expected, 'the prompt of the largest turn');
    });
  },
});

const turnNoMessages = defineCase({
  id: 'turn.no-messages',
  title: 'a turn may be about what already stands in the window',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'empty-window-refused': 'turn.no-messages',
    'answers-the-window': 'turn.no-messages',
    'prompt-is-the-window': 'turn.prompt-tokens',
    'reply-alone-stored': 'turn.stored',
  },
  cost: turns(8),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    await context.check('empty-window-refused', async () => {
      const before = await stateOf(api, id);
      expectError(await sendTurn(context, id, []), 'invalid_request', { param: 'messages' });
      await expectUnchanged(api, before);
    });
    const word = context.nonce();
    await append(api, id, [user(codeWordText(word)), codeWordQuestion()]);
    const before = await stateOf(api, id);
    const { content: said, usage } = await turn(context, id, []);
    let content = said;
    await context.check('prompt-is-the-window', () => {
      expectEqual(usage.prompt_tokens, before.session.usage.total_tokens + 3, 'the tokens of the prompt');
    });
    await context.check('reply-alone-stored', async () => {
      const stored = (await windowOf(api, id)).slice(before.messages.length);
      expectEqual(
        stored.map(({ role, content: text }) => [role, text]),
        [['assistant', said]],
        'what a turn without messages adds to the window',
      );
    });
    await context.check('answers-the-window', () =>
      withinThreeTries(async () => {
        if (content.includes(word)) return undefined;
        await append(api, id, codeWordQuestion());
        ({ content } = await turn(context, id, []));
        return `the model was told ${word} and does not know it: ${content}`;
      }),
    );
  },
});

const turnPairing = defineCase({
  id: 'turn.pairing',
  title: 'a turn leaves no call unanswered',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'open-calls-refused': 'turn.pairing',
    'other-messages-refused': 'turn.pairing',
    'some-results-refused': 'turn.pairing',
    'stranger-refused': 'turn.pairing',
    'refusals-change-nothing': 'turn.refused',
    'results-accepted': 'turn.pairing',
  },
  cost: turns(1),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('Look it up.'), toolCall('call_a', 'call_b')] });
    const before = await stateOf(api, id);
    const refusal = async (messages: object[], code: ErrorCode) =>
      expectError(await sendTurn(context, id, messages), code);
    await context.check('open-calls-refused', () => refusal([], 'tool_call_unanswered'));
    await context.check('other-messages-refused', () => refusal([user('Never mind.')], 'tool_call_unanswered'));
    await context.check('some-results-refused', () => refusal([toolResult('call_b')], 'tool_call_unanswered'));
    await context.check('stranger-refused', () => refusal([toolResult('call_c')], 'tool_result_orphan'));
    await context.check('refusals-change-nothing', () => expectUnchanged(api, before));
    await context.check('results-accepted', async () => {
      const reply = await sendTurn(context, id, [toolResult('call_b'), toolResult('call_a'), user('Say hello.')]);
      expectEqual(ended(reply).session.usage.messages, 6, 'the messages of the window');
    });
  },
});

const RACERS = 4;

const MAX_LOOKS = 40;

/** Of so many requests that a turn may meet, one reads. */
const READ_EACH = 4;

const Page = listOf(SessionMessage);

const LONG_TOKENS = 128;

const turnConcurrent = defineCase({
  id: 'turn.concurrent',
  title: 'of turns at the same time exactly those that were answered stand in the window',
  needs: ['sessions', 'chat'],
  checks: {
    'each-answered': 'turn.concurrent',
    'answered-stand': 'turn.concurrent',
    'not-interleaved': 'turn.busy',
    'usage-of-all': 'turn.usage',
    'goes-on-after': 'turn.concurrent',
  },
  cost: turns(RACERS + 1, { promptTokens: 4_096 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const order = (index: number) => ordering(`Turn ${index} is over.`);
    const replies = await Promise.all(
      Array.from({ length: RACERS }, (_, index) => sendTurn(context, id, [order(index)])),
    );
    const { session, messages } = await stateOf(api, id);
    const won = replies.flatMap((reply, index) =>
      reply.status < 300 ? [{ order: order(index), ...ended(reply) }] : [],
    );
    await context.check('each-answered', () => {
      for (const reply of replies) if (reply.status >= 300) expectError(reply, 'session_busy');
      expectTrue(won.length > 0, 'at least one of the turns is answered');
    });
    await context.check('answered-stand', () => {
      const stand = messages.filter(({ role }) => role === 'user').map(({ content }) => String(content));
      expectEqual(
        stand.sort(),
        won.map((each) => String(each.order.content)).sort(),
        'the turns that stand in the window',
      );
    });
    await context.check('not-interleaved', () => {
      for (const each of won) {
        const place = messages.findIndex(({ content }) => content === each.order.content);
        expectEqual(messages[place + 1]?.content, each.content, `what follows "${each.order.content}"`);
      }
      expectEqual(messages.length, 2 * won.length, 'the messages of the window');
    });
    await context.check('usage-of-all', () => {
      const last = won.toSorted((a, b) => a.session.version - b.session.version).at(-1);
      expectEqual(session.usage, last?.session.usage, 'the usage after all turns');
      expectEqual(session.usage.total_tokens, tokensOf(messages), 'the usage after all turns');
    });
    await context.check('goes-on-after', () => turn(context, id, [user('Say hello.')]));
  },
});

const turnBusy = defineCase({
  id: 'turn.busy',
  title: 'nothing comes to stand within a turn',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.stream', 'tokens.estimate'],
  checks: {
    'writes-refused-meanwhile': 'turn.busy',
    'nothing-within': 'turn.busy',
    'reads-before-or-after': 'turn.reads',
  },
  cost: () => ({ ...DURING_COST, promptTokens: 4 * DURING_COST.promptTokens }),
  async run(context) {
    const { api } = context;
    const id = await longSession(context);
    const writes: Reply[] = [];
    const windows: SessionMessage[][] = [];
    await sendDuringTurns(
      context,
      id,
      async (number) => {
        if (number % READ_EACH === 0) {
          const page = await api.get(`/sessions/${id}/messages?order=desc&limit=20`);
          windows.push(expectBody(page, Page).data.toReversed());
          return page;
        }
        const reply = await api.post(`/sessions/${id}/messages`, user(`Write ${number}.`));
        writes.push(reply);
        return reply;
      },
      () => writes.some(({ status }) => status >= 300) && windows.length > 0,
    );
    const within = (messages: readonly SessionMessage[]) =>
      messages.findIndex(({ content }, place) => content === QUESTION && messages[place + 1]?.role !== 'assistant');
    const last = await windowOf(api, id);
    await context.check('nothing-within', () => {
      expectTrue(within(last) === -1, `message ${within(last)} is that of a turn, and what follows is not its reply`);
      const stand = last.filter(({ content }) => String(content).startsWith('Write ')).length;
      expectEqual(stand, writes.filter(({ status }) => status < 300).length, 'the writes that stand in the window');
    });
    await context.check('reads-before-or-after', () => {
      for (const messages of windows) {
        expectTrue(within(messages) === -1, 'a read shows the message of a turn without its reply');
        const from = last.findIndex((message) => message.id === messages[0]?.id);
        expectEqual(messages, last.slice(from, from + messages.length), 'what was read before');
      }
    });
    await context.check('writes-refused-meanwhile', () => {
      const met = writes.filter(({ status, text }) => status >= 300 && !text.includes('context_window_exceeded'));
      for (const reply of met) expectError(reply, 'session_busy');
      if (met.length === 0) throw new NotRun('no turn lasted long enough for anything to arrive meanwhile');
    });
  },
});

const turnSnapshotMeanwhile = defineCase({
  id: 'turn.snapshot-meanwhile',
  title: 'a snapshot taken during a turn holds all of it or nothing',
  needs: ['sessions', 'sessions.snapshot', 'chat', 'chat.stream'],
  checks: { taken: 'turn.reads', 'before-or-after': 'turn.reads' },
  cost: turns(1, { promptTokens: 1_024, completionTokens: LONG_TOKENS }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    let snapshot: Promise<Reply> | undefined;
    const begun = (text: string) => {
      if (text !== '') snapshot ??= api.post(`/sessions/${id}/snapshots`, {});
      return false;
    };
    await sendLong(context, id, begun);
    const reply = await snapshot;
    if (!reply) throw new Mismatch('a streamed turn was answered with nothing');
    await context.require('taken', () => expectBody(reply, Snapshot));
    await context.check('before-or-after', () => {
      const { messages } = expectBody(reply, Snapshot).archived;
      expectTrue(messages === 1 || messages === 3, `a snapshot of 1 or 3 messages, not ${messages}`);
    });
  },
});

const turnDisconnect = defineCase({
  id: 'turn.disconnect',
  title: 'a client that goes away leaves a whole turn or nothing',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.stream'],
  checks: {
    'all-or-nothing': 'turn.disconnect',
    'usage-adds-up': 'turn.disconnect',
    'goes-on-after': 'turn.disconnect',
  },
  cost: turns(2, { requests: 60 + 2 * MAX_LOOKS, promptTokens: 2_048, completionTokens: 2 * LONG_TOKENS }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    await sendLong(context, id, (text) => spokenIn(text) !== '');
    await context.require('goes-on-after', () => appended(context, id, user('After.')));
    const { session, messages } = await stateOf(api, id);
    await context.check('all-or-nothing', () => {
      const roles = messages.map(({ role }) => role);
      const whole = roles.length === 4;
      expectEqual(roles, whole ? ['user', 'user', 'assistant', 'user'] : ['user', 'user'], 'the roles in the window');
      expectEqual(messages.at(-1)?.content, 'After.', 'the last message of the window');
      const reply = String(messages[2]?.content);
      // An order to say so much is not obeyed by halves.
      expectTrue(!whole || reply.length > LONG_ANSWER.length / 2, `a reply that was broken off is stored: ${reply}`);
    });
    await context.check('usage-adds-up', () => {
      expectEqual(session.usage.total_tokens, tokensOf(messages), 'the usage of the session');
    });
  },
});

/** Writes a message as soon as the session is not busy any more. @throws Mismatch where it stays busy */
async function appended({ api }: CaseContext<string>, id: string, message: Message): Promise<void> {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const reply = await api.post(`/sessions/${id}/messages`, message);
    if (reply.status < 300) return;
    expectError(reply, 'session_busy');
    await windowOf(api, id);
  }
  throw new Mismatch('the session stays busy after its client has gone');
}

function sendLong(context: CaseContext<string>, id: string, stopWhen: (text: string) => boolean): Promise<Reply> {
  const more = { max_tokens: LONG_TOKENS, stream: true };
  return sendTurn(context, id, [ordering(LONG_ANSWER)], more, { stopWhen });
}

function tokensOf(messages: readonly SessionMessage[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0);
}

const TRIES = 3;

const turnChoices = defineCase({
  id: 'turn.choices',
  title: 'a session takes one answer a turn',
  needs: ['sessions', 'chat'],
  checks: { 'two-refused': 'turn.one-choice', 'two-change-nothing': 'turn.refused', 'one-accepted': 'turn.one-choice' },
  cost: turns(1),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    const reply = await sendTurn(context, id, [user('Say hello.')], { n: 2 });
    await context.check('two-refused', () => expectError(reply, 'invalid_request', { param: 'n' }));
    await context.check('two-change-nothing', () => expectUnchanged(api, before));
    await context.check('one-accepted', () => turn(context, id, [user('Say hello.')], { n: 1 }));
  },
});

const turnPartial = defineCase({
  id: 'turn.partial',
  title: 'an answer that the client begins is stored as one message',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.partial'],
  checks: { joined: 'turn.partial', 'one-message': 'turn.partial', 'usage-after': 'turn.usage' },
  cost: turns(1),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user(codeWordText(context.nonce()))] });
    const beginning = 'The code word of the project is';
    const messages: Message[] = [
      user('What is the code word of the project?'),
      { role: 'assistant', content: beginning, partial: true },
    ];
    const { content, usage } = await turn(context, id, messages);
    const { session, messages: stored } = await stateOf(api, id);
    await context.check('one-message', () => {
      expectEqual(
        stored.map(({ role }) => role),
        ['user', 'user', 'assistant'],
        'the roles in the window',
      );
    });
    await context.check('joined', () => {
      expectEqual(stored.at(-1)?.content, beginning + content, 'the last message of the window');
      expectTrue(content !== '', 'the model continues');
    });
    await context.check('usage-after', () => {
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      expectEqual(session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
  },
});

const turnEmptyAnswer = defineCase({
  id: 'turn.empty-answer',
  title: 'an answer of nothing is not stored',
  needs: ['sessions', 'chat'],
  checks: { 'new-alone-stored': 'turn.empty-answer', 'goes-on-after': 'turn.empty-answer' },
  cost: turns(TRIES + 1),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const order = ordering('BREAK');
    let before = await stateOf(api, id);
    let said = '';
    for (let tries = 0; tries < TRIES; tries += 1) {
      before = await stateOf(api, id);
      said = (await turn(context, id, [order], { stop: ['BREAK', 'B'] })).content;
      if (said === '') break;
    }
    await context.check('new-alone-stored', async () => {
      if (said !== '') throw new Inconclusive(`the model could not be made to say nothing: ${said}`);
      const stored = (await windowOf(api, id)).slice(before.messages.length);
      expectEqual(
        stored.map(({ role, content }) => [role, content]),
        [['user', order.content]],
        'what a turn without answer adds to the window',
      );
    });
    await context.check('goes-on-after', async () => {
      const { session } = await turn(context, id, [user('Say hello.')]);
      const { messages } = await stateOf(api, id);
      expectEqual(messages.length, session.usage.messages, 'the messages of the window');
      expectTrue(
        messages.every(({ content }) => content !== ''),
        'no message without content stands in the window',
      );
    });
  },
});

const NOTE = {
  type: 'function',
  function: {
    name: 'save_note',
    description: 'Saves a note word for word.',
    parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  },
};

const turnCut = defineCase({
  id: 'turn.cut',
  title: 'what becomes of an answer that max_tokens cuts',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.tools'],
  checks: {
    'text-stored-as-delivered': 'turn.cut-text',
    'call-not-stored': 'turn.cut-call',
    'goes-on-after-call': 'turn.cut-call',
  },
  cost: turns(3, { promptTokens: 2_048, completionTokens: 64 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    await context.check('text-stored-as-delivered', async () => {
      const { content, finish } = await turn(context, id, [ordering(LONG_ANSWER)], { max_tokens: 12 });
      if (finish !== 'length') throw new Inconclusive(`a long answer ends with ${finish}`);
      expectEqual((await windowOf(api, id)).at(-1)?.content, content, 'the reply in the window');
    });
    await context.check('call-not-stored', async () => {
      const order = user(`Call save_note with the text "${LONG_ANSWER}".`);
      const { finish } = await turn(context, id, [order], { tools: [NOTE], tool_choice: 'required', max_tokens: 24 });
      if (finish !== 'length') throw new Inconclusive(`a long call ends with ${finish}`);
      const window = await windowOf(api, id);
      expectEqual(
        window.slice(2).map(({ role, content }) => [role, content]),
        [['user', order.content]],
        'what a turn whose call was cut adds to the window',
      );
    });
    await context.check('goes-on-after-call', async () => {
      await append(api, id, user('Never mind.'));
      await turn(context, id, [user('Say hello.')], { tools: [] });
    });
  },
});

const finishIn = (text: string) => chunksIn(text).find(({ choices }) => choices[0]?.finish_reason != null);

const turnStream = defineCase({
  id: 'turn.stream',
  title: 'a streamed turn is in the session before its finish chunk is read',
  needs: ['sessions', 'chat', 'chat.stream'],
  checks: {
    'finish-names-session': 'turn.stream-session',
    'finish-as-read': 'turn.stream-session',
    'usage-after': 'turn.usage',
    'stored-as-streamed': 'turn.stored',
    'committed-at-finish': 'turn.committed-first',
    'committed-at-answer': 'turn.committed-first',
  },
  cost: turns(3),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const order = ordering('All is well on every river and every road.');
    const reply = expectSuccess(await sendTurn(context, id, [order], { stream: true }));
    const finish = finishIn(reply.text);
    const { session, messages } = await stateOf(api, id);
    await context.check('finish-names-session', () => {
      const state = expectShape(SessionState, finish?.session, 'the session on the finish chunk');
      expectEqual(state.id, id, 'the session on the finish chunk');
    });
    await context.check('finish-as-read', () => {
      const { version, usage } = expectShape(SessionState, finish?.session, 'the session on the finish chunk');
      expectEqual(
        { version, usage },
        { version: session.version, usage: session.usage },
        'the session on the finish chunk',
      );
    });
    await context.check('usage-after', () => {
      const usage = expectShape(CompletionUsage, finish?.choices[0]?.usage, 'the usage on the finish chunk');
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      expectEqual(session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
    await context.check('stored-as-streamed', () => {
      expectEqual(messages.length, 3, 'the messages of the window');
      expectEqual(
        [messages[1]?.content, messages[2]?.content],
        [order.content, spokenIn(reply.text)],
        'the turn in the window',
      );
    });
    await context.check('committed-at-finish', () => committed(context, id, { stream: true }));
    await context.check('committed-at-answer', () => committed(context, id, {}));
  },
});

/** Reads of a turn no more than its end takes, and looks at once. */
async function committed(context: CaseContext<string>, id: string, more: object): Promise<void> {
  const before = (await stateOf(context.api, id)).messages.length;
  const order = ordering('It is done.');
  const stopWhen = (text: string) => finishIn(text) !== undefined;
  const reply = await sendTurn(context, id, [order], more, { stopWhen });
  expectSuccess(reply);
  const { messages } = await stateOf(context.api, id);
  expectEqual(messages.length, before + 2, 'the messages of the window when the end has been read');
  expectTrue(messages.at(-2)?.content === order.content, 'the new message stands before the reply');
}

const CALL_TOKENS = 64;

const MUST_CALL = { tool_choice: 'required', max_tokens: CALL_TOKENS };

const { messages: ASKING, tools: FORECAST } = FORECAST_REQUEST;

const turnTools = defineCase({
  id: 'turn.tools',
  title: 'a turn uses the tools of the session, or brings others',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.tools'],
  checks: {
    'session-tools-used': 'turn.session-tools',
    'absent-keeps': 'turn.session-tools',
    'new-tools-stand': 'turn.new-tools',
    'new-tools-counted': 'turn.new-tools',
    'refused-keeps': 'turn.refused',
    'empty-list-removes': 'turn.new-tools',
  },
  cost: turns(4, { completionTokens: 128 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { tools: FORECAST });
    await context.check('session-tools-used', async () => {
      const { calls } = await turn(context, id, ASKING, MUST_CALL);
      expectEqual(calls[0]?.function.name, FORECAST_NAME, 'the function that is called');
      for (const call of calls) await append(api, id, toolResult(call.id, 'sunny'));
    });
    const none = { tool_choice: 'none' };
    const before = await getSession(api, id);
    await context.check('absent-keeps', async () => {
      await turn(context, id, [user('Say hello.')], none);
      const { tools, usage } = await getSession(api, id);
      expectEqual(
        [tools, usage.tools_tokens],
        [before.tools, before.usage.tools_tokens],
        'the tools after a turn without',
      );
    });
    await context.check('refused-keeps', async () => {
      const status = await getSession(api, id);
      expectError(await sendTurn(context, id, [toolResult('call_none')], { tools: [TOOL] }), 'tool_result_orphan');
      expectEqual(await getSession(api, id), status, 'the session after a refused turn that brought tools');
    });
    const replaced = await turn(context, id, [user('Say hello.')], { ...none, tools: [TOOL, OTHER_TOOL] });
    await context.check('new-tools-stand', async () => {
      expectEqual((await getSession(api, id)).tools, [TOOL, OTHER_TOOL], 'the tools that came with a turn');
    });
    await context.check('new-tools-counted', async () => {
      const { usage } = await getSession(api, id);
      const fresh = await createSession(api, { tools: [TOOL, OTHER_TOOL] });
      expectEqual(usage.tools_tokens, fresh.usage.tools_tokens, 'the tokens of the tools');
      const messages = (await windowOf(api, id)).reduce((sum, { tokens }) => sum + tokens, 0);
      expectEqual(usage.total_tokens, usage.tools_tokens + messages, 'the usage of the session');
      const expected = usage.total_tokens - replaced.usage.completion_tokens - 1;
      expectEqual(replaced.usage.prompt_tokens, expected, 'the prompt of the turn that brought the tools');
    });
    await context.check('empty-list-removes', async () => {
      await turn(context, id, [user('Say hello.')], { tools: [] });
      const { tools, usage } = await getSession(api, id);
      expectEqual([tools, usage.tools_tokens], [[], 0], 'the tools after a turn that took them away');
    });
  },
});

/** Turns until the model has called something, and answers its calls. @returns the ids of the calls */
async function called(context: CaseContext<string>, id: string, more: object = {}): Promise<Turn> {
  const answer = await turn(context, id, ASKING, { ...MUST_CALL, ...more });
  expectTrue(answer.calls.length > 0, `a turn that must call something ends with ${answer.finish} and calls nothing`);
  return answer;
}

const numbered = (calls: Turn['calls'], from: number) =>
  calls.map(({ function: { name } }, place) => `functions.${name}:${from + place}`);

const turnToolCalls = defineCase({
  id: 'turn.tool-calls',
  title: 'calls of a session are numbered over its life, and answered by appending results',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.tools'],
  checks: {
    'call-stored': 'turn.stored',
    'first-ids': 'turn.call-ids',
    'open-until-answered': 'turn.pairing',
    'result-accepted': 'turn.tool-results',
    'goes-on-from-result': 'turn.tool-results',
    'next-ids': 'turn.call-ids',
  },
  cost: turns(4, { completionTokens: 256 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { tools: FORECAST });
    const first = await called(context, id);
    const count = first.calls.length;
    await context.check('call-stored', async () => {
      const stored = (await windowOf(api, id)).at(-1);
      const shown = (calls: typeof first.calls = []) => calls.map((call) => ({ id: call.id, call: call.function }));
      expectEqual(shown(stored?.tool_calls as typeof first.calls), shown(first.calls), 'the calls of the stored reply');
    });
    await context.check('first-ids', () => {
      expectEqual(
        first.calls.map((call) => call.id),
        numbered(first.calls, 0),
        'the ids of the first calls',
      );
    });
    await context.check('open-until-answered', async () => {
      expectError(await sendTurn(context, id, [user('Never mind.')]), 'tool_call_unanswered');
    });
    await context.require('result-accepted', async () => {
      for (const call of first.calls) await append(api, id, toolResult(call.id, 'sunny'));
    });
    await context.check('goes-on-from-result', async () => {
      const { content, session } = await turn(context, id, [], { tool_choice: 'none' });
      expectTrue(content !== '', 'the model says something about the result');
      expectEqual(session.usage.messages, 2 + count + 1, 'the messages of the window');
    });
    await context.check('next-ids', async () => {
      const { calls } = await called(context, id);
      expectEqual(
        calls.map((call) => call.id),
        numbered(calls, count),
        'the ids of the next calls',
      );
    });
  },
});

const turnCallIdsKept = defineCase({
  id: 'turn.call-ids-kept',
  title: 'a rollback does not begin the numbers of calls again',
  needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback', 'chat', 'chat.tools'],
  checks: { 'counted-over-rollback': 'turn.call-ids' },
  cost: turns(2, { completionTokens: 128 }),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api, { tools: FORECAST, messages: [user('Hello.')] });
    const { snapshot_id } = await createSnapshot(api, id);
    const first = await called(context, id);
    expectSuccess(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
    await context.check('counted-over-rollback', async () => {
      const { calls } = await called(context, id);
      expectEqual(
        calls.map((call) => call.id),
        numbered(calls, first.calls.length),
        'the ids of the calls after a rollback',
      );
    });
  },
});

const turnUnknownSession = defineCase({
  id: 'turn.unknown-session',
  title: 'a chat in a session that is not there is not found',
  needs: ['sessions', 'chat'],
  checks: {
    'known-answered': 'turn.session',
    'invented-refused': 'turn.unknown-session',
    'streamed-refused': 'turn.unknown-session',
    'none-created': 'turn.unknown-session',
    'deleted-refused': 'turn.unknown-session',
  },
  cost: turns(1),
  async run(context) {
    const { api } = context;
    const { id } = await createSession(api);
    const nobody = unknownId(id);
    const order = user('Say hello.');
    await context.check('known-answered', () => turn(context, id, [order]));
    await context.check('invented-refused', async () => {
      expectError(await sendTurn(context, nobody, [order]), 'session_not_found');
    });
    await context.check('streamed-refused', async () => {
      expectError(await sendTurn(context, nobody, [order], { stream: true }), 'session_not_found');
    });
    await context.check('none-created', async () => {
      expectError(await api.get(`/sessions/${nobody}`), 'session_not_found');
    });
    await context.check('deleted-refused', async () => {
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
  title: 'a turn may take a window to its end, and reads all of it',
  needs: ['sessions', 'sessions.append', 'chat', 'tokens.estimate'],
  checks: {
    'oldest-of-full-read': 'turn.nothing-dropped',
    'over-refused': 'turn.window',
    'over-told': 'turn.window-text',
    'over-changes-nothing': 'turn.refused',
    'default-max-told': 'turn.default-max-tokens',
    'exact-accepted': 'turn.window',
    'exact-keeps-all': 'turn.nothing-dropped',
  },
  cost: ({ window_tokens, append_tokens }) => ({
    requests: 60 + 3 * Math.ceil(window_tokens / append_tokens),
    promptTokens: QUESTIONS * window_tokens,
    completionTokens: QUESTIONS * 32,
  }),
  async run(context) {
    const { api, limits } = context;
    const window = limits.window_tokens;
    const word = context.nonce();
    const { id } = await createSession(api, { messages: [user(codeWordText(word))] });
    await fillWindow(context, id, window - ROOM);
    await context.check('oldest-of-full-read', () => expectRecall(context, { session_id: id }, word));
    const added = await estimateTokens(context, { messages: [NEWWindow] });
    const full = window - added - MAX_TOKENS - 1;
    await fillWindow(context, id, full);
    const before = await stateOf(api, id);
    const over = await sendTurn(context, id, [NEWWindow], { max_tokens: MAX_TOKENS + 1 });
    // Without a limit of its own, and refused: it costs nothing.
    const unlimited = await sendTurn(context, id, [NEWWindow], { max_tokens: undefined });
    await context.check('over-changes-nothing', () => expectUnchanged(api, before));
    await context.check('over-refused', () => expectError(over, 'context_window_exceeded'));
    await context.check('over-told', () => {
      const told = LIVE_TEXT.windowExceeded(window, window + 1);
      expectEqual(expectError(over, 'context_window_exceeded'), told, 'the message');
    });
    await context.check('default-max-told', () => {
      const told = LIVE_TEXT.windowExceeded(window, full + added + limits.max_tokens + 1);
      expectEqual(expectError(unlimited, 'context_window_exceeded'), told, 'the message without max_tokens');
    });
    await context.check('exact-accepted', async () => {
      const { usage } = await turn(context, id, [NEWWindow], { max_tokens: MAX_TOKENS });
      expectEqual(usage.prompt_tokens, full + added, 'the tokens of the prompt');
    });
    await context.check('exact-keeps-all', async () => {
      const { messages } = await stateOf(api, id);
      expectEqual(messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
      expectEqual(messages.length, before.messages.length + 2, 'the messages of the window');
    });
  },
});

export const TURN_CASES: readonly Case[] = [
  turnAccounting,
  turnStream,
  turnHistory,
  turnIsolation,
  turnLimit,
  turnNoMessages,
  turnPairing,
  turnTools,
  turnToolCalls,
  turnCallIdsKept,
  turnChoices,
  turnPartial,
  turnEmptyAnswer,
  turnCut,
  turnUnknownSession,
  turnConcurrent,
  turnBusy,
  turnSnapshotMeanwhile,
  turnDisconnect,
  turnWindow,
];
