import { z } from 'zod';
import { defineCase } from '../../core/case.ts';
import { equal, shaped } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import { Mismatch } from '../../core/verdict.ts';
import { type Choice, chats, complete, within3 } from '../../wire/completions.ts';
import { result } from '../../wire/dialect.ts';
import { ASKING_FOR_A_CALL, CALLED, callsOf, declared, ForecastArguments, jsonOf } from '../../wire/functions.ts';
import { asks, tells } from '../../wire/recall.ts';

const TRIES = 3;

const Call = z.object({
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

export const toolsCall = defineCase({
  id: 'tools.call',
  title: 'a call has the captured members, and fits what was declared',
  needs: ['chat', 'chat.tools'],
  checks: {
    shape: 'tools.call',
    'index-present': 'tools.index',
    'content-a-string': 'tools.content',
    'says-tool-calls': 'tools.finish',
    'declared-function': 'tools.declared',
    'arguments-fit': 'tools.arguments',
    'id-form': 'tools.id-form',
    'issued-accepted': 'tools.issued-ids',
  },
  cost: chats(TRIES + 1),
  async run(trial) {
    const { message, finish_reason } = await call(trial);
    const calls = callsOf(message);
    await trial.need('shape', () => shaped(z.array(Call), message.tool_calls, 'tool_calls'));
    await trial.check('index-present', () =>
      equal(
        calls.map(({ index }) => index),
        [...calls.keys()],
        'the indices',
      ),
    );
    await trial.check('content-a-string', () => equal(typeof message.content, 'string', 'the type of the content'));
    await trial.check('says-tool-calls', () => equal(finish_reason, 'tool_calls', 'finish_reason'));
    await trial.check('declared-function', () => {
      for (const made of calls) equal(made.function.name, CALLED, 'the name of the function');
    });
    await trial.check('arguments-fit', () => {
      for (const { function: made } of calls) shaped(ForecastArguments, jsonOf(made.arguments), 'arguments');
    });
    await trial.check('id-form', () => {
      equal(
        calls.map(({ id }) => id),
        calls.map((_, index) => `functions.${CALLED}:${index}`),
        'ids of the calls',
      );
    });
    await trial.check('issued-accepted', async () => {
      const results = calls.map(({ id }) => result(String(id), 'Sunny.'));
      const messages = [...ASKING_FOR_A_CALL.messages, { role: 'assistant', ...message }, ...results];
      await complete(trial, { ...ASKING_FOR_A_CALL, messages });
    });
  },
});

async function call(trial: Trial<string>): Promise<Choice> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { choice } = await complete(trial, ASKING_FOR_A_CALL);
    if (choice.message.tool_calls != null) return choice;
  }
  throw new Mismatch(`the model does not call the function that it is told to call (${TRIES} tries)`);
}

export const toolsResult = defineCase({
  id: 'tools.result',
  title: 'what a tool answers reaches the model',
  needs: ['chat', 'chat.tools'],
  checks: { read: 'tools.results' },
  cost: chats(TRIES),
  async run(trial) {
    const word = trial.nonce();
    const id = 'functions.look_up:0';
    const messages = [
      asks(),
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id, type: 'function', function: { name: 'look_up', arguments: '{}' } }],
      },
      result(id, tells(word)),
    ];
    await trial.check('read', () =>
      within3(async () => {
        const { text } = await complete(trial, { messages, tools: [declared('look_up')] });
        return text.includes(word) ? undefined : `the tool has answered ${word}, and the model says: ${text}`;
      }),
    );
  },
});
