import { z } from 'zod';
import { FinishReason } from '../../../contract/chat.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, shaped } from '../../core/expect.ts';
import { chats, complete, orders, soundUsage } from '../../wire/completions.ts';

const Completion = z.object({
  id: z.string().min(1),
  object: z.literal('chat.completion'),
  model: z.string().min(1),
  choices: z.array(z.unknown()).length(1),
  usage: z.object(),
});
const Choice = z.object({
  index: z.literal(0),
  message: z.object({ role: z.literal('assistant'), content: z.string() }),
  finish_reason: FinishReason,
});
/** From 2001 to 2286: whatever is no number of seconds lies outside. */
const UnixSeconds = z.int().min(1_000_000_000).max(9_999_999_999);

export const chatShape = defineCase({
  id: 'chat.shape',
  title: 'an answer has the captured members',
  needs: ['chat'],
  checks: {
    completion: 'chat.completion',
    'created-in-seconds': 'chat.created',
    choice: 'chat.choice',
    'usage-sum': 'chat.usage',
    'id-form': 'chat.id-form',
    'model-echoed': 'chat.model-echo',
  },
  cost: chats(1),
  async run(trial) {
    const { reply, choice, usage } = await complete(trial, { messages: orders(trial.nonce()) });
    const body = (reply.json ?? {}) as Record<string, unknown>;
    await trial.check('completion', () => shaped(Completion, body, reply.what));
    await trial.check('created-in-seconds', () => shaped(UnixSeconds, body.created, 'created'));
    await trial.check('choice', () => shaped(Choice, choice, 'choices.0'));
    await trial.check('usage-sum', () => soundUsage(usage, 'usage'));
    await trial.check('id-form', () =>
      holds(/^chatcmpl-[0-9a-f]{24}$/.test(String(body.id)), `the id ${body.id} is of another form`),
    );
    await trial.check('model-echoed', () => equal(body.model, trial.target.model, 'model'));
  },
});

export const chatAlias = defineCase({
  id: 'chat.alias',
  title: 'the short name of the model means the same model',
  needs: ['chat'],
  checks: { accepted: 'chat.model-alias', echoed: 'chat.model-echo' },
  cost: chats(2),
  async run(trial) {
    const model = 'kimi-k2-0905';
    await trial.need('accepted', () => complete(trial, { model }));
    await trial.check('echoed', async () => {
      const { reply } = await complete(trial, { model });
      equal((reply.json as { model?: unknown }).model, model, 'model');
    });
  },
});
