import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RollingSession } from '../../client/index.ts';
import { textFiles } from '../../examples/input.ts';
import { Screen } from '../../examples/screen.ts';
import { startEmulator } from '../support/emulator.ts';
import { collect, noSleep, SMALL, startBench } from './support.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

async function show(isTTY: boolean): Promise<string> {
  let written = '';
  const screen = new Screen(
    { isTTY, columns: 60, write: (text: string) => (written += text) },
    SMALL.maxKeep,
    'kimi-k3',
  );
  const { client } = await startBench();
  const agent = await RollingSession.open(client, { ...SMALL, sleep: noSleep });
  agent.events.on('window', ({ tokens }) => screen.window(tokens));
  agent.events.on('snapshot', ({ snapshotId }) => screen.snapshot(snapshotId));
  agent.events.on('truncate', ({ before, after }) => screen.cut(before, after));
  for (let file = 0; file < 6; file += 1) {
    screen.begin(`file-${file}.ts`);
    for await (const delta of agent.chat(`Review file ${file}: ${'and so on '.repeat(40)}`)) screen.text(delta);
    screen.end(await agent.complete('Once more.'));
  }
  screen.close(agent.turns, agent.snapshots.length);
  return written;
}

/** `npm run demo`, as a process of its own. */
function runDemo(env: Record<string, string>) {
  const args = ['--import', 'tsx', 'examples/demo.ts'];
  return promisify(execFile)(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env } });
}

describe('the demo', () => {
  it('prints plain lines where nobody watches', async () => {
    const written = await show(false);
    expect(written).not.toContain('\x1b');
    expect(written).toMatch(/^snapshot snap_\w+\ncut {6}\d+ -> \d+ tokens$/m);
    expect(written).toMatch(/^reviewed file-5\.ts {2}[\d,]+ tokens read, \$\d\.\d{4} so far$/m);
    expect(written).toMatch(/12 turns, \d+ snapshots, [\d,]+ tokens cut, \d+ in the window, \$\d\.\d{4} so far\n$/);
  });

  it('draws a bar in place on a terminal, and leaves nothing of it behind', async () => {
    const written = await show(true);
    expect(written).toMatch(/\[#+-*\] \d+ of 600 tokens/);
    const drawn = written.split('\x1b[4A\x1b[J');
    expect(drawn.length).toBeGreaterThan(20);
    expect(drawn.at(-1)).toMatch(/^12 turns, [^\n]*\n$/);
  });

  it('asks of its own folder what an emulator can quote', async () => {
    const { stdout } = await runDemo({ KIMI_BASE_URL: '' });
    expect(stdout).toMatch(
      /^reviewed examples\/chat-round\.ts {2}\d+ tokens read, \$0\.\d{4} so far\n {9}examples\/chat-round\.ts, \d+ lines, read$/m,
    );
    expect(stdout).toMatch(/^cut {6}[\d,]+ -> [\d,]+ tokens$/m);
    expect(stdout).not.toContain('NOT_FOUND');
  });

  it('says what the server says that it cost', async () => {
    const api = await startEmulator('over HTTP');
    const { stdout } = await runDemo({ KIMI_BASE_URL: api.emulator.baseURL, KIMI_API_KEY: 'sk-demo' });
    const { total, currency } = await api.emulator.spend();
    const [, printed] = /, \$([\d.]+) so far\n$/.exec(stdout) ?? [];
    expect([Number(printed), currency]).toEqual([Number(total.cost.toFixed(4)), 'USD']);
    expect(total.turns).toBeGreaterThan(9);
    expect(total.cached_tokens).toBeGreaterThan(0);
  });

  it('reads the text files of a folder, and nothing hidden, generated or binary', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'demo-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const files = {
      'b.ts': 'text',
      'a/c.md': 'text',
      '.env': 'secret',
      'node_modules/x.js': 'x',
      'd.bin': 'a\0b',
      'empty.txt': '',
    };
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    const found = await collect(textFiles(folder));
    expect(found.map((path) => relative(folder, path))).toEqual(['a/c.md', 'b.ts']);
  });
});
