import type { RequestListener } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { runConformance } from '../../conformance/index.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import { conformance, temporaryFolder } from './command.ts';
import { serverThat } from './server-that.ts';

const KEY = 'sk-very-secret-key';
/** Clears a terminal, colours it in one byte, turns the direction of writing. */
const ACTING = '\u001b[2J\u009b31m\u202e';
const ACTS = /(?!\n)\p{Cc}|[\u202A-\u202E\u2066-\u2069]/u;

function judge(url: string, ...args: string[]) {
  return conformance(['--target', url, '--out', temporaryFolder(), ...args], { env: { KIMI_API_KEY: KEY } });
}

it.each<[string, RequestListener]>([
  ['refuses it', (_, answer) => answer.writeHead(401).end(`{"error":{"message":"no ${KEY}${ACTING}"}}`)],
  ['breaks down', (_, answer) => answer.writeHead(500).end(`no ${KEY}${ACTING}`)],
  ['answers no JSON', (_, answer) => answer.setHeader('Content-Type', `text/html; key=${KEY}`).end(KEY)],
  [
    'answers what it likes',
    (_, answer) => answer.writeHead(400).end(JSON.stringify({ error: { message: KEY + ACTING } })),
  ],
])('a server that says the key and %s brings neither the key nor its signs to the terminal', async (_, answers) => {
  const url = await serverThat(answers);
  const { stdout, stderr } = await judge(url, '--case', 'models', '--declare', 'models');
  expect(stdout + stderr).not.toBe('');
  expect(stdout + stderr).not.toContain(KEY);
  expect(stdout + stderr).not.toMatch(ACTS);
});

it.each([
  ['a password', 'http://someone:pa55word@127.0.0.1:1/v1', 'pa55word'],
  ['a query', 'http://127.0.0.1:1/v1?key=hidden-key', 'hidden-key'],
])('a base URL with %s is refused, and not repeated', async (_, url, secret) => {
  const env = { KIMI_CONFORMANCE_TARGET: 'live', KIMI_BASE_URL: url, KIMI_API_KEY: KEY, KIMI_CONFORMANCE_MODEL: 'm' };
  for (const ended of [await judge(url), await conformance(['plan'], { env })]) {
    expect(ended.code).toBe(2);
    expect(ended.stdout + ended.stderr).not.toContain(secret);
  }
});

it('what is left behind in an account of its own is reported without the key of that account', async () => {
  const real = await emulatorTarget();
  onTestFinished(() => real.close?.());
  const undeletable: typeof fetch = (input, init) =>
    init?.method === 'DELETE' ? Promise.resolve(new Response('{}', { status: 500 })) : real.fetch(input, init);
  const target = { ...real, fetch: undeletable, newKey: () => KEY };
  const report = await runConformance(target, { cases: ['sessions.capacity'] });
  expect(report.leaked.length).toBeGreaterThan(0);
  expect(JSON.stringify(report)).not.toContain(KEY);
});
