import { defineCase } from '../../core/case.ts';
import { equal, holds, refused } from '../../core/expect.ts';
import { append, calling, createSession, result, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';

export const appendToolResults = defineCase({
  id: 'append.tool-results',
  title: 'tool calls and their results belong together',
  needs: ['sessions', 'sessions.append'],
  checks: {
    'orphan-refused': 'append.tool-result',
    'orphan-named': 'append.tool-result',
    'open-refuses-others': 'append.open-calls',
    'open-named': 'append.open-calls',
    'open-refuses-calls': 'append.open-calls',
    'open-refuses-strangers': 'append.tool-result',
    'any-order-accepted': 'append.results-in-any-order',
    'answered-twice-refused': 'append.tool-result',
    'one-write-accepted': 'append.results-in-any-order',
    'goes-on-after': 'append.open-calls',
  },
  cost: () => ({ requests: 80 }),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Look it up.')] });
    const refusal = async (message: object, code: 'tool_result_orphan' | 'tool_call_unanswered') => {
      const before = await stateOf(api, id);
      const text = refused(await api.post(`/sessions/${id}/messages`, message), code);
      await unchanged(api, before);
      return text;
    };
    await trial.check('orphan-refused', () => refusal(result('call_none'), 'tool_result_orphan'));
    await trial.check('orphan-named', async () => {
      const text = await refusal(result('call_none'), 'tool_result_orphan');
      holds(text.includes('call_none'), `the refusal names the id: ${text}`);
    });
    await append(api, id, calling('call_a', 'call_b', 'call_c'));
    await trial.check('open-refuses-others', async () => {
      await refusal(user('Never mind.'), 'tool_call_unanswered');
      await refusal({ role: 'system', content: 'Never mind.' }, 'tool_call_unanswered');
      await refusal({ role: 'assistant', content: 'Never mind.' }, 'tool_call_unanswered');
    });
    await trial.check('open-refuses-calls', () => refusal(calling('call_d'), 'tool_call_unanswered'));
    await trial.check('open-refuses-strangers', () => refusal(result('call_d'), 'tool_result_orphan'));
    await trial.need('any-order-accepted', async () => {
      await append(api, id, [result('call_c'), result('call_a')]);
    });
    await trial.check('answered-twice-refused', () => refusal(result('call_a'), 'tool_result_orphan'));
    await trial.check('open-named', async () => {
      const text = await refusal(user('Never mind.'), 'tool_call_unanswered');
      holds(text.includes('call_b'), `the refusal names the id that waits: ${text}`);
      holds(!text.includes('call_a') && !text.includes('call_c'), `it names no id that is answered: ${text}`);
    });
    await trial.check('goes-on-after', async () => {
      await append(api, id, result('call_b'));
      await append(api, id, user('Thank you.'));
      const ids = (await windowOf(api, id)).map(({ tool_call_id }) => tool_call_id);
      equal(ids, [undefined, undefined, 'call_c', 'call_a', 'call_b', undefined], 'the ids that are answered');
    });
    await trial.check('one-write-accepted', async () => {
      const write = [calling('call_d', 'call_e'), result('call_e'), result('call_d'), user('Thank you.')];
      equal((await append(api, id, write)).data.length, write.length, 'the messages written');
    });
  },
});
