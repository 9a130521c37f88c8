import { writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { conformance, temporaryFolder } from './command.ts';
import { serverThat } from './server-that.ts';

function expectOneLine(text: string): void {
  expect(text).toMatch(/^kimi-emulator conformance: .+\n$/);
}

it.each<[string[], string, number]>([
  [['--case', 'append.nonsense'], 'append.nonsense', 2],
  [['--profile', 'kimi'], '--profile is one of', 2],
  [['--scale', 'huge'], '--scale is one of', 2],
  [['--report', 'pdf'], '--report is one of', 2],
  [['--target', 'elsewhere'], '--target is emulator, live or a URL', 2],
  [['--target', 'live'], 'KIMI_BASE_URL', 2],
  [['--target', 'https://api.example.com/v1'], 'KIMI_API_KEY', 2],
  [['--declare', 'telepathy'], '--declare telepathy is unknown', 2],
  [['--limit', 'sessions=many'], '--limit sessions must be sessions from 1 to 1000000, not NaN', 2],
  [['--limit', 'window_tokens=1e12'], '--limit window_tokens must be tokens from 64 to 16777216', 2],
  [['--limit', 'sessions='], '--limit sessions must be', 2],
  [['--limit', 'patience=1'], '--limit is one of', 2],
  [['--limit', 'sessions=6'], '--limit is for --target URL', 2],
  [['--timeout', '2147483.648'], '--timeout is at most 2147483 seconds, not 2147483.648', 2],
  [['--max-spend', '-1'], '--max-spend', 2],
  [['--nonsense'], '--nonsense', 2],
  [['judge'], 'command is one of', 2],
  [['diff', 'a.json'], 'diff takes two report files', 2],
  [['diff', 'a.json', 'b.json'], 'a.json', 2],
  [['--baseline', 'nowhere.json'], 'nowhere.json', 2],
  [['--update'], '--update needs --baseline', 2],
  [['--update', '--baseline', 'x.json', '--case', 'append'], '--update needs a whole run', 2],
  [['--tokenizer', '/nowhere/tiktoken.model'], '/nowhere/tiktoken.model', 2],
  [['prove'], 'command is one of run, plan, list, probe, diff, sweep, not prove', 2],
  [['--case', 'balance', '--report', 'json', '--out', 'package.json'], '--out package.json', 2],
  [['--case', 'balance', '--target', 'http://127.0.0.1:1', '--out', 'package.json'], '--out package.json', 2],
  [['--target', 'http://127.0.0.1:1/v1'], 'cannot be reached', 3],
])('conformance reports %j in one line', async (args, names, code) => {
  const ended = await conformance(args);
  expect(ended.stderr).toContain(names);
  expectOneLine(ended.stderr);
  expect(ended.code).toBe(code);
});

it.each<[string, RequestListener, string, number]>([
  [
    'answers HTML',
    (_, answer) => answer.setHeader('Content-Type', 'text/html').end('<title>Hi</title>'),
    'check the base URL',
    2,
  ],
  [
    'refuses the key',
    (_, answer) => answer.writeHead(401).end('{"error":{"message":"Invalid Authentication"}}'),
    'refuses the key',
    2,
  ],
  ['never answers', () => undefined, 'no answer within 0.2 s', 3],
  ['breaks down', (_, answer) => answer.writeHead(500).end('{}'), 'is not available', 3],
  ['drops connections', ({ socket }) => socket.destroy(), 'cannot be reached', 3],
])('a target that %s is reported in one line', async (_, answers, names, code) => {
  const url = await serverThat(answers);
  const ended = await conformance(['--target', url, '--timeout', '0.2', '--out', temporaryFolder()]);
  expect(ended.stderr).toContain(names);
  expectOneLine(ended.stderr);
  expect(ended.code).toBe(code);
});

it('a sweep with a refused key is reported in one line', async () => {
  const url = await serverThat((_, answer) =>
    answer.writeHead(401).end('{"error":{"message":"Invalid Authentication"}}'),
  );
  const out = temporaryFolder();
  writeFileSync(join(out, 'created-1.jsonl'), `${JSON.stringify({ created_resources: 1, run: '1', target: url })}\n`);
  const ended = await conformance(['sweep', '--target', url, '--out', out]);
  expect(ended.stderr).toContain('refuses the key');
  expectOneLine(ended.stderr);
  expect(ended.code).toBe(2);
});

it('an unexpected error of the kit is printed with its stack and is not a result', async () => {
  const ended = await conformance(['list'], { throwing: true });
  expect(ended.stderr).toContain('at ');
  expect(ended.code).toBe(3);
});

it.each<[string, string]>([
  ['no JSON', '{'],
  ['another shape', '{"baseline":1,"entries":[{"check":"append.limit-single/plain-over"}]}'],
  ['a field nobody knows', '{"baseline":1,"entries":[],"more":1}'],
  ['a version nobody knows', '{"baseline":2,"entries":[]}'],
])('a baseline that is %s is reported in one line', async (_, text) => {
  const file = join(temporaryFolder(), 'baseline.json');
  writeFileSync(file, text);
  const ended = await conformance(['--baseline', file]);
  expect(ended.stderr).toContain(file);
  expectOneLine(ended.stderr);
  expect(ended.code).toBe(2);
});
