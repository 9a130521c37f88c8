import { existsSync, readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMIT_NAMES } from '../../contract/limits.ts';
import { temporaryFolder } from '../store/files.ts';
import { MODEL } from '../support/emulator.ts';
import { freePort } from '../support/free-port.ts';
import { requireShared } from '../support/shared.ts';
import { ServerProcess } from './server-process.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
if (!HAS_IPV6) console.warn('SKIPPED: this machine has no IPv6 loopback');

describe('a start', () => {
  it.each(['0', '7'])('takes --history %s', async (history) => {
    const { ready } = await ServerProcess.listening(['--memory', '--history', history]);
    expect(ready.event).toBe('ready');
  });

  it('answers over HTTP without loading fetch', async () => {
    const report = `process.on('exit', () => console.error(process.moduleLoadList.some((name) => name.includes('undici'))))`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(report)}`;
    const { server, ready } = await ServerProcess.listening(['--memory'], { env: { NODE_OPTIONS } });
    const headers = { Authorization: 'Bearer any', 'Content-Type': 'application/json' };
    const session = await fetch(`${ready.base_url}/sessions`, { method: 'POST', headers });
    expect(session.status).toBe(201);
    const messages = [{ role: 'user', content: 'Reply exactly OK' }];
    const body = JSON.stringify({ model: MODEL, messages, stream: true });
    const chat = await fetch(`${ready.base_url}/chat/completions`, { method: 'POST', headers, body });
    expect(await chat.text()).toContain('[DONE]');
    expect((await server.signal('SIGTERM')).stderr).toBe('false\n');
  });

  it('with --json prints one line of JSON, and nothing else', async () => {
    const cwd = temporaryFolder();
    const args = ['--limit', 'window_tokens=32768', '--limit', 'sessions=2', '--tokenizer', 'o200k_base'];
    const { server, ready } = await ServerProcess.listening(args, { cwd });
    expect(ready).toMatchObject({
      event: 'ready',
      base_url: `http://127.0.0.1:${ready.port}/v1`,
      state: '.kimi-emulator/state.db',
      tokenizer: 'o200k_base',
      model: 'lookup',
      limits: { window_tokens: 32_768, sessions: 2, append_tokens: 8_192 },
    });
    expect(Object.keys(ready.limits).toSorted()).toEqual([...LIMIT_NAMES].toSorted());
    const health = await fetch(new URL('/_emulator/health', ready.base_url));
    expect(await health.json()).toMatchObject({ status: 'ok' });
    const session = await fetch(`${ready.base_url}/sessions`, {
      method: 'POST',
      headers: { Authorization: 'Bearer any' },
    });
    expect(await session.json()).toMatchObject({ limits: { window_tokens: 32_768, sessions: 2 } });
    const ended = await server.signal('SIGTERM');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout.split('\n').length).toBe(2);
    expect(existsSync(join(cwd, '.kimi-emulator', 'state.db'))).toBe(true);
    expect(readFileSync(join(cwd, '.kimi-emulator', '.gitignore'), 'utf8')).toBe('*\n');
    for (const name of ['.gitignore', 'state.db'])
      expect(statSync(join(cwd, '.kimi-emulator', name)).mode & 0o777, name).toBe(0o600);
    expect(existsSync(join(cwd, '.kimi-emulator', 'state.db-wal'))).toBe(false);
  });

  it('prints a banner with everything a person needs', async () => {
    const path = join(temporaryFolder(), 'mine.db');
    const server = new ServerProcess(['--port', '0', '--db', path, '--limit', 'window_tokens=32768']);
    const banner: string[] = [];
    for (let line = await server.nextLine(); line !== undefined; line = await server.nextLine()) {
      banner.push(line);
      if (line.includes('KIMI_API_KEY')) break;
    }
    const text = banner.join('\n');
    const baseUrl = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(text)?.[0] ?? '';
    expect((await fetch(new URL('/_emulator/health', baseUrl))).status).toBe(200);
    expect(text).toContain(path);
    expect(text).toMatch(/tokenizer +o200k_base .*--tokenizer FILE/);
    expect(text).toMatch(/model +lookup /);
    expect(text).toMatch(/sessions 100$/m);
    expect(text).toMatch(/append_tokens 8,192$/m);
    expect(text).toMatch(/min_preserve_tokens 4,096$/m);
    expect(text).toMatch(/window_tokens 32,768 \(changed\)$/m);
    expect(text).toContain(`export KIMI_BASE_URL=${baseUrl}`);
    expect(text).toMatch(/export KIMI_API_KEY=\S+$/m);
    expect(await server.signal('SIGINT')).toMatchObject({ code: 0, stderr: '' });
  });

  it('with --memory says so, and leaves nothing', async () => {
    const cwd = temporaryFolder();
    const server = new ServerProcess(['--port', '0', '--memory', '--api-keys', 'sk-one,sk-two'], { cwd });
    const banner: string[] = [];
    while (!banner.at(-1)?.includes('KIMI_API_KEY')) banner.push((await server.nextLine()) ?? 'KIMI_API_KEY missing');
    expect(banner.join('\n')).toMatch(/state +in memory/);
    // A banner ends up in logs: it does not repeat the keys.
    expect(banner.join('\n')).not.toContain('sk-one');
    expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(cwd, '.kimi-emulator'))).toBe(false);
  });

  it('with --quiet prints nothing', async () => {
    const port = await freePort();
    const server = new ServerProcess(['--port', String(port), '--memory', '--quiet']);
    const health = async () => (await fetch(`http://127.0.0.1:${port}/_emulator/health`)).status;
    while ((await health().catch(() => 0)) !== 200);
    expect(await server.signal('SIGTERM')).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  });

  it('with --tokenizer counts with that vocabulary', async (context) => {
    const { server, ready } = await ServerProcess.listening([
      '--memory',
      '--tokenizer',
      requireShared(context, 'vocabulary'),
    ]);
    expect(ready.tokenizer).toBe('kimi-k2');
    const response = await fetch(`${ready.base_url}/tokenizers/estimate-token-count`, {
      method: 'POST',
      headers: { Authorization: 'Bearer any', 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: '红楼梦' }] }),
    });
    // One token of Kimi's vocabulary in a message alone is a prompt of 8.
    expect(await response.json()).toMatchObject({ data: { total_tokens: 8 } });
    expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
  });

  it.skipIf(!HAS_IPV6)('on every IPv6 address names a base URL that a client with a key can use', async () => {
    const { server, ready } = await ServerProcess.listening(['--memory', '--host', '::', '--api-keys', 'sk-one']);
    expect(ready.base_url).toBe(`http://[::1]:${ready.port}/v1`);
    expect((await fetch(new URL('/_emulator/health', ready.base_url))).status).toBe(200);
    expect((await server.signal('SIGTERM')).stderr).toContain('anyone with one of its keys can use this server');
  });

  it('on an address other than loopback warns, and names a base URL that a client can use', async () => {
    const server = new ServerProcess(['--port', '0', '--memory', '--host', '0.0.0.0']);
    const banner: string[] = [];
    while (!banner.at(-1)?.includes('KIMI_API_KEY')) banner.push((await server.nextLine()) ?? 'KIMI_API_KEY missing');
    const [, url = ''] = /kimi-emulator {2}(\S+)/.exec(banner.join('\n')) ?? [];
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    expect(banner).toContain(`  export KIMI_BASE_URL=${url}`);
    expect(banner.join('\n')).not.toContain('0.0.0.0');
    expect((await fetch(new URL('/_emulator/health', url))).status).toBe(200);
    const { stderr, code } = await server.signal('SIGTERM');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^kimi-emulator: 0\.0\.0\.0 can be reached from other machines[^\n]*\n$/);
  });
});
