import { expect, it } from 'vitest';
import { outline } from './outline.ts';
import { readOne, transcriptFolder } from './transcript-files.ts';

const { write } = transcriptFolder();

it('a log of Codex is read with its calls, custom calls and instructions', async () => {
  const item = (payload: object) => ({ timestamp: '2026-04-01T08:00:00.000Z', type: 'response_item', payload });
  const said = (role: string, type: string, text: string) => item({ type: 'message', role, content: [{ type, text }] });
  const path = write(
    'rollout-2026-04-01.jsonl',
    {
      timestamp: '2026-04-01T08:00:00.000Z',
      type: 'session_meta',
      payload: { id: 'x', cwd: '/w', cli_version: '0.120.0', base_instructions: { text: 'You are Codex.' } },
    },
    said('developer', 'input_text', 'Sandboxed.'),
    said('user', 'input_text', 'List, then patch.'),
    {
      timestamp: '2026-04-01T08:00:01.000Z',
      type: 'event_msg',
      payload: { type: 'user_message', message: 'List, then patch.' },
    },
    { timestamp: '2026-04-01T08:00:01.000Z', type: 'turn_context', payload: { model: 'some' } },
    item({ type: 'reasoning', summary: [{ type: 'summary_text', text: 'First ls.' }], encrypted_content: 'AAAA' }),
    item({ type: 'function_call', name: 'shell', arguments: '{"command":["ls"]}', call_id: 'c1' }),
    item({ type: 'function_call_output', call_id: 'c1', output: 'a.txt' }),
    item({
      type: 'custom_tool_call',
      name: 'apply_patch',
      input: '*** Begin Patch',
      call_id: 'c2',
      status: 'completed',
    }),
    item({ type: 'custom_tool_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'patched' }] }),
    { timestamp: '2026-04-01T08:00:02.000Z', type: 'compacted', payload: { message: 'A summary.' } },
    said('assistant', 'output_text', 'Done.'),
  );
  expect(outline(await readOne(path))).toEqual([
    'system You are Codex.',
    'system Sandboxed.',
    'user List, then patch.',
    'assistant (First ls.)  c1=shell{"command":["ls"]}',
    'tool a.txt <c1',
    'assistant  c2=apply_patch{"input":"*** Begin Patch"}',
    'tool patched <c2',
    'assistant Done.',
  ]);
});
