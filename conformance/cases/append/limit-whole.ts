import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, refused } from '../../core/expect.ts';
import { append, createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';

const PARTS = 4;

export const appendLimitWhole = defineCase({
  id: 'append.limit-whole',
  title: 'the limit holds for the messages of a write together, at creation too',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'sum-accepted': 'append.limit-whole',
    'sum-over-refused': 'append.limit-whole',
    'create-accepted': 'append.on-create',
    'create-over-refused': 'append.on-create',
  },
  async run(trial) {
    const { api, texts, limits } = trial;
    const part = Math.floor(limits.append_tokens / PARTS);
    const last = limits.append_tokens - (PARTS - 1) * part;
    const parts = Array.from({ length: PARTS - 1 }, () => part);
    const write = (tokens: number[]) => Promise.all(tokens.map(async (count) => user(await texts.exactly(count))));
    const exact = await write([...parts, last]);
    const over = await write([...parts, last + 1]);
    const { id } = await createSession(api);
    await trial.check('sum-accepted', async () => {
      equal((await append(api, id, exact)).tokens, limits.append_tokens, 'the tokens of the largest write');
    });
    await trial.check('sum-over-refused', async () => {
      const before = await stateOf(api, id);
      refused(await api.post(`/sessions/${id}/messages`, { messages: over }), 'append_too_large');
      await unchanged(api, before);
    });
    await trial.check('create-accepted', async () => {
      const { usage } = answered(await api.post('/sessions', { messages: exact }), Session);
      equal(usage.total_tokens, limits.append_tokens, 'the usage of a session created with the largest write');
    });
    await trial.check('create-over-refused', async () => {
      refused(await api.post('/sessions', { messages: over }), 'append_too_large');
    });
  },
});
