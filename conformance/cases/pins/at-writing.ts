import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import type { Api } from '../../wire/api.ts';
import { append, chat, createSession, type Message, user, windowOf } from '../../wire/dialect.ts';

const system = (content: string): Message => ({ role: 'system', content });
const pinsOf = async (api: Api, id: string) => (await windowOf(api, id)).map(({ pinned }) => pinned);

export const pinsAtWriting = defineCase({
  id: 'pins.at-writing',
  title: 'what is pinned is decided as a message is written',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'leading-pinned': 'pins.leading',
    'leading-pinned-over-writes': 'pins.leading',
    'leading-pinned-at-creation': 'pins.leading',
    'others-not-pinned': 'pins.others',
    'asked-pinned': 'pins.asked',
    'declined-not-pinned': 'pins.declined',
    'behind-declined-not-pinned': 'pins.declined',
  },
  async run(trial) {
    const { api } = trial;
    await trial.check('leading-pinned', async () => {
      const { id } = await createSession(api);
      await append(api, id, [system('one'), system('two'), user('three')]);
      equal((await pinsOf(api, id)).slice(0, 2), [true, true], 'the pins of leading system messages');
    });
    await trial.check('leading-pinned-over-writes', async () => {
      const { id } = await createSession(api);
      await append(api, id, system('one'));
      await append(api, id, system('two'));
      equal(await pinsOf(api, id), [true, true], 'the pins of leading system messages in two writes');
    });
    await trial.check('leading-pinned-at-creation', async () => {
      const { id } = await createSession(api, { messages: [system('one'), user('two')] });
      equal(await pinsOf(api, id), [true, false], 'the pins of a session created with messages');
    });
    await trial.check('others-not-pinned', async () => {
      const { id } = await createSession(api, { messages: [user('one'), system('two')] });
      await append(api, id, [{ role: 'assistant', content: 'three' }, system('four'), user('five')]);
      equal(await pinsOf(api, id), [false, false, false, false, false], 'the pins of messages that lead nothing');
    });
    await trial.check('asked-pinned', async () => {
      const { id } = await createSession(api, { messages: [user('one')] });
      const { data } = await append(api, id, [
        { ...user('two'), pinned: true },
        { ...system('three'), pinned: true },
        { role: 'assistant', content: 'four', pinned: true },
        { ...user('five'), pinned: false },
      ]);
      equal(
        data.map(({ pinned }) => pinned),
        [true, true, true, false],
        'the pins that the answer tells',
      );
      equal(await pinsOf(api, id), [false, true, true, true, false], 'the pins that were asked for');
    });
    const { id } = await createSession(api, { messages: [{ ...system('one'), pinned: false }, system('two')] });
    await append(api, id, system('three'));
    const pins = await pinsOf(api, id);
    await trial.check('declined-not-pinned', () => equal(pins[0], false, 'the pin that was declined'));
    await trial.check('behind-declined-not-pinned', () => {
      equal(pins.slice(1), [false, false], 'the pins behind a system message that is not pinned');
    });
  },
});

export const pinsInTurn = defineCase({
  id: 'pins.in-turn',
  title: 'the messages of a turn are pinned as those of a write',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: { 'leading-pinned': 'pins.in-turn', 'asked-pinned': 'pins.in-turn', 'reply-not-pinned': 'pins.others' },
  cost: () => ({ promptTokens: 256, completionTokens: 8 }),
  async run(trial) {
    const { api, target } = trial;
    const { id } = await createSession(api);
    const messages = [system('Be short.'), { ...user('My name is Ann.'), pinned: true }, user('Say hello.')];
    await chat(api, { model: target.model, session_id: id, messages, max_tokens: 8 });
    const pins = await pinsOf(api, id);
    await trial.check('leading-pinned', () => equal(pins[0], true, 'the pin of a leading system message'));
    await trial.check('asked-pinned', () => equal(pins.slice(1, 3), [true, false], 'the pins of the new messages'));
    await trial.check('reply-not-pinned', () => equal(pins.slice(3), [false], 'the pins of the reply'));
  },
});
