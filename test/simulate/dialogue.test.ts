import { expect, it } from 'vitest';
import { toDialogue } from '../../emulator/simulate/transcript.ts';

it('rounds are what a server accepts: orphans and silence are left out, missing results are filled in, and all of it is noted', () => {
  const call = (id: string) => ({ id, type: 'function' as const, function: { name: 'read', arguments: '{}' } });
  const dialogue = toDialogue({
    name: 'odd',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'tool', content: 'from before', tool_call_id: 'gone' },
      { role: 'user', content: '' },
      { role: 'user', content: 'Read two files.', at: 5_000 },
      { role: 'assistant', content: '', reasoning_content: 'Two.' },
      { role: 'assistant', content: '', tool_calls: [call('a'), call('b')], at: 6_000 },
      { role: 'user', content: 'Stop.', at: 9_000 },
      { role: 'tool', content: '', tool_call_id: 'b', at: 8_000 },
      { role: 'assistant', content: 'Stopped.' },
      { role: 'user', content: 'Nobody answers this.' },
    ],
  });
  expect(dialogue.instructions).toEqual([{ role: 'system', content: 'Be brief.' }]);
  expect(
    dialogue.rounds.map(({ input, answer, at }) => [
      at,
      ...input.map((one) => `${one.tool_call_id ?? one.role}: ${one.content}`),
      answer.tool_calls?.map(({ id }) => id),
    ]),
  ).toEqual([
    [0, 'user: Read two files.', ['call_0', 'call_1']],
    [4_000, 'call_1: [empty]', 'call_0: [no result was recorded]', 'user: Stop.', undefined],
  ]);
  expect(dialogue.rounds[0]?.answer.reasoning_content).toBe('Two.');
  expect(dialogue.notes).toEqual([
    '1 result of a tool without its call left out',
    '1 call got the result of none',
    '1 message without text left out',
    '1 message behind the last answer left out',
  ]);
});
