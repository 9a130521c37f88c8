import { describe, expect, it } from 'vitest';
import { startEmulator, TRANSPORTS } from './emulator.ts';
import { saying } from './held-model.ts';
import { O200K } from './session.ts';

export const K3 = ['kimi-k3', 'kimi-k3.1-pro'];
export const K27 = ['kimi-k2.7-code', 'kimi-k2.7-code-highspeed'];
export const SWITCHABLE = ['kimi-k2.6', 'kimi-k2.5'];
export const ARTICLE = ['kimi-k2-0905-preview'];
export const FIXED = [...K3, ...K27, ...SWITCHABLE];
export const TODAY = [...FIXED];

export const tool = (
  name: unknown = 'get_weather',
  parameters: unknown = { type: 'object', properties: {} },
  more = {},
) => ({
  type: 'function',
  function: { name, parameters, ...more },
});
export const user = { role: 'user', content: 'hi' };
export const badSchema = { type: 'object', properties: { pair: { type: 'array', items: false } } };
export const person = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };

/** What stands in a message that is refused: the whole text where it is the live API's, a part where it is ours. */
type Refused = string | RegExp;
export type Row = [fact: string, models: readonly string[], body: object, refused?: Refused];

/** Tests each fact in a chat of each of its models, in process and over HTTP, answered at once and streamed. */
export function testFacts(rows: readonly Row[]): void {
  const facts = rows.map(
    ([fact, models, body, refused]): [string, string, readonly string[], object, Refused | undefined] => [
      models.join(', '),
      fact,
      models,
      body,
      refused,
    ],
  );
  describe.each(TRANSPORTS)('a chat %s', (transport) => {
    describe.each([
      ['answered at once', false],
      ['streamed', true],
    ])('%s', (_, stream) => {
      it.each(facts)('%s: %s', async (_models, _fact, models, body, refused) => {
        const api = await startEmulator(transport, { tokenizer: O200K, model: saying('{}') });
        for (const model of models) {
          const request = { messages: [user], max_tokens: 64, ...body, model, stream };
          const reply = await api.post('/v1/chat/completions', request);
          if (refused === undefined) {
            expect([model, reply.status], reply.text).toEqual([model, 200]);
            if (stream) expect(reply.text).toMatch(/data: \[DONE\]\n\n$/);
          } else {
            expect([model, reply.status], reply.text).toEqual([model, 400]);
            const message = expect.stringMatching(typeof refused === 'string' ? literal(refused) : refused);
            expect(reply.body).toEqual({ error: { message, type: 'invalid_request_error' } });
          }
        }
      });
    });
  });
}

function literal(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}
