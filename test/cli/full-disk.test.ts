import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../store/files.ts';
import { ServerProcess } from './server-process.ts';

const HEADERS = { Authorization: 'Bearer any', 'Content-Type': 'application/json' };
const message = JSON.stringify({ role: 'user', content: 'word '.repeat(4_000) });

it('a full disk is reported in one line per request, and the request changes nothing', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const { server, ready } = await ServerProcess.listening(['--db', path], { fileBlocks: 1_000 });
  const created = await fetch(`${ready.base_url}/sessions`, { method: 'POST', headers: HEADERS });
  const { id } = (await created.json()) as { id: string };
  const session = `${ready.base_url}/sessions/${id}`;
  const append = async () =>
    (await fetch(`${session}/messages`, { method: 'POST', headers: HEADERS, body: message })).status;
  let written = 0;
  while ((await append()) === 200) written += 1;
  expect(await append()).toBe(500);
  const shown = (await (await fetch(session, { headers: HEADERS })).json()) as { usage: { messages: number } };
  expect(written).toBeGreaterThan(0);
  expect(shown.usage.messages).toBe(written);
  const { code, stderr } = await server.signal('SIGTERM');
  expect(code).toBe(0);
  const line = `kimi-emulator: a request was refused: ${path} cannot be read or written: the disk is full, limits the size of a file, or is out of order\n`;
  expect(stderr).toBe(line + line);
});
