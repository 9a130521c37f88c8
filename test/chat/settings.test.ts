import { expect, it } from 'vitest';
import type { Model, ModelRequest } from '../../emulator/index.ts';
import { MODEL, startEmulator } from '../support/emulator.ts';

const hi = { model: MODEL, messages: [{ role: 'user', content: 'hi' }] };

/** A model that keeps what it is asked, and says OK. */
function listening(): { model: Model; asked: ModelRequest[] } {
  const asked: ModelRequest[] = [];
  const model: Model = {
    name: 'listening',
    async *complete(request) {
      asked.push(request);
      yield { type: 'text', text: 'OK' };
    },
  };
  return { model, asked };
}

it('asks the model at temperature 0.6, for 1,024 tokens, where a request says nothing of either', async () => {
  const { model, asked } = listening();
  const api = await startEmulator('in process', { model, tokenizer: 'o200k_base' });
  await api.post('/v1/chat/completions', hi);
  await api.post('/v1/chat/completions', { ...hi, temperature: 0, max_tokens: 7 });
  expect(asked.map(({ temperature, maxTokens }) => [temperature, maxTokens])).toEqual([
    [0.6, 1_024],
    [0, 7],
  ]);
});

it.each([
  ['kimi-k3', {}, 1],
  ['kimi-k3', { thinking: { type: 'disabled' } }, 1],
  ['kimi-k2.6', {}, 1],
  ['kimi-k2.6', { thinking: { type: 'disabled' } }, 0.6],
])('asks %s at the temperature that it fixes: %j', async (name, more, temperature) => {
  const { model, asked } = listening();
  const api = await startEmulator('in process', { model, tokenizer: 'o200k_base' });
  await api.post('/v1/chat/completions', { ...hi, ...more, model: name });
  expect(asked.map((request) => request.temperature)).toEqual([temperature]);
});
