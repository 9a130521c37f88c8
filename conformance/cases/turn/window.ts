import { LIVE_TEXT } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { createSession, stateOf, unchanged, user } from '../../wire/dialect.ts';
import { estimated } from '../../wire/estimates.ts';
import { fillWindow } from '../../wire/fill.ts';
import { recalls, tells } from '../../wire/recall.ts';
import { sendTurn, turn } from './turn.ts';

const MAX_TOKENS = 16;
/** Room for a few questions and their answers. */
const ROOM = 256;
const QUESTIONS = 4;
const NEW = user('Say hello.');

export const turnWindow = defineCase({
  id: 'turn.window',
  title: 'a turn may take a window to its end, and reads all of it',
  needs: ['sessions', 'sessions.append', 'chat', 'tokens.estimate'],
  checks: {
    'oldest-of-full-read': 'turn.nothing-dropped',
    'over-refused': 'turn.window',
    'over-told': 'turn.window-text',
    'over-changes-nothing': 'turn.refused',
    'default-max-told': 'turn.default-max-tokens',
    'exact-accepted': 'turn.window',
    'exact-keeps-all': 'turn.nothing-dropped',
  },
  cost: ({ window_tokens, append_tokens }) => ({
    requests: 60 + 3 * Math.ceil(window_tokens / append_tokens),
    promptTokens: QUESTIONS * window_tokens,
    completionTokens: QUESTIONS * 32,
  }),
  async run(trial) {
    const { api, limits } = trial;
    const window = limits.window_tokens;
    const word = trial.nonce();
    const { id } = await createSession(api, { messages: [user(tells(word))] });
    await fillWindow(trial, id, window - ROOM);
    await trial.check('oldest-of-full-read', () => recalls(trial, { session_id: id }, word));
    const added = await estimated(trial, { messages: [NEW] });
    const full = window - added - MAX_TOKENS - 1;
    await fillWindow(trial, id, full);
    const before = await stateOf(api, id);
    const over = await sendTurn(trial, id, [NEW], { max_tokens: MAX_TOKENS + 1 });
    // Without a limit of its own, and refused: it costs nothing.
    const unlimited = await sendTurn(trial, id, [NEW], { max_tokens: undefined });
    await trial.check('over-changes-nothing', () => unchanged(api, before));
    await trial.check('over-refused', () => refused(over, 'context_window_exceeded'));
    await trial.check('over-told', () => {
      const told = LIVE_TEXT.windowExceeded(window, window + 1);
      equal(refused(over, 'context_window_exceeded'), told, 'the message');
    });
    await trial.check('default-max-told', () => {
      const told = LIVE_TEXT.windowExceeded(window, full + added + limits.max_tokens + 1);
      equal(refused(unlimited, 'context_window_exceeded'), told, 'the message without max_tokens');
    });
    await trial.check('exact-accepted', async () => {
      const { usage } = await turn(trial, id, [NEW], { max_tokens: MAX_TOKENS });
      equal(usage.prompt_tokens, full + added, 'the tokens of the prompt');
    });
    await trial.check('exact-keeps-all', async () => {
      const { messages } = await stateOf(api, id);
      equal(messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
      equal(messages.length, before.messages.length + 2, 'the messages of the window');
    });
  },
});
