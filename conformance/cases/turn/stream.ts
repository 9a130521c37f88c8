import { CompletionUsage } from '../../../contract/chat.ts';
import { SessionState } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, shaped, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { createSession, stateOf, user } from '../../wire/dialect.ts';
import { chunksIn, ordering, sendTurn, spokenIn, turns } from './turn.ts';

const finishIn = (text: string) => chunksIn(text).find(({ choices }) => choices[0]?.finish_reason != null);

export const turnStream = defineCase({
  id: 'turn.stream',
  title: 'a streamed turn is in the session before its finish chunk is read',
  needs: ['sessions', 'chat', 'chat.stream'],
  checks: {
    'finish-names-session': 'turn.stream-session',
    'finish-as-read': 'turn.stream-session',
    'usage-after': 'turn.usage',
    'stored-as-streamed': 'turn.stored',
    'committed-at-finish': 'turn.committed-first',
    'committed-at-answer': 'turn.committed-first',
  },
  cost: turns(3),
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { messages: [user('Hello.')] });
    const order = ordering('All is well on every river and every road.');
    const reply = succeeded(await sendTurn(trial, id, [order], { stream: true }));
    const finish = finishIn(reply.text);
    const { session, messages } = await stateOf(api, id);
    await trial.check('finish-names-session', () => {
      const state = shaped(SessionState, finish?.session, 'the session on the finish chunk');
      equal(state.id, id, 'the session on the finish chunk');
    });
    await trial.check('finish-as-read', () => {
      const { version, usage } = shaped(SessionState, finish?.session, 'the session on the finish chunk');
      equal({ version, usage }, { version: session.version, usage: session.usage }, 'the session on the finish chunk');
    });
    await trial.check('usage-after', () => {
      const usage = shaped(CompletionUsage, finish?.choices[0]?.usage, 'the usage on the finish chunk');
      const expected = usage.prompt_tokens + usage.completion_tokens + 1;
      equal(session.usage.total_tokens, expected, 'the usage of the session after the turn');
    });
    await trial.check('stored-as-streamed', () => {
      equal(messages.length, 3, 'the messages of the window');
      equal(
        [messages[1]?.content, messages[2]?.content],
        [order.content, spokenIn(reply.text)],
        'the turn in the window',
      );
    });
    await trial.check('committed-at-finish', () => committed(trial, id, { stream: true }));
    await trial.check('committed-at-answer', () => committed(trial, id, {}));
  },
});

/** Reads of a turn no more than its end takes, and looks at once. */
async function committed(trial: Trial<string>, id: string, more: object): Promise<void> {
  const before = (await stateOf(trial.api, id)).messages.length;
  const order = ordering('It is done.');
  const enough = (text: string) => finishIn(text) !== undefined;
  const reply = await sendTurn(trial, id, [order], more, { enough });
  succeeded(reply);
  const { messages } = await stateOf(trial.api, id);
  equal(messages.length, before + 2, 'the messages of the window when the end has been read');
  holds(messages.at(-2)?.content === order.content, 'the new message stands before the reply');
}
