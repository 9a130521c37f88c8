import { z } from 'zod';
import { defineCase } from '../../core/case.ts';
import { shaped } from '../../core/expect.ts';
import { chats, complete, refusedChat } from '../../wire/completions.ts';
import { user } from '../../wire/dialect.ts';
import { tells } from '../../wire/recall.ts';

const SCHEMA = {
  type: 'object',
  properties: { code_word: { type: 'string' }, characters: { type: 'integer' } },
  required: ['code_word', 'characters'],
  additionalProperties: false,
};
const Fitting = z.strictObject({ code_word: z.string(), characters: z.int() });

export const chatJson = defineCase({
  id: 'chat.json',
  title: 'JSON where JSON is asked for',
  needs: ['chat', 'chat.json'],
  checks: {
    'object-valid': 'chat.json-object',
    'schema-fitted': 'chat.json-schema',
    'text-accepted': 'chat.response-format',
    'unknown-refused': 'chat.response-format',
  },
  cost: chats(4),
  async run(trial) {
    const question = 'What is the code word of the project, and how many characters has it? Reply in JSON.';
    const messages = [user(`${tells(trial.nonce())} ${question}`)];
    const jsonIn = async (response_format: object) => {
      const { text, reply } = await complete(trial, { messages, response_format });
      try {
        return { value: JSON.parse(text) as unknown, what: reply.what };
      } catch {
        return { value: text, what: `${reply.what}: a content that is no JSON` };
      }
    };
    await trial.check('object-valid', async () => {
      const { value, what } = await jsonIn({ type: 'json_object' });
      shaped(z.looseObject({}), value, what);
    });
    await trial.check('schema-fitted', async () => {
      const json_schema = { name: 'code_word', schema: SCHEMA, strict: true };
      const { value, what } = await jsonIn({ type: 'json_schema', json_schema });
      shaped(Fitting, value, what);
    });
    await trial.check('unknown-refused', () => refusedChat(trial, { response_format: { type: 'yaml' } }));
    await trial.check('text-accepted', () => complete(trial, { response_format: { type: 'text' } }));
  },
});
