import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChatMessage } from '../../contract/messages.ts';
import { chained, fingerprint } from '../../emulator/billing/prefix-cache.ts';

const call = (id: string, name: string, args: string) => ({
  id,
  type: 'function' as const,
  function: { name, arguments: args },
});

test('the fingerprint of a message depends on every part that a model reads', () => {
  const messages: ChatMessage[] = [
    { role: 'user', content: 'hi' },
    { role: 'system', content: 'hi' },
    { role: 'user', content: 'hi ' },
    { role: 'user', content: 'hi', name: 'eve' },
    { role: 'user', content: 'hieve' },
    { role: 'assistant', content: 'hi' },
    { role: 'assistant', content: null },
    { role: 'assistant', content: '' },
    { role: 'assistant', content: '', reasoning_content: '' },
    { role: 'assistant', content: '', reasoning_content: 'hi' },
    { role: 'system', content: '', tools: [{ type: 'function', function: { name: 'f' } }] },
    { role: 'system', content: '', tools: [{ type: 'function', function: { name: 'g' } }] },
    { role: 'assistant', content: null, tool_calls: [call('f:0', 'f', '{}')] },
    { role: 'assistant', content: null, tool_calls: [call('f:1', 'f', '{}')] },
    { role: 'assistant', content: null, tool_calls: [call('f:0', 'f', '{ }')] },
    { role: 'tool', content: 'hi', tool_call_id: 'f:0' },
    { role: 'tool', content: 'hi', tool_call_id: 'f:1' },
  ];
  expect(new Set(messages.map(fingerprint)).size).toBe(messages.length);
});

test('the fingerprint of text in parts equals that of the joined text', () => {
  const parts: ChatMessage = {
    role: 'user',
    content: [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ],
  };
  expect(fingerprint(parts)).toBe(fingerprint({ role: 'user', content: 'ab' }));
});

test('a fingerprint is an integer, and hardly ever shared by different texts', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }), (a, b) => {
      const [one, two] = [a, b].map((content) => fingerprint({ role: 'user', content }));
      expect(one === two).toBe(a === b);
      expect(Number.isSafeInteger(one) && Number(one) >= 0).toBe(true);
    }),
  );
  const many = new Set(
    Array.from({ length: 20_000 }, (_, index) => fingerprint({ role: 'user', content: `${index}` })),
  );
  expect(many.size).toBe(20_000);
});

test('a chained fingerprint depends on the order', () => {
  const [a, b] = ['a', 'b'].map((content) => fingerprint({ role: 'user', content }));
  expect(chained(a ?? 0, b ?? 0)).not.toBe(chained(b ?? 0, a ?? 0));
});
