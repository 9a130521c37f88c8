import { LIVE_TEXT } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { append, createSession, getSession, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';
import { fillWindow } from '../../wire/fill.ts';

const LAST = 32;

export const appendWindow = defineCase({
  id: 'append.window',
  title: 'a window can be filled exactly, and holds not one token more',
  needs: ['sessions', 'sessions.append', 'tokens.estimate'],
  checks: {
    'one-more-refused': 'append.window',
    'one-more-told': 'append.window-text',
    'one-more-changes-nothing': 'append.nothing-dropped',
    'exact-accepted': 'append.window',
    'exact-keeps-all': 'append.nothing-dropped',
    'full-refuses-any': 'append.window',
  },
  cost: (limits) => ({ requests: 60 + 3 * Math.ceil(limits.window_tokens / limits.append_tokens) }),
  async run(trial) {
    const { api, limits, texts } = trial;
    const window = limits.window_tokens;
    const { id } = await createSession(api);
    const path = `/sessions/${id}/messages`;
    const refusal = async (tokens: number) => {
      const { usage } = await getSession(api, id);
      const reply = await api.post(path, user(await texts.exactly(tokens)));
      return { reply, requested: usage.total_tokens + tokens };
    };
    await fillWindow(trial, id, window - LAST);
    const before = await stateOf(api, id);
    const { reply, requested } = await refusal(LAST + 1);
    await trial.check('one-more-changes-nothing', () => unchanged(api, before));
    await trial.check('one-more-refused', () => refused(reply, 'context_window_exceeded'));
    await trial.check('one-more-told', () => {
      equal(refused(reply, 'context_window_exceeded'), LIVE_TEXT.windowExceeded(window, requested), 'the message');
    });
    await trial.need('exact-accepted', async () => {
      const { usage } = await append(api, id, user(await texts.exactly(LAST)));
      equal([usage.total_tokens, usage.remaining_tokens], [window, 0], 'the usage of a full window');
    });
    await trial.check('exact-keeps-all', async () => {
      equal((await windowOf(api, id)).slice(0, -1), before.messages, 'the messages that stood there before');
    });
    await trial.check('full-refuses-any', async () => {
      const full = await stateOf(api, id);
      refused((await refusal(LAST)).reply, 'context_window_exceeded');
      await unchanged(api, full);
    });
  },
});
