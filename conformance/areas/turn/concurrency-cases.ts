import type { SessionMessage } from '../../../contract/sessions.ts';
import { Snapshot } from '../../../contract/snapshots.ts';
import { type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectTrue } from '../../core/expect.ts';
import { Mismatch } from '../../core/verdict.ts';
import { ended, sendTurn, turn } from '../../tables/turns.ts';
import type { Reply } from '../../wire/reply.ts';
import { type Message, user } from '../../wire/sessions.ts';
import { LONG_ANSWER, ordering, spokenIn, turns } from './case-support.ts';

const RACERS = 4;

const MAX_LOOKS = 40;

const LONG_TOKENS = 128;

export const turnConcurrent = defineCase({
  id: 'turn.concurrent',
  title: 'after concurrent turns the window has exactly the answered ones',
  needs: ['sessions', 'chat'],
  checks: {
    'each-answered answered-stand': 'turn.concurrent',
    'not-interleaved': 'turn.busy',
    'usage-of-all': 'turn.usage',
    'goes-on-after': 'turn.concurrent',
  },
  cost: turns(RACERS + 1, { promptTokens: 4_096 }),
  async run({ api, check }, context) {
    const { id } = await api.createSession();
    const order = (index: number) => ordering(`Turn ${index} is over.`);
    const replies = await Promise.all(
      Array.from({ length: RACERS }, (_, index) => sendTurn(context, id, [order(index)])),
    );
    const { session, messages } = await api.stateOf(id);
    const won = replies.flatMap((reply, index) =>
      reply.status < 300 ? [{ order: order(index), ...ended(reply) }] : [],
    );
    await check('each-answered', () => {
      for (const reply of replies) if (reply.status >= 300) expectError(reply, 'session_busy');
      expectTrue(won.length > 0, 'at least one of the turns is answered');
    });
    await check('answered-stand', () => {
      const stand = messages.filter(({ role }) => role === 'user').map(({ content }) => String(content));
      expectEqual(
        stand.sort(),
        won.map((each) => String(each.order.content)).sort(),
        'the turns that stand in the window',
      );
    });
    await check('not-interleaved', () => {
      for (const each of won) {
        const place = messages.findIndex(({ content }) => content === each.order.content);
        expectEqual(messages[place + 1]?.content, each.content, `what follows "${each.order.content}"`);
      }
      expectEqual(messages.length, 2 * won.length, 'the messages of the window');
    });
    await check('usage-of-all', () => {
      const last = won.toSorted((a, b) => a.session.version - b.session.version).at(-1);
      expectEqual(session.usage, last?.session.usage, 'the usage after all turns');
      expectEqual(session.usage.total_tokens, tokensOf(messages), 'the usage after all turns');
    });
    await check('goes-on-after', () => turn(context, id, [user('Say hello.')]));
  },
});

export const turnSnapshotMeanwhile = defineCase({
  id: 'turn.snapshot-meanwhile',
  title: 'a snapshot taken during a turn has all of it or nothing',
  needs: ['sessions', 'sessions.snapshot', 'chat', 'chat.stream'],
  checks: { 'taken before-or-after': 'turn.reads' },
  cost: turns(1, { promptTokens: 1_024, completionTokens: LONG_TOKENS }),
  async run({ api, check, require }, context) {
    const { id } = await api.createSession({ messages: [user('Hello.')] });
    let snapshot: Promise<Reply> | undefined;
    const begun = (text: string) => {
      if (text !== '') snapshot ??= api.post(`/sessions/${id}/snapshots`, {});
      return false;
    };
    await sendLong(context, id, begun);
    const reply = await snapshot;
    if (!reply) throw new Mismatch('a streamed turn was answered with nothing');
    await require('taken', () => expectBody(reply, Snapshot));
    await check('before-or-after', () => {
      const { messages } = expectBody(reply, Snapshot).archived;
      expectTrue(messages === 1 || messages === 3, `a snapshot of 1 or 3 messages, not ${messages}`);
    });
  },
});

export const turnDisconnect = defineCase({
  id: 'turn.disconnect',
  title: 'a client that disconnects leaves a whole turn or nothing',
  needs: ['sessions', 'sessions.append', 'chat', 'chat.stream'],
  checks: { 'all-or-nothing usage-adds-up goes-on-after': 'turn.disconnect' },
  cost: turns(2, { requests: 60 + 2 * MAX_LOOKS, promptTokens: 2_048, completionTokens: 2 * LONG_TOKENS }),
  async run({ api, check, require }, context) {
    const { id } = await api.createSession({ messages: [user('Hello.')] });
    await sendLong(context, id, (text) => spokenIn(text) !== '');
    await require('goes-on-after', () => appended(context, id, user('After.')));
    const { session, messages } = await api.stateOf(id);
    await check('all-or-nothing', () => {
      const roles = messages.map(({ role }) => role);
      const whole = roles.length === 4;
      expectEqual(roles, whole ? ['user', 'user', 'assistant', 'user'] : ['user', 'user'], 'the roles in the window');
      expectEqual(messages.at(-1)?.content, 'After.', 'the last message of the window');
      const reply = String(messages[2]?.content);
      // An order to say so much is not obeyed by halves.
      expectTrue(!whole || reply.length > LONG_ANSWER.length / 2, `a reply that was broken off is stored: ${reply}`);
    });
    await check('usage-adds-up', () => {
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
    await api.windowOf(id);
  }
  throw new Mismatch('the session stays busy after its client has gone');
}

function sendLong(context: CaseContext<string>, id: string, stopWhen: (text: string) => boolean): Promise<Reply> {
  const more = { max_tokens: LONG_TOKENS + context.texts.overhead.answer, stream: true };
  return sendTurn(context, id, [ordering(LONG_ANSWER)], more, { stopWhen });
}

function tokensOf(messages: readonly SessionMessage[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0);
}
