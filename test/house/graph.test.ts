import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { folderOf, ROOT, readImports, typeCycles, valueCycles } from './graph.ts';

/** One of every form in which a file of this project imports another. */
const FORMS = `#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import './effect.ts';
import first, { second, type Third } from './value.ts';
import * as all from './all.ts';
import type { Fourth } from './type.ts';
import { type Fifth, type Sixth } from './types.ts';
import {
  type Seventh,
  eighth,
} from './lines.ts';
export * from './star.ts';
export type { Ninth } from './exported.ts';
const load = () => import('./lazy.ts');
type Module = typeof import('./module.ts');
`;

it('reads every form of import with its kind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kimi-graph-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'forms.ts'), FORMS);
  const own = relative(ROOT, folder);
  const read = readImports([join(own, 'forms.ts')]).map(({ to, kind }) => [relative(own, to), kind]);
  expect(read).toEqual([
    ['effect.ts', 'value'],
    ['value.ts', 'value'],
    ['all.ts', 'value'],
    ['type.ts', 'type'],
    ['types.ts', 'type'],
    ['lines.ts', 'value'],
    ['star.ts', 'value'],
    ['exported.ts', 'type'],
    ['module.ts', 'type'],
    ['lazy.ts', 'lazy'],
  ]);
});

it('finds cycles of values and of types apart, between files and between folders', () => {
  const edge = (from: string, to: string, kind: 'value' | 'type' | 'lazy' = 'value') => ({ from, to, kind });
  const imports = [
    edge('x/a.ts', 'x/b.ts'),
    edge('x/b.ts', 'y/c.ts'),
    edge('y/c.ts', 'x/a.ts', 'type'),
    edge('y/d.ts', 'x/b.ts'),
    edge('x/a.ts', 'z/e.ts', 'lazy'),
    edge('z/e.ts', 'x/a.ts'),
  ];
  expect(valueCycles(imports)).toEqual([]);
  expect(typeCycles(imports)).toEqual([['x/a.ts', 'x/b.ts', 'y/c.ts']]);
  expect(valueCycles(imports, folderOf)).toEqual([['x', 'y']]);
});

it('finds no cycle of imports between the files of the project, types included', () => {
  expect(valueCycles()).toEqual([]);
  expect(typeCycles()).toEqual([]);
});
