import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { ERRORS } from '../../contract/errors.ts';
import { GATEWAY_FLAGS } from '../../emulator/cli/flags.ts';
import { createEmulator } from '../../emulator/index.ts';
import { run, ServerProcess } from '../cli/server-process.ts';
import { temporaryFolder } from '../store/files.ts';

const PAGE = readFileSync(new URL('../../docs/gateway.md', import.meta.url), 'utf8');
const [SHELL = ''] = [...PAGE.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, code = '']) => code);
const COMMANDS = SHELL.trim()
  .split('\n')
  .map((line) => line.replace(/#.*$/, '').trim());

it('the commands of docs/gateway.md start a gateway that keeps sessions, and judge one', async () => {
  const upstream = createEmulator({ stateless: true });
  onTestFinished(() => upstream.close());
  await upstream.listen();
  const [plain = '', capped = '', judge = ''] = COMMANDS;
  for (const command of [plain, capped]) {
    const [, ...args] = command.replaceAll('"$UPSTREAM"', upstream.baseURL).split(/\s+/);
    const { server, ready } = await ServerProcess.listening([...args, '--memory'], { cwd: temporaryFolder() });
    const headers = { Authorization: 'Bearer sk-docs', 'Content-Type': 'application/json' };
    expect((await fetch(`${ready.base_url}/sessions`, { method: 'POST', headers, body: '{}' })).status).toBe(201);
    expect((await server.signal('SIGTERM')).code).toBe(0);
  }
  const { code, stdout } = await run(judge.split(/\s+/).slice(1), { cwd: temporaryFolder() });
  expect([code, stdout]).toEqual([0, expect.stringContaining('gateway before emulator')]);
});

it('the flags and errors in docs/gateway.md exist', () => {
  const known = [...Object.keys(GATEWAY_FLAGS), 'gateway', 'case', 'stateless'];
  for (const [, flag = ''] of PAGE.matchAll(/--([a-z][a-z-]*)/g)) expect(known).toContain(flag);
  for (const [, code = ''] of PAGE.matchAll(/\d{3} `(\w+)`|`(?:upstream_failed|upstream_timeout)`/g)) {
    if (code !== '') expect(ERRORS).toHaveProperty(code);
  }
});
