import { defineCase } from '../../core/case.ts';
import { equal } from '../../core/expect.ts';
import { createSession, getSession, stateOf, user } from '../../wire/dialect.ts';
import { broken, stream, written } from './stream.ts';

export const linesLimit = defineCase({
  id: 'lines.limit',
  title: 'the limit of a write holds for each line, and the window for all',
  needs: ['sessions', 'sessions.append', 'sessions.append.stream', 'tokens.estimate'],
  checks: {
    'each-line-by-itself': 'lines.limit',
    'line-over-ends': 'lines.limit',
    'most-of-a-window': 'lines.long',
    'window-over-ends': 'lines.bad-later',
    'window-over-keeps': 'lines.acknowledged-stays',
  },
  async run(trial) {
    const { api, limits, texts } = trial;
    const limit = limits.append_tokens;
    const exact = user(await texts.exactly(limit));
    const over = user(await texts.exactly(limit + 1));
    await trial.check('each-line-by-itself', async () => {
      const { id } = await createSession(api);
      const { end } = written(await stream(api, id, [exact, exact, exact]));
      equal(end.usage.total_tokens, 3 * limit, 'the usage after three lines of the largest size');
    });
    await trial.check('line-over-ends', async () => {
      const { id } = await createSession(api);
      equal(
        broken(await stream(api, id, [exact, over, exact]), 'append_too_large').length,
        1,
        'the lines acknowledged',
      );
      equal((await getSession(api, id)).usage.messages, 1, 'the messages of the window');
    });
    const { id } = await createSession(api);
    // Three fifths of a window: at the true limits, the 150K tokens that no single call may bring.
    const lines = Math.ceil((0.6 * limits.window_tokens) / limit);
    await trial.check('most-of-a-window', async () => {
      const { acknowledged, end } = written(
        await stream(
          api,
          id,
          Array.from({ length: lines }, () => exact),
        ),
      );
      equal([acknowledged.length, end.lines], [lines, lines], 'the lines acknowledged and counted');
      equal(end.usage.total_tokens, lines * limit, 'the usage at the end');
    });
    const before = await stateOf(api, id);
    const room = Math.floor(before.session.usage.remaining_tokens / limit);
    const reply = await stream(
      api,
      id,
      Array.from({ length: room + 2 }, () => exact),
    );
    await trial.check('window-over-ends', () => {
      equal(broken(reply, 'context_window_exceeded').length, room, 'the lines acknowledged');
    });
    await trial.check('window-over-keeps', async () => {
      const { messages } = await stateOf(api, id);
      equal(messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
      equal(messages.length, before.messages.length + room, 'the messages of the window');
    });
  },
});
