import { z } from 'zod';
import { ChatCompletion, CompletionUsage } from '../../../contract/chat.ts';
import { type ErrorCode, LIVE_TEXT } from '../../../contract/errors.ts';
import { listOf } from '../../../contract/lists.ts';
import { SessionMessage, SessionState } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type Case, type Cost, defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, shaped, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { Fault, Mismatch, NotRun } from '../../core/verdict.ts';
import type { Send } from '../../wire/api.ts';
import { within3 } from '../../wire/completions.ts';
import {
  append,
  calling,
  createSession,
  createSnapshot,
  getSession,
  type Message,
  result,
  stateOf,
  unchanged,
  user,
  windowOf,
} from '../../wire/dialect.ts';
import { DURING_COST, duringTurns, longSession, QUESTION } from '../../wire/during.ts';
import { estimated } from '../../wire/estimates.ts';
import { parseEvents } from '../../wire/events.ts';
import { fillWindow } from '../../wire/fill.ts';
import { ASKING_FOR_A_CALL, CALLED } from '../../wire/functions.ts';
import { neverWas } from '../../wire/ids.ts';
import { asks, recalled, recalls, tells } from '../../wire/recall.ts';
import type { Reply } from '../../wire/reply.ts';
import { OTHER_TOOL, TOOL } from '../../wire/windows.ts';

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
  { api, target }: Trial<string>,
  session: string,
  messages: readonly object[],
  more: object = {},
  send?: Send,
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

/** @throws Mismatch, Fault where a turn was not answered as one */
function ended(reply: Reply): Turn {
  const { choices, usage, session } = answered(reply, ChatCompletion);
  const [choice] = choices;
  if (!choice) throw new Mismatch(`${reply.what}: an answer without a choice`);
  if (!session) throw new Mismatch(`${reply.what}: an answer that does not name its session`);
  const { content, tool_calls = [] } = choice.message;
  return { content, calls: tool_calls, finish: choice.finish_reason, usage, session };
}

async function turn(
  trial: Trial<string>,
  session: string,
  messages: readonly object[],
  more: object = {},
): Promise<Turn> {
  return ended(await sendTurn(trial, session, messages, more));
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
  async run(trial) {
    const { api } = trial;
    const messages = [user('Hello.'), { role: 'assistant', content: 'Hello to you.' }];
    const { id } = await createSession(api, { tools: [TOOL], messages });
    const before = await stateOf(api, id);
    const counted = await estimated(trial, { messages: NEW });
    const { content, usage, session } = await turn(trial, id, NEW, { tool_choice: 'none' });
    const after = await stateOf(api, id);
    const stored = after.messages.slice(before.messages.length);
    const reply = stored.at(-1);
    await trial.check('session-named', () => equal(session.id, id, 'the session that the answer names'));
    await trial.check('session-as-read', () => {
      const { version, usage: used } = after.session;
      equal({ version: session.version, usage: session.usage }, { version, usage: used }, 'the session in the answer');
    });
    await trial.check('prompt-counts-all', () => {
      equal(usage.prompt_tokens, before.session.usage.total_tokens + counted, 'the tokens of the prompt');
    });
    await trial.check('usage-after', () => {
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      equal(after.session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
    await trial.check('reply-tokens', () => {
      equal(reply?.tokens, usage.completion_tokens + 4, 'the tokens of the stored reply');
    });
    await trial.check('new-stored', () => {
      equal(
        stored.slice(0, -1).map(({ role, content: text, name }) => ({ role, content: text, name })),
        NEW.map(({ role, content: text, name }) => ({ role, content: text, name })),
        'the new messages in the window',
      );
    });
    await trial.check('reply-stored', () => {
      equal([reply?.role, reply?.content], ['assistant', content], 'the last message of the window');
      holds(content !== '', 'the model says something');
    });
    await trial.check('earlier-kept', () => {
      equal(after.messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
    });
    await trial.check('one-version', () => {
      equal(after.session.version, before.session.version + 1, 'the version after the turn');
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
  async run(trial) {
    const { api } = trial;
    await trial.check('written-before-read', async () => {
      const word = trial.nonce();
      const { id } = await createSession(api);
      await append(api, id, [user(tells(word)), { role: 'assistant', content: 'Noted.' }]);
      await recalls(trial, { session_id: id }, word);
    });
    await trial.check('said-before-read', async () => {
      const word = trial.nonce();
      const { id } = await createSession(api);
      await turn(trial, id, [user(`${tells(word)} Reply with exactly: Noted.`)]);
      await recalls(trial, { session_id: id }, word);
    });
    await trial.check('oldest-of-many-read', async () => {
      const word = trial.nonce();
      const { id } = await createSession(api, { messages: [user(tells(word))] });
      const others = Array.from({ length: MANY }, (_, index) => user(`Item ${index + 1} is in the box.`));
      const half = MANY / 2;
      await append(api, id, others.slice(0, half));
      await append(api, id, others.slice(half));
      await recalls(trial, { session_id: id }, word);
    });
    await trial.check('late-system-read', async () => {
      const [old, word] = [trial.nonce(), trial.nonce()];
      const { id } = await createSession(api, { messages: [user(tells(old))] });
      await append(api, id, [{ role: 'assistant', content: 'Noted.' }, user('Thank you.')]);
      await append(api, id, { role: 'system', content: `The code word has changed. ${tells(word)}` });
      await recalls(trial, { session_id: id }, word);
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
  async run(trial) {
    const { api, target } = trial;
    const [mine, theirs] = [trial.nonce(), trial.nonce()];
    const knowing = await createSession(api, { messages: [user(tells(mine))] });
    const other = await createSession(api, { messages: [user(tells(theirs, 'garden'))] });
    await trial.check('own-read', async () => {
      await recalls(trial, { session_id: knowing.id }, mine);
      await recalls(trial, { session_id: other.id }, theirs, 'garden');
    });
    // One hit is final: what a session must not see does not come by chance.
    await trial.check('other-not-read', async () => {
      for (let tries = 0; tries < SEEN_TRIES; tries += 1) {
        const said = await recalled(trial, { session_id: other.id });
        holds(!said.includes(mine), `a session knows what another was told: ${said}`);
      }
    });
    await trial.check('outside-not-read', async () => {
      const said = await recalled(trial, { messages: [asks()] });
      holds(!said.includes(mine), `a chat without session knows what a session was told: ${said}`);
    });
    await trial.check('stored-apart', async () => {
      const [first, second] = [await createSession(api), await createSession(api)];
      const { session } = await turn(trial, first.id, [user('Say hello.')]);
      equal(session.usage.messages, 2, 'the messages of the session that had the turn');
      const untouched = await turn(trial, second.id, [user(`Say hello, ${target.model}.`)]);
      equal(untouched.session.usage.messages, 2, 'the messages of the other session after its own turn');
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
  async run(trial) {
    const { api, limits, texts } = trial;
    const limit = limits.append_tokens;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    const half = Math.floor(limit / 2);
    const over = await sendTurn(trial, id, [user(await texts.exactly(limit + 1))]);
    const sum = await sendTurn(trial, id, [
      user(await texts.exactly(half)),
      user(await texts.exactly(limit - half + 1)),
    ]);
    await trial.check('over-refused', () => refused(over, 'append_too_large'));
    await trial.check('sum-over-refused', () => refused(sum, 'append_too_large'));
    await trial.check('over-changes-nothing', () => unchanged(api, before));
    const empty = await sendTurn(trial, id, [user('Hello.'), user('')]);
    await trial.check('empty-refused', () => refused(empty, 'invalid_request'));
    await trial.check('empty-changes-nothing', () => unchanged(api, before));
    await trial.check('exact-accepted', async () => {
      const { usage } = await turn(trial, id, [user(await texts.exactly(limit))]);
      const expected = before.session.usage.total_tokens + limit + 3;
      equal(usage.prompt_tokens, expected, 'the prompt of the largest turn');
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await trial.check('empty-window-refused', async () => {
      const before = await stateOf(api, id);
      refused(await sendTurn(trial, id, []), 'invalid_request', { param: 'messages' });
      await unchanged(api, before);
    });
    const word = trial.nonce();
    await append(api, id, [user(tells(word)), asks()]);
    const before = await stateOf(api, id);
    const { content: said, usage } = await turn(trial, id, []);
    let content = said;
    await trial.check('prompt-is-the-window', () => {
      equal(usage.prompt_tokens, before.session.usage.total_tokens + 3, 'the tokens of the prompt');
    });
    await trial.check('reply-alone-stored', async () => {
      const stored = (await windowOf(api, id)).slice(before.messages.length);
      equal(
        stored.map(({ role, content: text }) => [role, text]),
        [['assistant', said]],
        'what a turn without messages adds to the window',
      );
    });
    await trial.check('answers-the-window', () =>
      within3(async () => {
        if (content.includes(word)) return undefined;
        await append(api, id, asks());
        ({ content } = await turn(trial, id, []));
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Look it up.'), calling('call_a', 'call_b')] });
    const before = await stateOf(api, id);
    const refusal = async (messages: object[], code: ErrorCode) => refused(await sendTurn(trial, id, messages), code);
    await trial.check('open-calls-refused', () => refusal([], 'tool_call_unanswered'));
    await trial.check('other-messages-refused', () => refusal([user('Never mind.')], 'tool_call_unanswered'));
    await trial.check('some-results-refused', () => refusal([result('call_b')], 'tool_call_unanswered'));
    await trial.check('stranger-refused', () => refusal([result('call_c')], 'tool_result_orphan'));
    await trial.check('refusals-change-nothing', () => unchanged(api, before));
    await trial.check('results-accepted', async () => {
      const reply = await sendTurn(trial, id, [result('call_b'), result('call_a'), user('Say hello.')]);
      equal(ended(reply).session.usage.messages, 6, 'the messages of the window');
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const order = (index: number) => ordering(`Turn ${index} is over.`);
    const replies = await Promise.all(
      Array.from({ length: RACERS }, (_, index) => sendTurn(trial, id, [order(index)])),
    );
    const { session, messages } = await stateOf(api, id);
    const won = replies.flatMap((reply, index) =>
      reply.status < 300 ? [{ order: order(index), ...ended(reply) }] : [],
    );
    await trial.check('each-answered', () => {
      for (const reply of replies) if (reply.status >= 300) refused(reply, 'session_busy');
      holds(won.length > 0, 'at least one of the turns is answered');
    });
    await trial.check('answered-stand', () => {
      const stand = messages.filter(({ role }) => role === 'user').map(({ content }) => String(content));
      equal(stand.sort(), won.map((each) => String(each.order.content)).sort(), 'the turns that stand in the window');
    });
    await trial.check('not-interleaved', () => {
      for (const each of won) {
        const place = messages.findIndex(({ content }) => content === each.order.content);
        equal(messages[place + 1]?.content, each.content, `what follows "${each.order.content}"`);
      }
      equal(messages.length, 2 * won.length, 'the messages of the window');
    });
    await trial.check('usage-of-all', () => {
      const last = won.toSorted((a, b) => a.session.version - b.session.version).at(-1);
      equal(session.usage, last?.session.usage, 'the usage after all turns');
      equal(session.usage.total_tokens, tokensOf(messages), 'the usage after all turns');
    });
    await trial.check('goes-on-after', () => turn(trial, id, [user('Say hello.')]));
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
  async run(trial) {
    const { api } = trial;
    const id = await longSession(trial);
    const writes: Reply[] = [];
    const windows: SessionMessage[][] = [];
    await duringTurns(
      trial,
      id,
      async (number) => {
        if (number % READ_EACH === 0) {
          const page = await api.get(`/sessions/${id}/messages?order=desc&limit=20`);
          windows.push(answered(page, Page).data.toReversed());
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
    await trial.check('nothing-within', () => {
      holds(within(last) === -1, `message ${within(last)} is that of a turn, and what follows is not its reply`);
      const stand = last.filter(({ content }) => String(content).startsWith('Write ')).length;
      equal(stand, writes.filter(({ status }) => status < 300).length, 'the writes that stand in the window');
    });
    await trial.check('reads-before-or-after', () => {
      for (const messages of windows) {
        holds(within(messages) === -1, 'a read shows the message of a turn without its reply');
        const from = last.findIndex((message) => message.id === messages[0]?.id);
        equal(messages, last.slice(from, from + messages.length), 'what was read before');
      }
    });
    await trial.check('writes-refused-meanwhile', () => {
      const met = writes.filter(({ status, text }) => status >= 300 && !text.includes('context_window_exceeded'));
      for (const reply of met) refused(reply, 'session_busy');
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    let snapshot: Promise<Reply> | undefined;
    const begun = (text: string) => {
      if (text !== '') snapshot ??= api.post(`/sessions/${id}/snapshots`, {});
      return false;
    };
    await sendLong(trial, id, begun);
    const reply = await snapshot;
    if (!reply) throw new Mismatch('a streamed turn was answered with nothing');
    await trial.need('taken', () => answered(reply, Snapshot));
    await trial.check('before-or-after', () => {
      const { messages } = answered(reply, Snapshot).archived;
      holds(messages === 1 || messages === 3, `a snapshot of 1 or 3 messages, not ${messages}`);
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    await sendLong(trial, id, (text) => spokenIn(text) !== '');
    await trial.need('goes-on-after', () => appended(trial, id, user('After.')));
    const { session, messages } = await stateOf(api, id);
    await trial.check('all-or-nothing', () => {
      const roles = messages.map(({ role }) => role);
      const whole = roles.length === 4;
      equal(roles, whole ? ['user', 'user', 'assistant', 'user'] : ['user', 'user'], 'the roles in the window');
      equal(messages.at(-1)?.content, 'After.', 'the last message of the window');
      const reply = String(messages[2]?.content);
      // An order to say so much is not obeyed by halves.
      holds(!whole || reply.length > LONG_ANSWER.length / 2, `a reply that was broken off is stored: ${reply}`);
    });
    await trial.check('usage-adds-up', () => {
      equal(session.usage.total_tokens, tokensOf(messages), 'the usage of the session');
    });
  },
});

/** Writes a message as soon as the session is not busy any more. @throws Mismatch where it stays busy */
async function appended({ api }: Trial<string>, id: string, message: Message): Promise<void> {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const reply = await api.post(`/sessions/${id}/messages`, message);
    if (reply.status < 300) return;
    refused(reply, 'session_busy');
    await windowOf(api, id);
  }
  throw new Mismatch('the session stays busy after its client has gone');
}

function sendLong(trial: Trial<string>, id: string, enough: (text: string) => boolean): Promise<Reply> {
  const more = { max_tokens: LONG_TOKENS, stream: true };
  return sendTurn(trial, id, [ordering(LONG_ANSWER)], more, { enough });
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    const reply = await sendTurn(trial, id, [user('Say hello.')], { n: 2 });
    await trial.check('two-refused', () => refused(reply, 'invalid_request', { param: 'n' }));
    await trial.check('two-change-nothing', () => unchanged(api, before));
    await trial.check('one-accepted', () => turn(trial, id, [user('Say hello.')], { n: 1 }));
  },
});

const turnPartial = defineCase({
  id: 'turn.partial',
  title: 'an answer that the client begins is stored as one message',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.partial'],
  checks: { joined: 'turn.partial', 'one-message': 'turn.partial', 'usage-after': 'turn.usage' },
  cost: turns(1),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user(tells(trial.nonce()))] });
    const beginning = 'The code word of the project is';
    const messages: Message[] = [
      user('What is the code word of the project?'),
      { role: 'assistant', content: beginning, partial: true },
    ];
    const { content, usage } = await turn(trial, id, messages);
    const { session, messages: stored } = await stateOf(api, id);
    await trial.check('one-message', () => {
      equal(
        stored.map(({ role }) => role),
        ['user', 'user', 'assistant'],
        'the roles in the window',
      );
    });
    await trial.check('joined', () => {
      equal(stored.at(-1)?.content, beginning + content, 'the last message of the window');
      holds(content !== '', 'the model continues');
    });
    await trial.check('usage-after', () => {
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      equal(session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
  },
});

const turnEmptyAnswer = defineCase({
  id: 'turn.empty-answer',
  title: 'an answer of nothing is not stored',
  needs: ['sessions', 'chat'],
  checks: { 'new-alone-stored': 'turn.empty-answer', 'goes-on-after': 'turn.empty-answer' },
  cost: turns(TRIES + 1),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const order = ordering('BREAK');
    let before = await stateOf(api, id);
    let said = '';
    for (let tries = 0; tries < TRIES; tries += 1) {
      before = await stateOf(api, id);
      said = (await turn(trial, id, [order], { stop: ['BREAK', 'B'] })).content;
      if (said === '') break;
    }
    await trial.check('new-alone-stored', async () => {
      if (said !== '') throw new Fault(`the model could not be made to say nothing: ${said}`);
      const stored = (await windowOf(api, id)).slice(before.messages.length);
      equal(
        stored.map(({ role, content }) => [role, content]),
        [['user', order.content]],
        'what a turn without answer adds to the window',
      );
    });
    await trial.check('goes-on-after', async () => {
      const { session } = await turn(trial, id, [user('Say hello.')]);
      const { messages } = await stateOf(api, id);
      equal(messages.length, session.usage.messages, 'the messages of the window');
      holds(
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await trial.check('text-stored-as-delivered', async () => {
      const { content, finish } = await turn(trial, id, [ordering(LONG_ANSWER)], { max_tokens: 12 });
      if (finish !== 'length') throw new Fault(`a long answer ends with ${finish}`);
      equal((await windowOf(api, id)).at(-1)?.content, content, 'the reply in the window');
    });
    await trial.check('call-not-stored', async () => {
      const order = user(`Call save_note with the text "${LONG_ANSWER}".`);
      const { finish } = await turn(trial, id, [order], { tools: [NOTE], tool_choice: 'required', max_tokens: 24 });
      if (finish !== 'length') throw new Fault(`a long call ends with ${finish}`);
      const window = await windowOf(api, id);
      equal(
        window.slice(2).map(({ role, content }) => [role, content]),
        [['user', order.content]],
        'what a turn whose call was cut adds to the window',
      );
    });
    await trial.check('goes-on-after-call', async () => {
      await append(api, id, user('Never mind.'));
      await turn(trial, id, [user('Say hello.')], { tools: [] });
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const order = ordering('All is well on every river and every road.');
    const reply = succeeded(await sendTurn(trial, id, [order], { stream: true }));
    const finish = finishIn(reply.text);
    const { session, messages } = await stateOf(api, id);
    await trial.check('finish-names-session', () => {
      const state = shaped(SessionState, finish?.session, 'the session on the finish chunk');
      equal(state.id, id, 'the session on the finish chunk');
    });
    await trial.check('finish-as-read', () => {
      const { version, usage } = shaped(SessionState, finish?.session, 'the session on the finish chunk');
      equal({ version, usage }, { version: session.version, usage: session.usage }, 'the session on the finish chunk');
    });
    await trial.check('usage-after', () => {
      const usage = shaped(CompletionUsage, finish?.choices[0]?.usage, 'the usage on the finish chunk');
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      equal(session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
    await trial.check('stored-as-streamed', () => {
      equal(messages.length, 3, 'the messages of the window');
      equal(
        [messages[1]?.content, messages[2]?.content],
        [order.content, spokenIn(reply.text)],
        'the turn in the window',
      );
    });
    await trial.check('committed-at-finish', () => committed(trial, id, { stream: true }));
    await trial.check('committed-at-answer', () => committed(trial, id, {}));
  },
});

/** Reads of a turn no more than its end takes, and looks at once. */
async function committed(trial: Trial<string>, id: string, more: object): Promise<void> {
  const before = (await stateOf(trial.api, id)).messages.length;
  const order = ordering('It is done.');
  const enough = (text: string) => finishIn(text) !== undefined;
  const reply = await sendTurn(trial, id, [order], more, { enough });
  succeeded(reply);
  const { messages } = await stateOf(trial.api, id);
  equal(messages.length, before + 2, 'the messages of the window when the end has been read');
  holds(messages.at(-2)?.content === order.content, 'the new message stands before the reply');
}

const CALL_TOKENS = 64;

const MUST_CALL = { tool_choice: 'required', max_tokens: CALL_TOKENS };

const { messages: ASKING, tools: FORECAST } = ASKING_FOR_A_CALL;

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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { tools: FORECAST });
    await trial.check('session-tools-used', async () => {
      const { calls } = await turn(trial, id, ASKING, MUST_CALL);
      equal(calls[0]?.function.name, CALLED, 'the function that is called');
      for (const call of calls) await append(api, id, result(call.id, 'sunny'));
    });
    const none = { tool_choice: 'none' };
    const before = await getSession(api, id);
    await trial.check('absent-keeps', async () => {
      await turn(trial, id, [user('Say hello.')], none);
      const { tools, usage } = await getSession(api, id);
      equal([tools, usage.tools_tokens], [before.tools, before.usage.tools_tokens], 'the tools after a turn without');
    });
    await trial.check('refused-keeps', async () => {
      const standing = await getSession(api, id);
      refused(await sendTurn(trial, id, [result('call_none')], { tools: [TOOL] }), 'tool_result_orphan');
      equal(await getSession(api, id), standing, 'the session after a refused turn that brought tools');
    });
    const replaced = await turn(trial, id, [user('Say hello.')], { ...none, tools: [TOOL, OTHER_TOOL] });
    await trial.check('new-tools-stand', async () => {
      equal((await getSession(api, id)).tools, [TOOL, OTHER_TOOL], 'the tools that came with a turn');
    });
    await trial.check('new-tools-counted', async () => {
      const { usage } = await getSession(api, id);
      const fresh = await createSession(api, { tools: [TOOL, OTHER_TOOL] });
      equal(usage.tools_tokens, fresh.usage.tools_tokens, 'the tokens of the tools');
      const messages = (await windowOf(api, id)).reduce((sum, { tokens }) => sum + tokens, 0);
      equal(usage.total_tokens, usage.tools_tokens + messages, 'the usage of the session');
      const expected = usage.total_tokens - replaced.usage.completion_tokens - 1;
      equal(replaced.usage.prompt_tokens, expected, 'the prompt of the turn that brought the tools');
    });
    await trial.check('empty-list-removes', async () => {
      await turn(trial, id, [user('Say hello.')], { tools: [] });
      const { tools, usage } = await getSession(api, id);
      equal([tools, usage.tools_tokens], [[], 0], 'the tools after a turn that took them away');
    });
  },
});

/** Turns until the model has called something, and answers its calls. @returns the ids of the calls */
async function called(trial: Trial<string>, id: string, more: object = {}): Promise<Turn> {
  const answer = await turn(trial, id, ASKING, { ...MUST_CALL, ...more });
  holds(answer.calls.length > 0, `a turn that must call something ends with ${answer.finish} and calls nothing`);
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { tools: FORECAST });
    const first = await called(trial, id);
    const count = first.calls.length;
    await trial.check('call-stored', async () => {
      const stored = (await windowOf(api, id)).at(-1);
      const shown = (calls: typeof first.calls = []) => calls.map((call) => ({ id: call.id, call: call.function }));
      equal(shown(stored?.tool_calls as typeof first.calls), shown(first.calls), 'the calls of the stored reply');
    });
    await trial.check('first-ids', () => {
      equal(
        first.calls.map((call) => call.id),
        numbered(first.calls, 0),
        'the ids of the first calls',
      );
    });
    await trial.check('open-until-answered', async () => {
      refused(await sendTurn(trial, id, [user('Never mind.')]), 'tool_call_unanswered');
    });
    await trial.need('result-accepted', async () => {
      for (const call of first.calls) await append(api, id, result(call.id, 'sunny'));
    });
    await trial.check('goes-on-from-result', async () => {
      const { content, session } = await turn(trial, id, [], { tool_choice: 'none' });
      holds(content !== '', 'the model says something about the result');
      equal(session.usage.messages, 2 + count + 1, 'the messages of the window');
    });
    await trial.check('next-ids', async () => {
      const { calls } = await called(trial, id);
      equal(
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { tools: FORECAST, messages: [user('Hello.')] });
    const { snapshot_id } = await createSnapshot(api, id);
    const first = await called(trial, id);
    succeeded(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
    await trial.check('counted-over-rollback', async () => {
      const { calls } = await called(trial, id);
      equal(
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
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    const nobody = neverWas(id);
    const order = user('Say hello.');
    await trial.check('known-answered', () => turn(trial, id, [order]));
    await trial.check('invented-refused', async () => {
      refused(await sendTurn(trial, nobody, [order]), 'session_not_found');
    });
    await trial.check('streamed-refused', async () => {
      refused(await sendTurn(trial, nobody, [order], { stream: true }), 'session_not_found');
    });
    await trial.check('none-created', async () => {
      refused(await api.get(`/sessions/${nobody}`), 'session_not_found');
    });
    await trial.check('deleted-refused', async () => {
      succeeded(await api.delete(`/sessions/${id}`));
      refused(await sendTurn(trial, id, [order]), 'session_not_found');
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
  async run(trial) {
    const { api, limits } = trial;
    const window = limits.window_tokens;
    const word = trial.nonce();
    const { id } = await createSession(api, { messages: [user(tells(word))] });
    await fillWindow(trial, id, window - ROOM);
    await trial.check('oldest-of-full-read', () => recalls(trial, { session_id: id }, word));
    const added = await estimated(trial, { messages: [NEWWindow] });
    const full = window - added - MAX_TOKENS - 1;
    await fillWindow(trial, id, full);
    const before = await stateOf(api, id);
    const over = await sendTurn(trial, id, [NEWWindow], { max_tokens: MAX_TOKENS + 1 });
    // Without a limit of its own, and refused: it costs nothing.
    const unlimited = await sendTurn(trial, id, [NEWWindow], { max_tokens: undefined });
    await trial.check('over-changes-nothing', () => unchanged(api, before));
    await trial.check('over-refused', () => refused(over, 'context_window_exceeded'));
    await trial.check('over-told', () => {
      const told = LIVE_TEXT.windowExceeded(window, window + 1);
      equal(refused(over, 'context_window_exceeded'), told, 'the message');
    });
    await trial.check('default-max-told', () => {
      const told = LIVE_TEXT.windowExceeded(window, full + added + limits.max_tokens + 1);
      equal(refused(unlimited, 'context_window_exceeded'), told, 'the message without max_tokens');
    });
    await trial.check('exact-accepted', async () => {
      const { usage } = await turn(trial, id, [NEWWindow], { max_tokens: MAX_TOKENS });
      equal(usage.prompt_tokens, full + added, 'the tokens of the prompt');
    });
    await trial.check('exact-keeps-all', async () => {
      const { messages } = await stateOf(api, id);
      equal(messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
      equal(messages.length, before.messages.length + 2, 'the messages of the window');
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
