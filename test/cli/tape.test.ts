import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import type { Api } from '../support/emulator.ts';
import { exchangesOf, newTape, startRecording, startReplay } from '../tape/taped.ts';
import { run } from './server-process.ts';

const chat = (api: Api, text: string) =>
  api.post('/v1/chat/completions', { model: 'kimi-k3', messages: [{ role: 'user', content: `Say "${text}".` }] });

/** ONE, TWO, ONE, ONE; each with an id of its own. */
async function recordedTape(options: { redact?: string[] } = {}): Promise<string> {
  const path = newTape();
  const { api, stop } = await startRecording('in process', path, options);
  for (const text of ['ONE', 'TWO', 'ONE', 'ONE']) expect((await chat(api, text)).status).toBe(200);
  await stop();
  return path;
}

it('tape ls and tape show print JSON, and show takes #N', async () => {
  const path = await recordedTape();
  const rows = JSON.parse((await run(['tape', 'ls', path, '--json'])).stdout);
  expect(rows.map(({ n, form, status, end }: Record<string, unknown>) => [n, form, status, end])).toEqual(
    [1, 2, 3, 4].map((n) => [n, 'plain', 200, 'whole']),
  );
  const { hash: _, ...second } = exchangesOf(path)[1];
  expect(JSON.parse((await run(['tape', 'show', path, '#2', '--json'])).stdout)).toEqual(second);
  expect((await run(['tape', 'show', path])).stdout).toMatch(
    /^#4 POST \/chat\/completions \(plain\)\nmodel: kimi-k3\n/,
  );
});

it('tape prune leaves the last of equal requests, in their order', async () => {
  const path = await recordedTape();
  const before = readFileSync(path, 'utf8').split('\n');
  expect((await run(['tape', 'prune', path, '--keep-last', '2'])).stdout).toBe(`tape ${path}: 3 of 4 exchanges left\n`);
  expect(readFileSync(path, 'utf8')).toBe(before.toSpliced(1, 1).join('\n'));
  const pruned = await run(['tape', 'prune', path, '--json']);
  expect(JSON.parse(pruned.stdout)).toEqual({ tape: path, exchanges: 3, left: 2 });
  expect(JSON.parse((await run(['tape', 'check', path, '--json'])).stdout)).toEqual({ tape: path, exchanges: 2 });
  const replay = await startReplay('in process', path);
  const last = JSON.parse(before[4] ?? '').answer.parts.map(([, part]: [number, string]) => part);
  expect((await chat(replay, 'ONE')).text).toBe(last.join(''));
});

it('tape check refuses a line with a key that somebody has put there, and what --redact matches', async () => {
  const path = await recordedTape();
  expect(await run(['tape', 'check', path, '--redact', 'T[A-Z]O'])).toMatchObject({
    code: 1,
    stderr: `kimi-emulator tape: tape ${path}: line 3 holds what looks like a key, or what --redact matches\n`,
  });
  const lines = readFileSync(path, 'utf8').split('\n');
  const text = (lines[1] ?? '').replace('ONE', 'sk-abcdefgh12345').replace(/,"hash":"\w+"\}$/, '');
  const hash = createHash('sha256').update(text).digest('hex');
  writeFileSync(path, lines.with(1, `${text},"hash":"${hash}"}`).join('\n'));
  expect(await run(['tape', 'check', path])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('line 2 holds'),
  });
});

it.each([
  [['tape'], 'the action is one of ls, show, check, prune, not nothing'],
  [['tape', 'cut', 'a.tape'], 'the action is one of ls, show, check, prune, not cut'],
  [['tape', 'shw', 'a.tape'], 'the action is one of ls, show, check, prune, not shw; did you mean show?'],
  [['tape', 'ls'], 'ls takes a file'],
  [['tape', 'ls', 'a', 'b'], 'ls takes one file at a time'],
  [['tape', 'ls', '--all'], "unknown flag '--all'"],
])('refuses %j in one line with code 2', async (args, told) => {
  const { code, stderr } = await run(args);
  expect([code, stderr]).toEqual([2, `kimi-emulator tape: ${told} (see --help)\n`]);
});

it('show and prune refuse invalid numbers with code 2', async () => {
  const path = await recordedTape();
  for (const args of [
    ['show', path, '5'],
    ['show', path, 'x'],
    ['prune', path, '--keep-last', '0'],
  ]) {
    expect(await run(['tape', ...args])).toMatchObject({ code: 2, stdout: '' });
  }
  expect(exchangesOf(path)).toHaveLength(4);
});

it('a tape that was recorded with patterns says so where it is replayed without', async () => {
  const path = await recordedTape({ redact: ['berth-\\d+'] });
  const note = vi.spyOn(console, 'error').mockReturnValue();
  await startReplay('in process', path);
  expect(note.mock.calls).toEqual([[expect.stringContaining('with 1 patterns to redact, and replayed with 0')]]);
  await startReplay('in process', path, { redact: ['berth-\\d+'] });
  expect(note).toHaveBeenCalledTimes(1);
  note.mockRestore();
});
