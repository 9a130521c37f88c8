import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { append, calling, createSession, result, stateOf, unchanged, user } from '../../wire/dialect.ts';

export const appendCallIds = defineCase({
  id: 'append.call-ids',
  title: 'the id of a call is free again once it has been answered',
  needs: ['sessions', 'sessions.append'],
  checks: { 'again-accepted': 'append.call-ids', 'twice-at-once-refused': 'append.call-ids' },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await append(api, id, [calling('call_a'), result('call_a')]);
    await trial.check('again-accepted', async () => {
      await append(api, id, [user('Again.'), calling('call_a', 'call_b')]);
      await append(api, id, [result('call_a'), result('call_b'), calling('call_b'), result('call_b')]);
      const { session } = await stateOf(api, id);
      equal(session.usage.messages, 8, 'the messages of the window');
    });
    await trial.check('twice-at-once-refused', async () => {
      const before = await stateOf(api, id);
      refused(await api.post(`/sessions/${id}/messages`, calling('call_c', 'call_c')), 'invalid_request');
      await unchanged(api, before);
    });
  },
});
