import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import { temporaryFolder } from '../store/files.ts';
import { freePort, startGateway } from './gateway.ts';

/** Another than that of the path: `KIMI_NGINX=/opt/nginx/sbin/nginx`. */
const NGINX = process.env.KIMI_NGINX ?? 'nginx';
const isThere = spawnSync(NGINX, ['-v']).status === 0;
if (!isThere) console.warn(`gateways behind nginx: SKIPPED, there is no ${NGINX} here (Debian: nginx-light)`);

const PAGE = readFileSync(new URL('../../docs/gateway.md', import.meta.url), 'utf8');
const [, CONFIGURATION = ''] = /```nginx\n([\s\S]*?)```/.exec(PAGE) ?? [];

/** nginx with the configuration of the page, between its ports and these. @returns its base URL */
async function startNginx(shards: readonly [string, string]): Promise<string> {
  const folder = temporaryFolder();
  const port = await freePort();
  const ports = new Map([
    ['4100', String(port)],
    ['4101', new URL(shards[0]).port],
    ['4102', new URL(shards[1]).port],
  ]);
  const http = CONFIGURATION.replaceAll(/\b410[012]\b/g, (told) => ports.get(told) ?? told);
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => {
    mkdirSync(join(folder, name));
    return `${name}_temp_path ${join(folder, name)};`;
  });
  const whole = `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
    events {} http { access_log off; ${places.join(' ')} ${http} }`;
  writeFileSync(join(folder, 'nginx.conf'), whole);
  const child = spawn(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (part) => {
    said += part;
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const base = `http://127.0.0.1:${port}`;
  await expect
    .poll(() =>
      fetch(`${base}/_emulator/health`).then(
        ({ status }) => status,
        () => said,
      ),
    )
    .toBe(200);
  return `${base}/v1`;
}

describe.skipIf(!isThere)('gateways behind nginx, as docs/gateway.md has it', () => {
  it('keep the sessions of each key in one place, and stream as they are', async () => {
    const upstream = createEmulator({ stateless: true });
    onTestFinished(() => upstream.close());
    await upstream.listen();
    const shards = await Promise.all([1, 2].map(() => startGateway('over HTTP', upstream.baseURL)));
    const [one, two] = shards.map(({ emulator }) => emulator);
    const base = await startNginx([one?.baseURL ?? '', two?.baseURL ?? '']);
    for (let account = 0; account < 16; account += 1) {
      const headers = { Authorization: `Bearer sk-${account}`, 'Content-Type': 'application/json' };
      const post = (path: string, body: object) =>
        fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
      const messages = [{ role: 'user', content: 'The code is 7. What is the code?' }];
      const created = await post('/sessions', { model: 'kimi-k3', messages });
      const { id } = (await created.json()) as { id: string };
      for (const stream of [false, true]) {
        const turn = await post('/chat/completions', { model: 'kimi-k3', messages, session_id: id, stream });
        expect([turn.status, await turn.text()]).toEqual([200, expect.stringContaining('7')]);
      }
      expect((await (await fetch(`${base}/sessions`, { headers })).json()) as object).toMatchObject({ data: [{ id }] });
    }
    const held = shards.map(({ emulator }) => emulator.journal.entries({ operation: 'createSession' }).length);
    expect(held.reduce((sum, count) => sum + count)).toBe(16);
    for (const count of held) expect(count).toBeGreaterThan(0);
  });
});
