import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { arrows, ROOT, readImports, sourceFiles } from './graph.ts';

const [, LIST = '', ARROWS = '', ENGINES = ''] = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  .split(/```\w*\n/)
  .filter((_, place) => place % 2 === 1 || place === 0);
const PARTS = ['contract', 'emulator', 'client', 'conformance'];
const imports = readImports().filter(({ from }) => PARTS.includes(from.split('/')[0] ?? ''));

/** Folders of the emulator, and of the engines, each with those that it imports. */
function arrowsBelow(folder: string): Record<string, string[]> {
  const inside = imports.filter(({ from, to }) => [from, to].every((path) => path.startsWith(`${folder}/`)));
  const nodeOf = (path: string) => path.slice(folder.length + 1).replace(/\/.*/, '/');
  const isFolder = (node: string) => node.endsWith('/');
  const found = [...arrows(inside, nodeOf)].filter(([node]) => isFolder(node));
  return Object.fromEntries(found.map(([node, targets]) => [node, [...targets].filter(isFolder).toSorted()]));
}

/** Lines such as `rate/ → http/`. */
function readArrows(block: string): Record<string, string[]> {
  const lines = block.split('\n').filter((line) => line.includes('→'));
  const read = lines.map((line) => line.split('→').map((side) => side.match(/[\w-]+\//g) ?? []));
  return Object.fromEntries(read.map(([[from = ''] = [], targets = []]) => [from, targets.toSorted()]));
}

/** Folders that import something get a line; those that import nothing but the contract stand on none. */
const drawn = (all: Record<string, string[]>) =>
  Object.fromEntries(Object.entries(all).filter(([, targets]) => targets.length > 0));

describe('ARCHITECTURE.md', () => {
  it('lists the folders of the package and the files at the root of the emulator, and no others', () => {
    const files = sourceFiles().filter((path) => PARTS.includes(path.split('/')[0] ?? ''));
    const folders = files.map(dirname).filter((path) => !path.startsWith('conformance/areas/'));
    const rooms = [...new Set(folders)].map((path) => `${path.split('/').at(-1)}/`);
    const roots = files.filter((path) => dirname(path) === 'emulator').map((path) => path.slice('emulator/'.length));
    const listed: string[] = LIST.match(/[\w.-]+(?:\/|\.ts)(?=\s|·|$)/gm) ?? [];
    expect([...rooms, ...roots].filter((name) => !listed.includes(name))).toEqual([]);
    const besides = [...readdirSync(ROOT), ...roots].map((name) => name.replace(/^(?!.*\.)(.*)$/, '$1/'));
    expect(listed.filter((name) => ![...rooms, ...besides, 'areas/'].includes(name))).toEqual([]);
  });

  it('draws the arrows between the folders of the emulator as the imports run', () => {
    expect(readArrows(ARROWS)).toEqual(drawn(arrowsBelow('emulator')));
    expect(readArrows(ENGINES)).toEqual(drawn(arrowsBelow('emulator/engines')));
  });

  it('is right that parts meet in the contract and in what commands share only, but for the fixture of vitest and the policies', () => {
    const between = imports.filter(({ from, to }) => from.split('/')[0] !== to.split('/')[0]);
    const others = between.filter(({ to }) => !/^(?:contract|emulator\/terminal)\//.test(to));
    const met = others.map(({ from, to }) => `${from.replace(/(simulate\/).*/, '$1')} → ${to}`);
    expect([...new Set(met)].toSorted()).toEqual([
      'emulator/simulate/ → client/defaults.ts',
      'emulator/simulate/ → client/rolling/decide-shrink.ts',
      'emulator/vitest.ts → client/index.ts',
    ]);
  });
});

interface Override {
  includes: string[];
  linter: { rules: { style: { noRestrictedImports: { options: { patterns: { group: string[] }[] } } } } };
}

it('biome.json refuses every import between folders of the emulator that no arrow allows', () => {
  const { overrides } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8')) as { overrides: Override[] };
  for (const [folder, targets] of Object.entries(arrowsBelow('emulator'))) {
    // Rules of their own: they import nothing of the server.
    if (folder === 'engines/' || folder === 'terminal/') continue;
    const own = overrides.filter(({ includes }) => includes.includes(`emulator/${folder}**`));
    const groups = own.flatMap(({ linter }) => linter.rules.style.noRestrictedImports.options.patterns);
    const patterns = groups.flatMap(({ group }) => group);
    // Nothing of another folder, then files at the root of the emulator, seen from a folder below, and the exceptions.
    expect(patterns.slice(0, 4), folder).toEqual(['../*/**', '../../*/**', '../../../*/**', '!../../*.ts']);
    const allowed = patterns.slice(4).filter((pattern) => pattern.startsWith('!'));
    const partsOf = (part: string) =>
      imports.some(({ from, to }) => from.startsWith(`emulator/${folder}`) && to.startsWith(part)) ? [part] : [];
    expect(allowed.toSorted(), folder).toEqual(
      ['contract/', ...partsOf('client/'), ...targets].map((name) => `!**/${name}**`).toSorted(),
    );
  }
});
