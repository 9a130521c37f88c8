import { SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused } from '../../core/expect.ts';
import { createSession, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';
import { neverWas } from '../../wire/ids.ts';

export const pinsChange = defineCase({
  id: 'pins.change',
  title: 'a pin can be given and taken away later',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'given-answered': 'pins.change',
    'given-listed': 'pins.change',
    'nothing-else-changes': 'pins.nothing-else',
    'taken-away': 'pins.change',
    'unknown-refused': 'pins.unknown-message',
    'other-session-refused': 'pins.unknown-message',
    'no-boolean-refused': 'pins.yes-or-no',
    'missing-refused': 'pins.yes-or-no',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('one'), user('two'), user('three')] });
    const other = await createSession(api, { messages: [user('other')] });
    const before = await stateOf(api, id);
    const [first, second] = before.messages;
    const path = `/sessions/${id}/messages/${second?.id}`;
    const expected = before.messages.map((message) =>
      message.id === second?.id ? { ...message, pinned: true } : message,
    );
    const reply = await api.post(path, { pinned: true });
    await trial.check('given-answered', () => {
      equal(answered(reply, SessionMessage), expected[1], 'the answer to a pin');
    });
    const after = await stateOf(api, id);
    await trial.check('given-listed', () => equal(after.messages[1]?.pinned, true, 'the pin that was given'));
    await trial.check('nothing-else-changes', () => {
      equal(after.messages, expected, 'the messages after a pin');
      equal(after.session.usage, before.session.usage, 'the usage after a pin');
    });
    await trial.check('taken-away', async () => {
      equal(
        answered(await api.post(path, { pinned: false }), SessionMessage),
        second,
        'the answer to a pin taken away',
      );
      equal(await windowOf(api, id), before.messages, 'the messages after a pin was taken away');
    });
    const state = await stateOf(api, id);
    const refusal = async (message: string, body: object, code: 'message_not_found' | 'invalid_request') => {
      const options = code === 'invalid_request' ? { param: 'pinned' } : {};
      refused(await api.post(`/sessions/${id}/messages/${message}`, body), code, options);
      await unchanged(api, state);
    };
    await trial.check('unknown-refused', () =>
      refusal(neverWas(first?.id ?? ''), { pinned: true }, 'message_not_found'),
    );
    await trial.check('other-session-refused', async () => {
      const [foreign] = await windowOf(api, other.id);
      await refusal(foreign?.id ?? '', { pinned: true }, 'message_not_found');
      equal((await windowOf(api, other.id))[0], foreign, 'the message of the other session');
    });
    await trial.check('no-boolean-refused', async () => {
      for (const pinned of ['yes', 1, null]) await refusal(first?.id ?? '', { pinned }, 'invalid_request');
    });
    await trial.check('missing-refused', () => refusal(first?.id ?? '', {}, 'invalid_request'));
  },
});
