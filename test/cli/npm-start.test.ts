import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../store/files.ts';
import { slice } from '../support/slice.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const NEEDED = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'build.ts',
  'contract',
  'emulator',
  'client',
  'conformance',
];

/** At one commit in eight: npm test builds by the same command, and other tests serve what it has built. */
const [chosen] = slice([true, ...Array(7).fill(false)], 8);

it.runIf(chosen)('npm start builds from a fresh checkout and serves', async () => {
  // A copy: other tests run what is built in the project itself.
  const folder = temporaryFolder();
  for (const name of NEEDED) cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  const child = spawn('npm', ['start', '--', '--port', '0', '--json'], { cwd: folder, detached: true });
  onTestFinished(() => end(child));
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue;
    const { base_url } = JSON.parse(line) as { base_url: string };
    const models = await fetch(`${base_url}/models`, { headers: { Authorization: 'Bearer any' } });
    expect(models.status).toBe(200);
    return;
  }
  throw new Error(`it did not start: ${stderr}`);
});

/** npm, the shell and the server are one process group of this test's own. */
async function end(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  await closed;
}
