import type { ErrorCode } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { equal, refused } from '../../core/expect.ts';
import { within3 } from '../../wire/completions.ts';
import { append, calling, createSession, result, stateOf, unchanged, user, windowOf } from '../../wire/dialect.ts';
import { asks, tells } from '../../wire/recall.ts';
import { ANSWER_TOKENS, ended, sendTurn, turn, turns } from './turn.ts';

export const turnLimit = defineCase({
  id: 'turn.limit',
  title: 'the new messages of a turn are one write',
  needs: ['sessions', 'chat', 'tokens.estimate'],
  checks: {
    'over-refused': 'turn.limit',
    'sum-over-refused': 'turn.limit',
    'over-changes-nothing': 'turn.refused',
    'exact-accepted': 'turn.limit',
    'empty-refused': 'turn.empty-content',
    'empty-changes-nothing': 'turn.refused',
  },
  cost: ({ append_tokens }) => ({ promptTokens: append_tokens + 256, completionTokens: ANSWER_TOKENS }),
  async run(trial) {
    const { api, limits, texts } = trial;
    const limit = limits.append_tokens;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const before = await stateOf(api, id);
    const half = Math.floor(limit / 2);
    const over = await sendTurn(trial, id, [user(await texts.exactly(limit + 1))]);
    const sum = await sendTurn(trial, id, [
      user(await texts.exactly(half)),
      user(await texts.exactly(limit - half + 1)),
    ]);
    await trial.check('over-refused', () => refused(over, 'append_too_large'));
    await trial.check('sum-over-refused', () => refused(sum, 'append_too_large'));
    await trial.check('over-changes-nothing', () => unchanged(api, before));
    const empty = await sendTurn(trial, id, [user('Hello.'), user('')]);
    await trial.check('empty-refused', () => refused(empty, 'invalid_request'));
    await trial.check('empty-changes-nothing', () => unchanged(api, before));
    await trial.check('exact-accepted', async () => {
      const { usage } = await turn(trial, id, [user(await texts.exactly(limit))]);
      const expected = before.session.usage.total_tokens + limit + 3;
      equal(usage.prompt_tokens, expected, 'the prompt of the largest turn');
    });
  },
});

export const turnNoMessages = defineCase({
  id: 'turn.no-messages',
  title: 'a turn may be about what already stands in the window',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'empty-window-refused': 'turn.no-messages',
    'answers-the-window': 'turn.no-messages',
    'prompt-is-the-window': 'turn.prompt-tokens',
    'reply-alone-stored': 'turn.stored',
  },
  cost: turns(8),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api);
    await trial.check('empty-window-refused', async () => {
      const before = await stateOf(api, id);
      refused(await sendTurn(trial, id, []), 'invalid_request', { param: 'messages' });
      await unchanged(api, before);
    });
    const word = trial.nonce();
    await append(api, id, [user(tells(word)), asks()]);
    const before = await stateOf(api, id);
    const { content: said, usage } = await turn(trial, id, []);
    let content = said;
    await trial.check('prompt-is-the-window', () => {
      equal(usage.prompt_tokens, before.session.usage.total_tokens + 3, 'the tokens of the prompt');
    });
    await trial.check('reply-alone-stored', async () => {
      const stored = (await windowOf(api, id)).slice(before.messages.length);
      equal(
        stored.map(({ role, content: text }) => [role, text]),
        [['assistant', said]],
        'what a turn without messages adds to the window',
      );
    });
    await trial.check('answers-the-window', () =>
      within3(async () => {
        if (content.includes(word)) return undefined;
        await append(api, id, asks());
        ({ content } = await turn(trial, id, []));
        return `the model was told ${word} and does not know it: ${content}`;
      }),
    );
  },
});

export const turnPairing = defineCase({
  id: 'turn.pairing',
  title: 'a turn leaves no call unanswered',
  needs: ['sessions', 'sessions.append', 'chat'],
  checks: {
    'open-calls-refused': 'turn.pairing',
    'other-messages-refused': 'turn.pairing',
    'some-results-refused': 'turn.pairing',
    'stranger-refused': 'turn.pairing',
    'refusals-change-nothing': 'turn.refused',
    'results-accepted': 'turn.pairing',
  },
  cost: turns(1),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Look it up.'), calling('call_a', 'call_b')] });
    const before = await stateOf(api, id);
    const refusal = async (messages: object[], code: ErrorCode) => refused(await sendTurn(trial, id, messages), code);
    await trial.check('open-calls-refused', () => refusal([], 'tool_call_unanswered'));
    await trial.check('other-messages-refused', () => refusal([user('Never mind.')], 'tool_call_unanswered'));
    await trial.check('some-results-refused', () => refusal([result('call_b')], 'tool_call_unanswered'));
    await trial.check('stranger-refused', () => refusal([result('call_c')], 'tool_result_orphan'));
    await trial.check('refusals-change-nothing', () => unchanged(api, before));
    await trial.check('results-accepted', async () => {
      const reply = await sendTurn(trial, id, [result('call_b'), result('call_a'), user('Say hello.')]);
      equal(ended(reply).session.usage.messages, 6, 'the messages of the window');
    });
  },
});
