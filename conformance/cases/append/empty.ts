import { LIVE_TEXT } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { holds, refused } from '../../core/expect.ts';
import { append, calling, createSession, result, stateOf, unchanged, user } from '../../wire/dialect.ts';

const EMPTY = {
  'text-refused': { role: 'user', content: '' },
  'parts-refused': { role: 'system', content: [{ type: 'text', text: '' }] },
  'null-refused': { role: 'assistant', content: null },
  'absent-refused': { role: 'assistant' },
} as const;

export const appendEmpty = defineCase({
  id: 'append.empty',
  title: 'a message that says nothing is refused, unless it calls tools',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'text-refused': 'append.empty',
    'parts-refused': 'append.empty',
    'null-refused': 'append.empty',
    'absent-refused': 'append.empty',
    'result-refused': 'append.empty',
    'among-others-refused': 'append.empty',
    'calls-accepted': 'append.empty',
  },
  cost: () => ({ requests: 60 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const refusal = async (write: object) => {
      const before = await stateOf(api, id);
      const message = refused(await api.post(`/sessions/${id}/messages`, write), 'invalid_request');
      holds(message.includes(LIVE_TEXT.contentEmpty), `the refusal says "${LIVE_TEXT.contentEmpty}": ${message}`);
      await unchanged(api, before);
    };
    for (const kind of Object.keys(EMPTY) as (keyof typeof EMPTY)[]) {
      await trial.check(kind, () => refusal(EMPTY[kind]));
    }
    await trial.check('among-others-refused', () => refusal({ messages: [user('Hello.'), user(''), user('Hello.')] }));
    await trial.need('calls-accepted', async () => {
      await append(api, id, [calling('call_a'), result('call_a')]);
      await append(api, id, { ...calling('call_b'), content: '' });
    });
    await trial.check('result-refused', () => refusal(result('call_b', '')));
  },
});
