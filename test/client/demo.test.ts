import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RollingSession } from '../../client/index.ts';
import { textFiles } from '../../examples/input.ts';
import { Screen } from '../../examples/screen.ts';
import { collect, noSleep, SMALL, startBench } from './support.ts';

async function show(isTTY: boolean): Promise<string> {
  let written = '';
  const screen = new Screen({ isTTY, columns: 60, write: (text: string) => (written += text) }, SMALL.maxKeep);
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
