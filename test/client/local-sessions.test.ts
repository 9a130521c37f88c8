import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { KimiClient } from '../../client/index.ts';
import { createEmulator } from '../../emulator/index.ts';
import { temporaryFolder } from '../store/files.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A program that does not know where its sessions are kept. */
const PROGRAM = `
import { KimiClient } from '${ROOT}dist/client/index.js';
const client = new KimiClient();
const other = client.withOptions({ maxRetries: 0 });
const { session_id } = await client.sessions.create({ messages: [{ role: 'system', content: 'The berth is B-14.' }] });
const messages = [{ role: 'user', content: 'What is the berth?' }];
const { choices } = await other.chat.completions.create({ model: 'kimi-k3', session_id, messages });
console.log(choices[0].message.content, (await client.sessions.retrieve(session_id)).usage.messages);
`;

it('one program runs on a server that keeps sessions and, by KIMI_SESSIONS=local, on one that keeps none', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  const [keeping, stateless] = [createEmulator(), createEmulator({ stateless: true })];
  for (const emulator of [keeping, stateless]) {
    onTestFinished(() => emulator.close());
    await emulator.listen();
  }
  const run = async (env: Record<string, string>) => {
    const options = { cwd: folder, env: { ...process.env, KIMI_API_KEY: 'sk-any', ...env } };
    return (await promisify(execFile)(process.execPath, ['program.mjs'], options)).stdout;
  };
  expect(await run({ KIMI_BASE_URL: keeping.baseURL })).toBe('B-14 3\n');
  expect(existsSync(join(folder, '.kimi-emulator'))).toBe(false);
  expect(await run({ KIMI_BASE_URL: stateless.baseURL, KIMI_SESSIONS: 'local' })).toBe('B-14 3\n');
  expect(existsSync(join(folder, '.kimi-emulator/gateway.db'))).toBe(true);
  await expect(run({ KIMI_BASE_URL: stateless.baseURL })).rejects.toThrow('404');
});

it('a place for sessions that does not exist is refused by name', () => {
  const options = { baseURL: 'http://127.0.0.1:9/v1', apiKey: 'sk-any', sessions: 'elsewhere' as 'local' };
  expect(() => new KimiClient(options)).toThrow('sessions (or KIMI_SESSIONS) is server or local, not elsewhere');
});
