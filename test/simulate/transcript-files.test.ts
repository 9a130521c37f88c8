import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readTranscripts } from '../../emulator/simulate/index.ts';
import { run } from '../cli/server-process.ts';
import { claude, GOOD, transcriptFolder } from './transcript-files.ts';

const { folder, write } = transcriptFolder();

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
    const found = await readTranscripts([join(folder, 'mixed')], (line) => lines.push(line));
    expect(found.map(({ name }) => name)).toEqual([join('deep', 'good.jsonl')]);
    expect(lines).toHaveLength(FAULTY.length);
  });

  it('and a folder of such files, or a path that is not there, is one line', async () => {
    write('wrong/prose.json', 'Dear diary,');
    await expect(readTranscripts([join(folder, 'wrong')])).rejects.toThrow(
      /wrong: holds no transcript that can be read: prose\.json$/,
    );
    await expect(readTranscripts([join(folder, 'nowhere')])).rejects.toThrow(/nowhere: no such file or folder$/);
  });
});

describe('a folder', () => {
  it('is searched through links, each file is read once, and a link that leads nowhere is told of', async () => {
    const real = write('links/kept/logs/one.jsonl', ...GOOD);
    write('links/kept/more/two.jsonl', ...GOOD);
    const linked = join(folder, 'links', 'linked');
    mkdirSync(linked);
    symlinkSync(real, join(linked, 'first.jsonl'));
    symlinkSync(real, join(linked, 'second.jsonl'));
    symlinkSync(join(folder, 'links', 'kept', 'more'), join(linked, 'more'));
    symlinkSync('..', join(linked, 'round'));
    symlinkSync('gone.jsonl', join(linked, 'lost.jsonl'));
    const lines: string[] = [];
    const found = await readTranscripts([linked], (line) => lines.push(line));
    expect(found.map(({ name }) => name)).toEqual(['first.jsonl', join('more', 'two.jsonl')]);
    expect(lines).toEqual([`${join(linked, 'lost.jsonl')}: leads nowhere`]);
  });

  it('below it that cannot be read is told of in one line, and the rest is read', async () => {
    const closed = mkdtempSync(join(tmpdir(), 'closed-'));
    chmodSync(closed, 0o755);
    try {
      mkdirSync(join(closed, 'shut'));
      writeFileSync(join(closed, 'good.jsonl'), GOOD.map((message) => JSON.stringify(message)).join('\n'));
      chmodSync(join(closed, 'shut'), 0o000);
      // Nothing is shut to root: the command runs as nobody.
      const user = process.getuid?.() === 0 ? { uid: 65_534 } : {};
      const args = ['simulate', '--policies', 'none', '--workers', '1', '--tokenizer', 'o200k_base', '--transcript'];
      const rest = await run([...args, closed], user);
      expect(rest).toMatchObject({
        code: 0,
        stderr: `kimi-emulator simulate: ${join(closed, 'shut')}: cannot be read (EACCES)\n`,
      });
      expect(rest.stdout).toContain('good.jsonl: 1 request');
      const shut = await run([...args, join(closed, 'shut')], user);
      expect(shut).toMatchObject({ code: 1, stdout: '', stderr: rest.stderr });
    } finally {
      chmodSync(join(closed, 'shut'), 0o755);
      rmSync(closed, { recursive: true });
    }
  });
});

it('a folder of more messages than are held says in one line how many files are left out, and reads what fits', async () => {
  const large = { role: 'user', content: 'x'.repeat(12 * 2 ** 20) };
  for (const name of ['a', 'b', 'c', 'd']) write(`crowded/${name}.jsonl`, large, ...GOOD);
  write('crowded/e.jsonl', ...GOOD);
  const lines: string[] = [];
  const found = await readTranscripts([join(folder, 'crowded')], (line) => lines.push(line));
  expect(found.map(({ name }) => name)).toEqual(['a.jsonl', 'b.jsonl', 'e.jsonl']);
  expect(lines).toEqual([
    `${join(folder, 'crowded')}: files left out, as 32 MiB of messages are held at most, of all files together: 2 (c.jsonl, d.jsonl)`,
  ]);
});

it('a pipe is read as a file is', async () => {
  const text = GOOD.map((message) => JSON.stringify(message)).join('\n');
  const script = `node "$0" simulate --policies none --workers 1 --tokenizer o200k_base --json --transcript <(printf '%s' "$1")`;
  const main = join(import.meta.dirname, '../../dist/emulator/cli/main.js');
  const { stdout } = await promisify(execFile)('bash', ['-c', script, main, text], { cwd: folder });
  expect(JSON.parse(stdout).transcripts).toMatchObject([{ rounds: 1 }]);
});

it('a log whose last line is cut off, because it is being written, is read up to there', async () => {
  const path = write('growing.jsonl', ...GOOD, '{"role":"user","conte');
  const lines: string[] = [];
  const [found] = await readTranscripts([path], (line) => lines.push(line));
  expect(found?.messages).toHaveLength(2);
  expect(lines).toEqual([`${path}: line 3 is cut off; what stands before it is read`]);
});
