import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, succeeded } from '../../core/expect.ts';
import { append, createSession, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';

export const appendLimit = defineCase({
  id: 'append.limit',
  title: 'a write of append_tokens is accepted, one token more is refused',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'exact-accepted': 'append.limit',
    'exact-stored-whole': 'append.content',
    'over-refused': 'append.limit',
    'over-changes-nothing': 'append.atomic',
    'over-named': 'append.limit-named',
    'accepted-after': 'append.limit',
  },
  async run(trial) {
    const { api, texts } = trial;
    const limit = trial.limits.append_tokens;
    const { id } = await createSession(api);
    const exact = await texts.exactly(limit);
    await trial.need('exact-accepted', async () => {
      equal((await append(api, id, user(exact))).tokens, limit, 'the tokens of the largest write');
    });
    await trial.check('exact-stored-whole', async () => {
      equal((await windowOf(api, id))[0]?.content, exact, 'the content of the largest write');
    });
    const before = await stateOf(api, id);
    const reply = await api.post(`/sessions/${id}/messages`, user(await texts.exactly(limit + 1)));
    await trial.check('over-changes-nothing', () => unchanged(api, before));
    await trial.check('over-refused', () => refused(reply, 'append_too_large'));
    await trial.check('over-named', () => {
      const message = refused(reply, 'append_too_large');
      for (const tokens of [limit, limit + 1]) {
        holds(new RegExp(`\\b${tokens}\\b`).test(message), `the refusal names ${tokens}: ${message}`);
      }
    });
    await trial.check('accepted-after', async () => {
      succeeded(await api.post(`/sessions/${id}/messages`, user(exact)));
    });
  },
});
