// npx vitest run examples. In your project the import is 'kimi-emulator/vitest'.
import { expect } from 'vitest';
import { test } from '../emulator/vitest.ts';

test('retries after the rate limit', async ({ emulator, client }) => {
  emulator.faults.add({ operation: 'createChatCompletion', effect: 'error', code: 'rpm_limit', times: 1 });
  const messages = [{ role: 'user' as const, content: 'Reply with only: hello' }];
  const answer = await client.chat.completions.create({ model: 'kimi-k3', messages }, { maxRetries: 1 });
  expect(answer.choices[0]?.message.content).toBe('hello');
  expect(emulator.journal.entries()).toHaveLength(2);
});
