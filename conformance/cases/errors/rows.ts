import { z } from 'zod';
import { LIVE_TEXT } from '../../../contract/errors.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, refused, shaped } from '../../core/expect.ts';
import { chats, complete, refusedChat, send, soundUsage } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';

const UNKNOWN = 'kimi-conformance-no-such-model';
const EMPTY = [user('')];
const WINDOW_TEXT = /^Invalid request: Your request exceeded model token limit: (\d+) \(requested: (\d+)\)$/;
/** What is wrong with a request, by the field that is to be named. */
const WRONG: Record<string, object> = {
  temperature: { temperature: 'hot' },
  messages: { messages: 'Hello' },
  max_tokens: { max_tokens: 1.5 },
  stop: { stop: 7 },
};

export const errorsRows = defineCase({
  id: 'errors.rows',
  title: 'the refusals of a chat, in the live words',
  needs: ['chat'],
  checks: {
    'model-not-found': 'errors.model-not-found',
    'content-empty': 'errors.content-empty',
    'earlier-content-empty': 'errors.content-empty',
    'wrong-field-named': 'errors.invalid-request',
    'no-code-no-param': 'errors.envelope',
    'next-accepted': 'chat.completion',
  },
  cost: chats(11),
  async run(trial) {
    await trial.check('model-not-found', async () => {
      const message = refused(await send(trial, { model: UNKNOWN }), 'model_not_found');
      equal(message, LIVE_TEXT.modelNotFound(UNKNOWN), 'the message');
    });
    await trial.check('content-empty', async () => {
      equal(refused(await send(trial, { messages: EMPTY }), 'content_empty'), LIVE_TEXT.contentEmpty, 'the message');
    });
    await trial.check('earlier-content-empty', async () => {
      const messages = [...EMPTY, user('Hello')];
      equal(refused(await send(trial, { messages }), 'content_empty'), LIVE_TEXT.contentEmpty, 'the message');
    });
    await trial.check('wrong-field-named', async () => {
      for (const [field, body] of Object.entries(WRONG)) {
        const message = await refusedChat(trial, body);
        holds(message.startsWith('Invalid request: '), `the message begins otherwise: ${message}`);
        holds(message.includes(field), `${field} is wrong, and not named: ${message}`);
      }
    });
    await trial.check('no-code-no-param', async () => {
      for (const body of [{ model: UNKNOWN }, { messages: EMPTY }, { temperature: 'hot' }]) {
        const { json, what } = await send(trial, body);
        const { error } = shaped(z.looseObject({ error: z.looseObject({}) }), json, what);
        holds(!('code' in error) && !('param' in error), `an error has a code or a param: ${JSON.stringify(error)}`);
      }
    });
    await trial.check('next-accepted', () => complete(trial));
  },
});

export const errorsWindow = defineCase({
  id: 'errors.window',
  title: 'more than the window is refused in the live words',
  needs: ['chat'],
  checks: { 'text-exact': 'errors.window', 'sum-requested': 'errors.window-requested', 'next-accepted': 'chat.window' },
  cost: ({ window_tokens }) => chats(2, { completionTokens: window_tokens + 64 })(),
  async run(trial) {
    const { window_tokens } = trial.limits;
    const most = window_tokens + 1;
    const message = refused(await send(trial, { max_tokens: most }), 'context_window_exceeded', { bare: true });
    const [, limit, requested] = WINDOW_TEXT.exec(message) ?? [];
    await trial.check('text-exact', () => {
      holds(limit !== undefined, `the message is worded otherwise: ${message}`);
      equal(Number(limit), window_tokens, 'the window that the message names');
    });
    let prompt = 0;
    await trial.need('next-accepted', async () => {
      prompt = soundUsage((await complete(trial)).usage, 'usage').prompt_tokens;
    });
    await trial.check('sum-requested', () => equal(Number(requested), prompt + most, 'the tokens requested'));
  },
});
