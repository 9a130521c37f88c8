import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { MODEL, startEmulator } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import { O200K } from '../support/session.ts';
import { anyValue, expectNoDefect } from './anything.ts';

/** Where text is expected stands what cannot be made text. */
const NO_TEXT = [{ toString: 0 }];
const SCHEMAS = [
  { $ref: NO_TEXT },
  { type: 'object', required: NO_TEXT, properties: { a: { enum: [NO_TEXT, { toString: 0 }, null] } } },
  { type: 'object', dependentRequired: { a: NO_TEXT }, properties: { a: { const: 1 } }, required: ['a'] },
  { type: NO_TEXT, pattern: NO_TEXT, format: NO_TEXT, multipleOf: NO_TEXT, minLength: NO_TEXT },
];

it('the default model answers any chat request', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const api = await startEmulator('in process', { tokenizer: O200K });
  const ids = { session: 'sess_none', snapshot: 'snap_none', message: 'msg_none' };
  const value = anyValue(ids);
  const request = fc.record(
    {
      messages: fc.array(
        fc.record({
          role: fc.constantFrom('user', 'system', 'assistant'),
          content: fc.string({ unit: 'binary', minLength: 1 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      response_format: fc.record({
        type: fc.constant('json_schema'),
        json_schema: fc.record({
          name: fc.constant('x'),
          schema: fc.dictionary(
            fc.constantFrom('type', 'properties', 'items', 'enum', '$ref', 'pattern', 'anyOf', 'required', '__proto__'),
            value,
          ),
        }),
      }),
      tools: fc.array(
        fc.record({
          type: fc.constant('function'),
          function: fc.record({
            name: fc.constant('look'),
            parameters: fc.dictionary(fc.constantFrom('type', 'properties', 'required', 'enum'), value),
          }),
        }),
        { minLength: 1, maxLength: 1 },
      ),
      tool_choice: fc.constantFrom('required', 'auto', 'none'),
      stream: fc.boolean(),
      stop: fc.string({ unit: 'binary', maxLength: 4 }),
      max_tokens: fc.integer({ min: 1, max: 40 }),
    },
    { requiredKeys: ['messages'] },
  );
  const examples = SCHEMAS.map((schema): [object] => {
    const messages = [{ role: 'user' as const, content: 'a is null' }];
    return [{ messages, response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }];
  });
  const property = fc.asyncProperty(request as fc.Arbitrary<object>, async (more) => {
    const reply = await api.post('/v1/chat/completions', { model: MODEL, ...more });
    expectNoDefect(reply);
    expect(reply.text).not.toContain('unexpected_output');
  });
  await fc.assert(property, { numRuns: runs(80), examples });
  expect(log).not.toHaveBeenCalled();
  log.mockRestore();
});
