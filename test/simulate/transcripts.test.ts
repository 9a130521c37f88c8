import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { readTranscripts, type Simulation, type Transcript } from '../../emulator/simulate/index.ts';
import { toDialogue } from '../../emulator/simulate/transcript.ts';
import { run } from '../cli/server-process.ts';
import { startEmulator } from '../support/emulator.ts';
import { outline } from './outline.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'transcripts-'));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

function write(name: string, ...records: readonly (object | string)[]): string {
  const path = join(FOLDER, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(
    path,
    records.map((record) => (typeof record === 'string' ? record : `${JSON.stringify(record)}\n`)).join(''),
  );
  return path;
}

async function readOne(path: string): Promise<Transcript> {
  const [found, ...more] = await readTranscripts([path], (line) => expect.fail(line));
  if (!found || more.length > 0) throw new Error(`${more.length + 1} transcripts in ${path}`);
  return found;
}

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

/** A record of Claude Code. */
function claude(uuid: string, parentUuid: string | null, type: string, message: object, more: object = {}) {
  const time = `2026-03-01T10:00:${uuid.replace(/\D/g, '').padStart(2, '0')}.000Z`;
  return {
    parentUuid,
    isSidechain: false,
    sessionId: 's',
    version: '2.1.1',
    type,
    message,
    uuid,
    timestamp: time,
    ...more,
  };
}

const block = (type: string, rest: object) => ({ type, ...rest });

describe('a log of Claude Code', () => {
  const use = (id: string, path: string) => block('tool_use', { id, name: 'Read', input: { path } });
  const result = (id: string, content: unknown) => ({
    role: 'user',
    content: [block('tool_result', { tool_use_id: id, content })],
  });
  const answer = (id: string, content: object[]) => ({ role: 'assistant', id, model: 'some', content });

  it('is read with answers that stand in several records, results between them, and without sub-agents', async () => {
    const path = write(
      'claude.jsonl',
      { type: 'summary', summary: 'A title', leafUuid: 'u7' },
      { type: 'file-history-snapshot', messageId: 'x', snapshot: {} },
      claude('u1', null, 'user', { role: 'user', content: 'Read both.' }),
      claude('u2', 'u1', 'assistant', answer('m1', [block('thinking', { thinking: 'Two files.', signature: 's' })])),
      claude('u3', 'u2', 'assistant', answer('m1', [use('t1', 'a')])),
      claude('u4', 'u3', 'user', result('t1', 'AAA')),
      claude('u5', 'u3', 'assistant', answer('m1', [use('t2', 'b')])),
      claude('u6', 'u5', 'user', result('t2', [block('text', { text: 'BBB' }), block('image', { source: {} })])),
      claude('u7', 'u6', 'assistant', answer('m2', [block('text', { text: 'A and B.' })])),
      claude('u9', 'u1', 'user', { role: 'user', content: 'A sub-agent.' }, { isSidechain: true }),
    );
    const found = await readOne(path);
    expect(outline(found)).toEqual([
      'user Read both.',
      'assistant (Two files.)  t1=Read{"path":"a"} t2=Read{"path":"b"}',
      'tool AAA <t1',
      'tool BBB[image] <t2',
      'assistant A and B.',
    ]);
    expect(found.messages.map(({ at }) => at)[0]).toBe(Date.UTC(2026, 2, 1, 10, 0, 1));
  });

  it('is the branch that ends last: what was said before a question was asked anew is left out', async () => {
    const path = write(
      'branch.jsonl',
      claude('u1', null, 'user', { role: 'user', content: 'Hi' }),
      claude('u2', 'u1', 'assistant', answer('m1', [block('text', { text: 'Hello.' })])),
      claude('u3', 'u2', 'user', { role: 'user', content: 'A wrong turn' }),
      claude('u4', 'u3', 'assistant', answer('m2', [block('text', { text: 'Left behind.' })])),
      claude('u5', 'u2', 'user', { role: 'user', content: 'Another' }),
      claude('u6', 'u5', 'assistant', answer('m3', [block('text', { text: 'Kept.' })])),
    );
    expect(outline(await readOne(path))).toEqual(['user Hi', 'assistant Hello.', 'user Another', 'assistant Kept.']);
  });

  it('is read through a compaction as it was before it, without the summary', async () => {
    const path = write(
      'compacted.jsonl',
      claude('u1', null, 'user', { role: 'user', content: 'Hi' }),
      claude('u2', 'u1', 'assistant', answer('m1', [block('text', { text: 'Hello.' })])),
      {
        type: 'system',
        subtype: 'compact_boundary',
        uuid: 'u3',
        parentUuid: null,
        logicalParentUuid: 'u2',
        version: '2.1.1',
      },
      claude('u4', 'u3', 'user', { role: 'user', content: 'This session goes on from…' }, { isCompactSummary: true }),
      claude('u5', 'u4', 'user', { role: 'user', content: 'Go on' }),
      claude('u6', 'u5', 'assistant', answer('m2', [block('text', { text: 'On.' })])),
    );
    expect(outline(await readOne(path))).toEqual(['user Hi', 'assistant Hello.', 'user Go on', 'assistant On.']);
  });
});

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

it('a time in seconds is one in milliseconds, and a date is read too', async () => {
  const times = [1_790_000_000, 1_790_000_000_000, '2026-09-21T14:13:20.000Z'];
  const path = write('times.jsonl', ...times.map((time) => ({ role: 'assistant', content: 'Hi', time })));
  expect((await readOne(path)).messages.map(({ at }) => at)).toEqual(times.map(() => 1_790_000_000_000));
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

const GOOD = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello.' },
];

/** Files that hold no transcript, each with its one line. */
const FAULTY: [name: string, text: string, line: RegExp][] = [
  ['empty.jsonl', '', /: is empty$/],
  ['prose.json', 'Dear diary,\n', /: is neither JSON nor JSONL$/],
  ['cut.json', '[{"role":"user","content":"Hi"},', /: the JSON ends too early: is it cut off\?$/],
  ['cut-in-text.json', '[{"role":"user","content":"Hi th', /: the JSON ends too early: is it cut off\?$/],
  ['other.json', '{"name":"package","version":"1.0.0"}', /: is not a transcript: known are messages/],
  ['number.json', '7', /: is not a transcript: neither an object nor a list/],
  [
    'role.jsonl',
    '{"role":"robot","content":"Hi"}\n',
    /: line 1: message\.role must be one of system, user, assistant, tool, not robot$/,
  ],
  ['broken.jsonl', `${JSON.stringify(GOOD[0])}\n{"role":\n${JSON.stringify(GOOD[1])}\n`, /: line 2 is not JSON$/],
  ['silent.jsonl', `${JSON.stringify(GOOD[0])}\n`, /: holds no answer of an assistant$/],
  [
    'newer-wire.jsonl',
    '{"type":"metadata","protocol_version":"1.9","created_at":1}\n',
    /: is a log of kimi-code in version 1\.9; known are 1\.0 to 1\.5$/,
  ],
  [
    'newer-claude.jsonl',
    `${JSON.stringify(claude('u1', null, 'user', { role: 'user', content: 'Hi' }, { version: '3.0.0' }))}\n`,
    /: line 1: was written by Claude Code 3\.0\.0; versions 1 and 2 are known$/,
  ],
  [
    'newer-codex.jsonl',
    '{"timestamp":"x","type":"session_meta","payload":{"cli_version":"1.0.0"}}\n',
    /: line 1: was written by Codex 1\.0\.0; versions 0\.x are known$/,
  ],
  [
    'older-codex.jsonl',
    '{"id":"a","timestamp":"x","instructions":null}\n',
    /: is a log of Codex before 0\.32, which is not known here$/,
  ],
  [
    'newer-state.json',
    '{"format":"kimi-emulator-state/2","sha256":"","state":{}}',
    /: is a state in version kimi-emulator-state\/2; known is kimi-emulator-state\/1$/,
  ],
  [
    'deep.json',
    `${'{"messages":[{"role":"user","content":'.repeat(1)}${'['.repeat(100_000)}`,
    /: the JSON ends too early/,
  ],
  [
    'deep.jsonl',
    `{"role":"assistant","tool_calls":[{"id":"c","name":"read","arguments":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}\n{}\n`,
    /: is nested too deeply$/,
  ],
  [
    'no-tool.json',
    JSON.stringify({ messages: GOOD, tools: [7] }),
    /: tools\[0\] must be a function with a name, not 7$/,
  ],
  ['no-window.json', stateOf({ sessions: [null] }), /: is damaged: a session has no window$/],
  [
    'own-parent.json',
    stateOf({ segments: [{ parent: 0, parent_seq: 9, entries: [] }], sessions: [{ window: { segment: 0, head: 9 } }] }),
    /: is damaged: segment 0 goes on from segment 0$/,
  ],
  [
    'no-entries.json',
    stateOf({ segments: [{ parent: null, entries: 5 }], sessions: [{ window: { segment: 0, head: 9 } }] }),
    /: is damaged: segment 0 is missing$/,
  ],
  [
    'no-role.json',
    stateOf({
      messages: [{ body: { content: 5 }, created_at: 1 }],
      segments: [{ parent: null, entries: [{ seq: 1, message: 0 }] }],
      sessions: [{ window: { segment: 0, head: 9 } }],
    }),
    /: messages\[0\]\.body\.role is missing$/,
  ],
];

function stateOf(state: object): string {
  return JSON.stringify({
    format: 'kimi-emulator-state/1',
    sha256: '',
    state: { messages: [], segments: [], sessions: [], ...state },
  });
}

describe('a file that holds no transcript', () => {
  it.each(FAULTY)('%s is one line that names it and says why', async (name, text, line) => {
    const path = write(name, text);
    const error: Error = await readTranscripts([path]).then(
      () => expect.fail('was read'),
      (thrown) => thrown,
    );
    expect(error.message).toMatch(line);
    expect(error.message.startsWith(`${path}: `)).toBe(true);
    expect(error.message).not.toContain('\n');
  });

  it('in a folder is told of, and the rest of the folder is read', async () => {
    for (const [name, text] of FAULTY) write(`mixed/${name}`, text);
    write('mixed/deep/good.jsonl', ...GOOD);
    const lines: string[] = [];
    const found = await readTranscripts([join(FOLDER, 'mixed')], (line) => lines.push(line));
    expect(found.map(({ name }) => name)).toEqual([join('deep', 'good.jsonl')]);
    expect(lines).toHaveLength(FAULTY.length);
  });

  it('and a folder of such files, or a path that is not there, is one line', async () => {
    write('wrong/prose.json', 'Dear diary,');
    await expect(readTranscripts([join(FOLDER, 'wrong')])).rejects.toThrow(
      /wrong: holds no transcript that can be read: prose\.json$/,
    );
    await expect(readTranscripts([join(FOLDER, 'nowhere')])).rejects.toThrow(/nowhere: no such file or folder$/);
  });
});

describe('a folder', () => {
  it('is searched through links, each file is read once, and a link that leads nowhere is told of', async () => {
    const real = write('links/kept/logs/one.jsonl', ...GOOD);
    write('links/kept/more/two.jsonl', ...GOOD);
    const folder = join(FOLDER, 'links', 'linked');
    mkdirSync(folder);
    symlinkSync(real, join(folder, 'first.jsonl'));
    symlinkSync(real, join(folder, 'second.jsonl'));
    symlinkSync(join(FOLDER, 'links', 'kept', 'more'), join(folder, 'more'));
    symlinkSync('..', join(folder, 'round'));
    symlinkSync('gone.jsonl', join(folder, 'lost.jsonl'));
    const lines: string[] = [];
    const found = await readTranscripts([folder], (line) => lines.push(line));
    expect(found.map(({ name }) => name)).toEqual(['first.jsonl', join('more', 'two.jsonl')]);
    expect(lines).toEqual([`${join(folder, 'lost.jsonl')}: leads nowhere`]);
  });

  it('below it that cannot be read is told of in one line, and the rest is read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'closed-'));
    chmodSync(folder, 0o755);
    try {
      mkdirSync(join(folder, 'shut'));
      writeFileSync(join(folder, 'good.jsonl'), GOOD.map((message) => JSON.stringify(message)).join('\n'));
      chmodSync(join(folder, 'shut'), 0o000);
      // Nothing is shut to root: the command runs as nobody.
      const user = process.getuid?.() === 0 ? { uid: 65_534 } : {};
      const args = ['simulate', '--policies', 'none', '--workers', '1', '--tokenizer', 'o200k_base', '--transcript'];
      const rest = await run([...args, folder], user);
      expect(rest).toMatchObject({
        code: 0,
        stderr: `kimi-emulator simulate: ${join(folder, 'shut')}: cannot be read (EACCES)\n`,
      });
      expect(rest.stdout).toContain('good.jsonl: 1 request');
      const shut = await run([...args, join(folder, 'shut')], user);
      expect(shut).toMatchObject({ code: 1, stdout: '', stderr: rest.stderr });
    } finally {
      chmodSync(join(folder, 'shut'), 0o755);
      rmSync(folder, { recursive: true });
    }
  });
});

it('a folder of more messages than are held says in one line how many files are left out, and reads what fits', async () => {
  const large = { role: 'user', content: 'x'.repeat(12 * 2 ** 20) };
  for (const name of ['a', 'b', 'c', 'd']) write(`crowded/${name}.jsonl`, large, ...GOOD);
  write('crowded/e.jsonl', ...GOOD);
  const lines: string[] = [];
  const found = await readTranscripts([join(FOLDER, 'crowded')], (line) => lines.push(line));
  expect(found.map(({ name }) => name)).toEqual(['a.jsonl', 'b.jsonl', 'e.jsonl']);
  expect(lines).toEqual([
    `${join(FOLDER, 'crowded')}: files left out, as 32 MiB of messages are held at most, of all files together: 2 (c.jsonl, d.jsonl)`,
  ]);
});

it('a pipe is read as a file is', async () => {
  const path = join(FOLDER, 'pipe');
  const text = GOOD.map((message) => JSON.stringify(message)).join('\n');
  const script = `node "$0" simulate --policies none --workers 1 --tokenizer o200k_base --json --transcript <(printf '%s' "$1")`;
  const main = join(import.meta.dirname, '../../dist/emulator/cli/main.js');
  const { stdout } = await promisify(execFile)('bash', ['-c', script, main, text], { cwd: join(path, '..') });
  expect(JSON.parse(stdout).transcripts).toMatchObject([{ rounds: 1 }]);
});

it('a log that begins with records of kinds that came later is read from the first that is known', async () => {
  const message = { role: 'assistant', id: 'm', content: [{ type: 'text', text: 'Hello.' }] };
  const path = write(
    'newer.jsonl',
    { type: 'kind-of-tomorrow', title: 'Greeting' },
    { type: 'user', uuid: 'a', parentUuid: null, version: '2.1.0', message: { role: 'user', content: 'Hi' } },
    { type: 'assistant', uuid: 'b', parentUuid: 'a', version: '2.1.0', message },
  );
  expect(outline(await readOne(path))).toEqual(['user Hi', 'assistant Hello.']);
});

it('a log whose last line is cut off, because it is being written, is read up to there', async () => {
  const path = write('growing.jsonl', ...GOOD, '{"role":"user","conte');
  const lines: string[] = [];
  const [found] = await readTranscripts([path], (line) => lines.push(line));
  expect(found?.messages).toHaveLength(2);
  expect(lines).toEqual([`${path}: line 3 is cut off; what stands before it is read`]);
});

describe('a huge file', () => {
  const MIB = 2 ** 20;
  /** What reading takes more than before, at most, in MiB. */
  async function growth(work: () => Promise<unknown>): Promise<number> {
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 5);
    await work();
    clearInterval(watch);
    return (most - before) / MIB;
  }

  /** A heap of its own with a limit: how much is held is seen, whatever has not been collected yet. */
  async function readWithin(mib: number, path: string): Promise<Simulation> {
    const env = { NODE_OPTIONS: `--max-old-space-size=${mib}` };
    const args = ['simulate', '--transcript', path, '--policies', 'none', '--workers', '1', '--json'];
    const { code, stdout, stderr } = await run(args, { env });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Simulation;
  }

  it('of records that are not messages takes no more memory than its longest lines', async () => {
    const path = write('progress.jsonl', claude('u1', null, 'user', { role: 'user', content: 'Hi' }));
    const noise = `${JSON.stringify({ type: 'progress', uuid: '', data: 'x'.repeat(MIB) })}\n`;
    for (let part = 0; part < 300; part += 1) appendFileSync(path, noise);
    const last = { role: 'assistant', id: 'm', content: [{ type: 'text', text: 'Hello.' }] };
    appendFileSync(path, `${JSON.stringify(claude('u2', 'u1', 'assistant', last))}\n`);
    expect(outline(await readOne(path))).toEqual(['user Hi', 'assistant Hello.']);
    await readWithin(150, path);
  });

  it('of more records without messages than can be held is read along its branch all the same', async () => {
    const said = { role: 'user', content: 'Hi' };
    const path = write('steps.jsonl', { type: 'user', uuid: 'u1', parentUuid: null, message: said });
    let parent = 'u1';
    const count = 300_000;
    for (let from = 0; from < count; from += 50_000) {
      const records = Array.from({ length: 50_000 }, (_, place) => {
        const uuid = `5d677525-c157-45f4-921c-${String(from + place).padStart(12, '0')}`;
        const record = `{"type":"progress","uuid":"${uuid}","parentUuid":"${parent}"}\n`;
        parent = uuid;
        return record;
      });
      appendFileSync(path, records.join(''));
    }
    const message = { role: 'assistant', id: 'm', content: [{ type: 'text', text: 'Hello.' }] };
    appendFileSync(path, `${JSON.stringify({ type: 'assistant', uuid: 'u2', parentUuid: parent, message })}\n`);
    const { transcripts } = await readWithin(64, path);
    expect(transcripts).toMatchObject([{ rounds: 1, messages: 2 }]);
  });

  it('of more tiny messages than can be held is refused in one line', async () => {
    const path = write('tiny.jsonl', ...GOOD);
    const record = `${JSON.stringify({ role: 'user', content: '' })}\n`;
    for (let part = 0; part < 10; part += 1) appendFileSync(path, record.repeat(50_000));
    await expect(readTranscripts([path])).rejects.toThrow(/: is too large: more than 32 MiB of messages/);
  });

  it('of messages is refused in one line before all of it is held', async () => {
    const path = write('messages.jsonl', ...GOOD);
    const line = `${JSON.stringify({ role: 'user', content: 'x'.repeat(MIB) })}\n`;
    for (let part = 0; part < 100; part += 1) appendFileSync(path, line);
    const grown = await growth(() =>
      expect(readTranscripts([path])).rejects.toThrow(
        /: is too large: more than 32 MiB of messages, in this file or with those before it$/,
      ),
    );
    expect(grown).toBeLessThan(200);
  });

  it('of one line is refused in one line', async () => {
    const path = write('line-without-end.jsonl', '{"role":"user","content":"');
    for (let part = 0; part < 70; part += 1) appendFileSync(path, 'x'.repeat(MIB));
    await expect(readTranscripts([path])).rejects.toThrow(/: line 1 is longer than 64 MiB$/);
  });
});

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
