import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseGatewayCli } from '../../emulator/cli/command-line.ts';
import { GATEWAY_FLAGS } from '../../emulator/cli/flags.ts';
import { createEmulator } from '../../emulator/index.ts';
import { UsageError } from '../../emulator/terminal/flags.ts';
import { temporaryFolder } from '../store/files.ts';
import { run, ServerProcess } from './server-process.ts';

const UPSTREAM = ['--upstream', 'https://api.moonshot.ai/v1'];

/** What is typed wrong, and what the one line must name. */
const WRONG: [string[], string][] = [
  [[], 'gateway needs --upstream URL (or KIMI_UPSTREAM), such as https://api.moonshot.ai/v1'],
  [['--upstream', 'api.moonshot.ai'], '--upstream takes an http or https URL without key, query and fragment'],
  [['--upstream', 'https://sk-1@api.moonshot.ai/v1'], 'without key'],
  [['--upstream', 'https://api.moonshot.ai/v1?key=1'], 'without key, query'],
  [[...UPSTREAM, '--script', 'x.yaml'], "unknown flag '--script'"],
  [
    [...UPSTREAM, '--max-spend', 'much'],
    '--max-spend takes an amount such as 5USD, 5USD/key or 1USD/session, not much',
  ],
  [[...UPSTREAM, '--max-spend', '5USD/day'], 'not 5USD/day'],
  [[...UPSTREAM, '--max-spend', '5USD', '--max-spend', '5CNY/key'], 'in one currency'],
  [[...UPSTREAM, '--idle-timeout', '0'], '--idle-timeout takes seconds from 0.001 to 86400, not 0'],
  [
    [...UPSTREAM, '--upstream-key-env', 'NO_SUCH_KEY'],
    '--upstream-key-env: the environment variable NO_SUCH_KEY is not set',
  ],
  [['--replay', 'a.tape', '--record', './a.tape'], '--record and --replay of one file exclude each other'],
  [['--replay', 'a.tape', '--record-misses'], '--record-misses needs an upstream to ask'],
  [[...UPSTREAM, '--record-misses'], '--record-misses goes with --replay'],
  [[...UPSTREAM, '--redact', 'x'], '--redact goes with --record or --replay'],
  [
    [...UPSTREAM, '--record', 'a.tape', '--redact', '(?=x)'],
    'lookaheads, and groups in lookbehinds, are not supported',
  ],
  [[...UPSTREAM, '--record', 'a.tape', '--redact', 'x*'], 'does not match an empty text, not x*'],
  [['--replay', 'a.tape', '--speed', 'slow'], '--speed takes instant or original, not slow'],
];

describe('the command line of the gateway', () => {
  it.each(WRONG)('refuses %j in one line', (args, told) => {
    expect(() => parseGatewayCli(args, {})).toThrow(UsageError);
    expect(() => parseGatewayCli(args, {})).toThrow(told);
  });

  it('reads its options from flags and from the environment', () => {
    const env = { KIMI_UPSTREAM: 'https://api.moonshot.cn/v1', MY_KEY: 'sk-mine' };
    const flags = ['--upstream-key-env', 'MY_KEY', '--max-spend', '5USD', '--max-spend', '1USD/session'];
    const { cli, gateway } = parseGatewayCli(
      [...flags, '--finish-abandoned', '--idle-timeout', '1.5', '--port', '0'],
      env,
    );
    expect(cli).toMatchObject({ port: 0, options: { database: '.kimi-emulator/gateway.db' } });
    expect(gateway).toEqual({
      upstream: 'https://api.moonshot.cn/v1',
      upstreamKey: 'sk-mine',
      maxSpend: ['5USD', '1USD/session'],
      finishAbandoned: true,
      timeouts: { idle: 1_500 },
    });
  });

  it('--help lists every flag', async () => {
    const { code, stdout } = await run(['gateway', '--help']);
    expect(code).toBe(0);
    for (const flag of Object.keys(GATEWAY_FLAGS)) expect(stdout).toMatch(new RegExp(`^  (-\\w, )?--${flag}\\b`, 'm'));
  });

  it('serves sessions in front of an upstream, and stores them in a file of its own', async () => {
    const upstream = createEmulator();
    onTestFinished(() => upstream.close());
    await upstream.listen();
    const cwd = temporaryFolder();
    const { server, ready } = await ServerProcess.listening(['gateway', '--upstream', upstream.baseURL], { cwd });
    expect(ready).toMatchObject({ upstream: upstream.baseURL, state: '.kimi-emulator/gateway.db' });
    const post = (path: string, body: object) =>
      fetch(ready.base_url + path, {
        method: 'POST',
        headers: { Authorization: 'Bearer sk-a', 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }).then((response) => response.json());
    const { id } = (await post('/sessions', {})) as { id: string };
    const messages = [{ role: 'user', content: 'Reply with only PONG' }];
    expect(await post('/chat/completions', { model: 'kimi-k3', session_id: id, messages })).toMatchObject({
      choices: [{ message: { content: 'PONG' } }],
      session: { id },
    });
    expect(await server.signal('SIGTERM')).toMatchObject({ code: 0 });
    expect(existsSync(join(cwd, '.kimi-emulator/gateway.db'))).toBe(true);
  });
});
