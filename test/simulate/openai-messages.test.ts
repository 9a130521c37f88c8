import { describe, expect, it } from 'vitest';
import { readTranscripts } from '../../emulator/simulate/index.ts';
import { startEmulator } from '../support/emulator.ts';
import { outline } from './outline.ts';
import { readOne, transcriptFolder } from './transcript-files.ts';

const { write } = transcriptFolder();

const CHAT = [
  { role: 'system', content: 'Be brief.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Read ' },
      { type: 'text', text: 'a.txt' },
      { type: 'image_url', image_url: { url: 'data:' } },
    ],
  },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c1', type: 'function', function: { name: 'read', arguments: '{"path":"a.txt"}' } }],
  },
  { role: 'tool', tool_call_id: 'c1', content: 'seven' },
  { role: 'assistant', content: 'It says seven.' },
];
const CHAT_OUTLINE = [
  'system Be brief.',
  'user Read a.txt[image_url]',
  'assistant  c1=read{"path":"a.txt"}',
  'tool seven <c1',
  'assistant It says seven.',
];

describe('messages of the OpenAI API', () => {
  it.each([
    ['a list', 'list.json', JSON.stringify(CHAT, null, 2)],
    ['a list on one line', 'line.json', JSON.stringify(CHAT)],
    ['a request', 'request.json', JSON.stringify({ model: 'kimi-k3', messages: CHAT }, null, 1)],
    ['a request on one line', 'request.jsonl', JSON.stringify({ model: 'kimi-k3', messages: CHAT })],
    ['a message on each line', 'lines.jsonl', CHAT.map((message) => JSON.stringify(message)).join('\r\n')],
    [
      'a file with a byte order mark',
      'mark.jsonl',
      `\uFEFF${CHAT.map((message) => JSON.stringify(message)).join('\n')}`,
    ],
  ])('are read from %s', async (_, name, text) => {
    expect(outline(await readOne(write(name, text)))).toEqual(CHAT_OUTLINE);
  });

  it('are several transcripts where each line is a request', async () => {
    const path = write('many.jsonl', { messages: CHAT }, { messages: CHAT.slice(1) });
    const found = await readTranscripts([path]);
    expect(found.map(({ name, messages }) => [name, messages.length])).toEqual([
      ['many.jsonl#1', 5],
      ['many.jsonl#2', 4],
    ]);
  });

  it('are read from a context of kimi-cli, whose own records are skipped', async () => {
    const path = write(
      'context.jsonl',
      { role: '_system_prompt', content: 'You are Kimi.' },
      { role: '_checkpoint', id: 0 },
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: [
          { type: 'think', think: 'A greeting.' },
          { type: 'text', text: 'Hello.' },
        ],
      },
      { role: '_usage', token_count: 120 },
    );
    expect(outline(await readOne(path))).toEqual(['system You are Kimi.', 'user Hi', 'assistant (A greeting.) Hello.']);
  });
});

it('a state of the emulator gives the history of each of its sessions', async () => {
  const api = await startEmulator('in process', {});
  const { body } = await api.post<{ id: string }>('/v1/sessions', {
    model: 'kimi-k2-0905-preview',
    messages: [
      { role: 'user', content: 'The code is 7.' },
      { role: 'assistant', content: 'Noted.' },
    ],
  });
  await api.post('/v1/chat/completions', {
    model: 'kimi-k2-0905-preview',
    session_id: body.id,
    messages: [{ role: 'user', content: 'What is the code?' }],
  });
  const { text } = await api.get('/_emulator/export');
  expect(outline(await readOne(write('state.json', text)))).toEqual([
    'user The code is 7.',
    'assistant Noted.',
    'user What is the code?',
    'assistant 7',
  ]);
});

it('a time in seconds is one in milliseconds, and a date is read too', async () => {
  const times = [1_790_000_000, 1_790_000_000_000, '2026-09-21T14:13:20.000Z'];
  const path = write('times.jsonl', ...times.map((time) => ({ role: 'assistant', content: 'Hi', time })));
  expect((await readOne(path)).messages.map(({ at }) => at)).toEqual(times.map(() => 1_790_000_000_000));
});
