import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, trackedFiles } from './graph.ts';

const FROM = /^(?:import|export)\s(?:type\s)?([^;'"]*?)\sfrom\s'(\.[^']+)'/gm;
const LAZY = /\bimport\('(\.[^']+)'\)/g;
const EXPORTED = /^export (?:async |abstract )?(?:const|let|function\*?|class|interface|type) (\w+)/gm;
/** Loaded by a computed path, or by vitest. */
const LOADED = ['conformance/cli/command.ts', 'test/support/slice.ts'];

/** Named in the declarations of files that do not import it. */
const DECLARED = ['conformance/areas/rule.ts SourceRule'];

const files = trackedFiles(/\.tsx?$/);
const code = new Map(files.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));

/** The package's entry points, and files of which all is imported, by `*` or by `import()`. */
function readWhole(): Set<string> {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
  };
  const entries = Object.values(exports).map((path) => path.replace('./dist/', '').replace(/\.js$/, '.ts'));
  const whole = new Set([...entries, ...LOADED]);
  for (const [from, text] of code) {
    const target = (path = '') => normalize(join(dirname(from), path));
    for (const [, names, path] of text.matchAll(FROM)) if (names?.includes('*')) whole.add(target(path));
    for (const [, path] of text.matchAll(LAZY)) whole.add(target(path));
  }
  return whole;
}

/** `path name` of everything that some file imports by name. */
function readNames(): Set<string> {
  const imported = [...code].flatMap(([from, text]) =>
    [...text.matchAll(FROM)].flatMap(([, names = '', path = '']) => {
      const list = /\{([\s\S]*)\}/.exec(names)?.[1]?.split(',') ?? [];
      const target = normalize(join(dirname(from), path));
      return list.map(
        (name) =>
          `${target} ${
            name
              .trim()
              .replace(/^type /, '')
              .split(' as ')[0]
          }`,
      );
    }),
  );
  return new Set(imported);
}

it('exports nothing that no other file imports', () => {
  const [whole, names] = [readWhole(), readNames()];
  const exported = [...code]
    .filter(([path]) => !whole.has(path))
    .flatMap(([path, text]) => [...text.matchAll(EXPORTED)].map(([, name]) => `${path} ${name}`));
  expect(exported.length).toBeGreaterThan(500);
  expect(exported.filter((name) => !names.has(name))).toEqual(DECLARED);
});
