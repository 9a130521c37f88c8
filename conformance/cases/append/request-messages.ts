import { defineCase } from '../../core/case.ts';
import { holds, refused, succeeded } from '../../core/expect.ts';
import { createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';

export const appendRequestMessages = defineCase({
  id: 'append.request-messages',
  title: 'a write of more messages than are allowed is refused for their number',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: { 'most-not-refused-for-it': 'append.request-messages', 'one-more-refused': 'append.request-messages' },
  async run(trial) {
    const { api, limits, texts } = trial;
    const { id } = await createSession(api);
    const before = await stateOf(api, id);
    const write = (count: number) =>
      api.post(`/sessions/${id}/messages`, { messages: Array.from({ length: count }, () => user('a')) });
    await trial.check('one-more-refused', async () => {
      const message = refused(await write(limits.request_messages + 1), 'invalid_request', { param: 'messages' });
      holds(message.includes(String(limits.request_messages)), `the refusal names the limit: ${message}`);
      await unchanged(api, before);
    });
    await trial.check('most-not-refused-for-it', async () => {
      const tokens = limits.request_messages * (await texts.tokensOf('a'));
      const reply = await write(limits.request_messages);
      if (tokens <= limits.append_tokens) succeeded(reply);
      else refused(reply, 'append_too_large');
    });
  },
});
