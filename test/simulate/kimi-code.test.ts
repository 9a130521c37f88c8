import { expect, it } from 'vitest';
import { outline } from './outline.ts';
import { readOne, transcriptFolder } from './transcript-files.ts';

const { write } = transcriptFolder();

it('a log of kimi-code is read from its messages and the events of its loop', async () => {
  const loop = (event: object) => ({ type: 'context.append_loop_event', time: 1_790_000_000_000, event });
  const path = write(
    'wire.jsonl',
    { type: 'metadata', protocol_version: '1.5', created_at: 1_790_000_000_000 },
    { type: 'profile.bind', systemPrompt: 'You are Kimi.', thinkingEffort: 'high', disallowedTools: [] },
    { type: 'config.update', systemPrompt: 'You are Kimi Code.', modelAlias: 'k3' },
    {
      type: 'context.append_message',
      time: 1_790_000_000_000,
      message: { role: 'user', content: [{ type: 'text', text: 'Read a' }], toolCalls: [] },
    },
    loop({ type: 'step.begin', uuid: 's1' }),
    loop({ type: 'content.part', stepUuid: 's1', part: { type: 'think', think: 'One file.' } }),
    loop({ type: 'content.part', stepUuid: 's1', part: { type: 'text', text: 'I read it.' } }),
    loop({ type: 'tool.call', toolCallId: 't1', name: 'Read', args: { path: 'a' } }),
    loop({ type: 'tool.result', toolCallId: 't1', result: { output: 'AAA' } }),
    loop({ type: 'step.end', uuid: 's1' }),
    { type: 'usage.record', usage: {} },
    loop({ type: 'step.begin', uuid: 's2' }),
    loop({ type: 'content.part', stepUuid: 's2', part: { type: 'text', text: 'It says A.' } }),
    loop({ type: 'step.end', uuid: 's2' }),
    { type: 'config.update', systemPrompt: 'You are another.' },
    { type: 'context.apply_compaction', summary: 'A summary.', compactedCount: 3 },
  );
  expect(outline(await readOne(path))).toEqual([
    'system You are Kimi Code.',
    'user Read a',
    'assistant (One file.) I read it. t1=Read{"path":"a"}',
    'tool AAA <t1',
    'assistant It says A.',
  ]);
});

it('an undo of kimi-code takes back as many prompts of the user as it says, with all that followed them', async () => {
  const asked = (text: string, origin: object) => ({
    type: 'context.append_message',
    message: { role: 'user', content: [{ type: 'text', text }], toolCalls: [], origin },
  });
  const answered = (text: string) => ({
    type: 'context.append_message',
    message: { role: 'assistant', content: [{ type: 'text', text }], toolCalls: [] },
  });
  const path = write(
    'undone.jsonl',
    { type: 'metadata', protocol_version: '1.5', created_at: 1_790_000_000_000 },
    asked('one', { kind: 'user' }),
    answered('1'),
    asked('two', { kind: 'skill_activation', trigger: 'user-slash' }),
    answered('2'),
    asked('steered', { kind: 'user', inTurn: true }),
    answered('2a'),
    asked('reminded', { kind: 'injection' }),
    asked('three', { kind: 'user' }),
    answered('3'),
    { type: 'context.undo', count: 2 },
    asked('four', { kind: 'user' }),
    answered('4'),
    { type: 'context.undo', count: 9 },
  );
  expect(outline(await readOne(path))).toEqual(['user one', 'assistant 1', 'user four', 'assistant 4']);
});
