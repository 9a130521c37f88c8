import { SessionMessage } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectError, expectSuccess, expectTrue } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { idOf, isPinnedMessage, type Message, toolCall, toolResult, unknownId, user } from '../../wire/sessions.ts';

const system = (content: string): Message => ({ role: 'system', content });

const pinsOf = async (api: Api, id: string) => (await api.windowOf(id)).map(isPinnedMessage);

const pinsAtWriting = defineCase({
  id: 'pins.at-writing',
  title: 'pinning is decided when a message is written',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'leading-pinned leading-pinned-over-writes leading-pinned-at-creation': 'pins.leading',
    'others-not-pinned': 'pins.others',
    'asked-pinned': 'pins.asked',
    'declined-not-pinned behind-declined-not-pinned': 'pins.declined',
  },
  async run({ api, check }) {
    await check('leading-pinned', async () => {
      const { id } = await api.createSession();
      await api.append(id, [system('one'), system('two'), user('three')]);
      expectEqual((await pinsOf(api, id)).slice(0, 2), [true, true], 'the pins of leading system messages');
    });
    await check('leading-pinned-over-writes', async () => {
      const { id } = await api.createSession();
      await api.append(id, system('one'));
      await api.append(id, system('two'));
      expectEqual(await pinsOf(api, id), [true, true], 'the pins of leading system messages in two writes');
    });
    await check('leading-pinned-at-creation', async () => {
      const { id } = await api.createSession({ messages: [system('one'), user('two')] });
      expectEqual(await pinsOf(api, id), [true, false], 'the pins of a session created with messages');
    });
    await check('others-not-pinned', async () => {
      const { id } = await api.createSession({ messages: [user('one'), system('two')] });
      await api.append(id, [{ role: 'assistant', content: 'three' }, system('four'), user('five')]);
      expectEqual(await pinsOf(api, id), [false, false, false, false, false], 'the pins of messages that lead nothing');
    });
    await check('asked-pinned', async () => {
      const { id } = await api.createSession({ messages: [user('one')] });
      const { data } = await api.append(id, [
        { ...user('two'), pinned: true },
        { ...system('three'), pinned: true },
        { role: 'assistant', content: 'four', pinned: true },
        { ...user('five'), pinned: false },
      ]);
      expectEqual(data.map(isPinnedMessage), [true, true, true, false], 'the pins that the answer tells');
      expectEqual(await pinsOf(api, id), [false, true, true, true, false], 'the pins that were asked for');
    });
    const { id } = await api.createSession({ messages: [{ ...system('one'), pinned: false }, system('two')] });
    await api.append(id, system('three'));
    const pins = await pinsOf(api, id);
    await check('declined-not-pinned', () => expectEqual(pins[0], false, 'the pin that was declined'));
    await check('behind-declined-not-pinned', () => {
      expectEqual(pins.slice(1), [false, false], 'the pins behind a system message that is not pinned');
    });
  },
});

const pinsInTurn = defineCase({
  id: 'pins.in-turn',
  title: 'messages of a turn can be pinned',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: { 'leading-pinned asked-pinned': 'pins.in-turn', 'reply-not-pinned': 'pins.others' },
  cost: () => ({ promptTokens: 256, completionTokens: 8 }),
  async run({ api, target, texts, check }) {
    const { id } = await api.createSession();
    const messages = [system('Be short.'), { ...user('My name is Ann.'), pinned: true }, user('Say hello.')];
    await api.chat({ model: target.model, session_id: id, messages, max_tokens: 8 + texts.overhead.answer });
    const pins = await pinsOf(api, id);
    await check('leading-pinned', () => expectEqual(pins[0], true, 'the pin of a leading system message'));
    await check('asked-pinned', () => expectEqual(pins.slice(1, 3), [true, false], 'the pins of the new messages'));
    await check('reply-not-pinned', () => expectEqual(pins.slice(3), [false], 'the pins of the reply'));
  },
});

const pinsChange = defineCase({
  id: 'pins.change',
  title: 'a message can be pinned and unpinned later',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'given-answered given-listed': 'pins.change',
    'nothing-else-changes': 'pins.nothing-else',
    'taken-away': 'pins.change',
    'unknown-refused other-session-refused': 'pins.unknown-message',
    'no-boolean-refused missing-refused': 'pins.yes-or-no',
  },
  cost: () => ({ requests: 60 }),
  async run({ api, check }) {
    const { id } = await api.createSession({ messages: [user('one'), user('two'), user('three')] });
    const other = await api.createSession({ messages: [user('other')] });
    const before = await api.stateOf(id);
    const [first, second] = before.messages;
    const path = `/sessions/${id}/messages/${second?.id}`;
    const expected = before.messages.map((message) =>
      message.id === second?.id ? { ...message, pinned: true } : message,
    );
    const reply = await api.post(path, { pinned: true });
    await check('given-answered', () => {
      expectEqual(expectBody(reply, SessionMessage), expected[1], 'the answer to a pin');
    });
    const after = await api.stateOf(id);
    await check('given-listed', () => expectEqual(after.messages[1]?.pinned, true, 'the pin that was given'));
    await check('nothing-else-changes', () => {
      expectEqual(after.messages, expected, 'the messages after a pin');
      expectEqual(after.session.usage, before.session.usage, 'the usage after a pin');
    });
    await check('taken-away', async () => {
      expectEqual(
        expectBody(await api.post(path, { pinned: false }), SessionMessage),
        second,
        'the answer to a pin taken away',
      );
      expectEqual(await api.windowOf(id), before.messages, 'the messages after a pin was taken away');
    });
    const state = await api.stateOf(id);
    const refusal = async (message: string, body: object, code: 'message_not_found' | 'invalid_request') => {
      const options = code === 'invalid_request' ? { param: 'pinned' } : {};
      expectError(await api.post(`/sessions/${id}/messages/${message}`, body), code, options);
      await api.expectUnchanged(state);
    };
    await check('unknown-refused', () => refusal(unknownId(first?.id ?? ''), { pinned: true }, 'message_not_found'));
    await check('other-session-refused', async () => {
      const [foreign] = await api.windowOf(other.id);
      await refusal(foreign?.id ?? '', { pinned: true }, 'message_not_found');
      expectEqual((await api.windowOf(other.id))[0], foreign, 'the message of the other session');
    });
    await check('no-boolean-refused', async () => {
      for (const pinned of ['yes', 1, null]) await refusal(first?.id ?? '', { pinned }, 'invalid_request');
    });
    await check('missing-refused', () => refusal(first?.id ?? '', {}, 'invalid_request'));
  },
});

const NEEDS = ['sessions', 'sessions.append', 'sessions.truncate', 'tokens.estimate'] as const;

const contentsOf = (messages: readonly SessionMessage[]) => messages.map(({ content }) => content);

/** Writes more than the least that a cut may keep, and cuts to that. @returns what stands then */
async function crowd(context: CaseContext<string>, id: string): Promise<SessionMessage[]> {
  const { api, limits, texts } = context;
  const least = limits.min_preserve_tokens;
  const filler = user(await texts.exactly(Math.floor(least / 4)));
  for (let writes = 0; writes < 5; writes += 1) await api.append(id, filler);
  expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len: least }));
  return api.windowOf(id);
}

const pinsSurvive = defineCase({
  id: 'pins.survive',
  title: 'pinned messages survive every cut; others do not',
  needs: NEEDS,
  checks: {
    'pinned-stay others-go stay-again': 'pins.survive',
    'late-leader-not-pinned': 'pins.at-writing',
    'taken-away-goes': 'pins.taken-away',
  },
  cost: () => ({ requests: 80 }),
  async run({ api, check }, context) {
    const { id } = await api.createSession();
    const written: Message[] = [
      { role: 'system', content: 'lead' },
      user('plain'),
      { ...user('asked'), pinned: true },
      { role: 'system', content: 'late' },
      user('given'),
      { role: 'assistant', content: 'plain too' },
    ];
    const { data } = await api.append(id, written);
    const given = `/sessions/${id}/messages/${data[4]?.id}`;
    expectSuccess(await api.post(given, { pinned: true }));
    const kept = await crowd(context, id);
    await check('pinned-stay', () => {
      expectEqual(contentsOf(kept).slice(0, 3), ['lead', 'asked', 'given'], 'the oldest messages after a cut');
    });
    await check('others-go', () => {
      const left = contentsOf(kept).filter((content) => ['plain', 'late', 'plain too'].includes(String(content)));
      expectEqual(left, [], 'the messages without a pin after a cut');
    });
    await check('late-leader-not-pinned', async () => {
      const behind = await api.createSession({ messages: [user('first'), { role: 'system', content: 'late' }] });
      const { limits, texts } = context;
      const rest = limits.min_preserve_tokens - ((await api.windowOf(behind.id))[1]?.tokens ?? 0);
      await api.append(behind.id, user(await texts.exactly(Math.min(rest, limits.append_tokens))));
      expectSuccess(await api.post(`/sessions/${behind.id}/truncate`, { preserve_len: limits.min_preserve_tokens }));
      const [leader] = await api.windowOf(behind.id);
      expectEqual(
        [leader?.content, leader?.pinned],
        ['late', false],
        'the system message that leads only since the cut',
      );
    });
    await check('stay-again', async () => {
      const again = await crowd(context, id);
      expectEqual(contentsOf(again).slice(0, 3), ['lead', 'asked', 'given'], 'the oldest messages after another cut');
      expectTrue(again.length > 3, 'newer messages stand behind them');
    });
    await check('taken-away-goes', async () => {
      expectSuccess(await api.post(given, { pinned: false }));
      expectEqual(
        contentsOf(await crowd(context, id)).slice(0, 2),
        ['lead', 'asked'],
        'the oldest messages after a third cut',
      );
      const left = contentsOf(await api.windowOf(id)).filter((content) => content === 'given');
      expectEqual(left, [], 'the message whose pin was taken away');
    });
  },
});

const pinsGroup = defineCase({
  id: 'pins.group',
  title: 'a pin on any message of a tool group keeps the group',
  needs: NEEDS,
  checks: { 'by-call by-result by-late-result without-pin-goes': 'pins.group' },
  cost: () => ({ requests: 80 }),
  async run({ api, check }, context) {
    const group: Message[] = [
      toolCall('call_a', 'call_b'),
      toolResult('call_b', 'second'),
      toolResult('call_a', 'first'),
    ];
    const idsOf = (messages: readonly SessionMessage[]) => messages.map(idOf);
    /** What is left of the group after a cut. */
    const left = async (writes: Message[][]) => {
      const { id } = await api.createSession();
      const written: SessionMessage[] = [];
      for (const write of writes) written.push(...(await api.append(id, write)).data);
      const kept = new Set(idsOf(await crowd(context, id)));
      return { written: idsOf(written), kept: idsOf(written).filter((each) => kept.has(each)) };
    };
    const pinnedAt = (place: number) =>
      group.map((message, at) => (at === place ? { ...message, pinned: true } : message));
    await check('by-call', async () => {
      const { written, kept } = await left([pinnedAt(0)]);
      expectEqual(kept, written, 'what is left of a group whose call is pinned');
    });
    await check('by-result', async () => {
      const { written, kept } = await left([pinnedAt(1)]);
      expectEqual(kept, written, 'what is left of a group of which a result is pinned');
    });
    await check('by-late-result', async () => {
      const messages = pinnedAt(2);
      const { written, kept } = await left([messages.slice(0, 2), messages.slice(2)]);
      expectEqual(kept, written, 'what is left of a group whose last result came later, and pinned');
    });
    await check('without-pin-goes', async () => {
      expectEqual((await left([group])).kept, [], 'what is left of a group without a pin');
    });
  },
});

export const PINS_CASES: readonly Case[] = [pinsAtWriting, pinsInTurn, pinsChange, pinsSurvive, pinsGroup];
