import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `lazy`: by `import()`, when it is needed. `type`: gone once compiled. */
type ImportKind = 'value' | 'type' | 'lazy';

/** One file imports another; paths are relative to the root of the project. */
interface Import {
  readonly from: string;
  readonly to: string;
  readonly kind: ImportKind;
}

/** What a node of the graph stands for: a file itself, or the folder that it belongs to. */
type NodeOf = (path: string) => string;

const STATIC = /^(?:import|export)\s(type\s)?(?:([^;'"]*?)\sfrom\s)?'(\.[^']+)'/gm;
const TYPE_QUERY = /\btypeof import\('(\.[^']+)'\)/g;
const LAZY = /(?<!typeof )\bimport\('(\.[^']+)'\)/g;

/** Files that git knows, and new ones, whose path matches. */
export function trackedFiles(pattern: RegExp): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');
  return listed.filter((path) => pattern.test(path) && existsSync(join(ROOT, path)));
}

/** Every source file outside test/. */
export function sourceFiles(): string[] {
  return trackedFiles(/\.tsx?$/).filter((path) => !path.startsWith('test/'));
}

/** The imports between files of the project. Read by regular expression, as the formatter writes each of them one way. */
export function readImports(files: readonly string[] = sourceFiles()): Import[] {
  return files.flatMap((from) => {
    const code = readFileSync(join(ROOT, from), 'utf8');
    const imported = (path: string | undefined, kind: ImportKind): Import => ({
      from,
      to: normalize(join(dirname(from), path ?? '')),
      kind,
    });
    return [
      ...[...code.matchAll(STATIC)].map(([, type, names, path]) =>
        imported(path, type !== undefined || onlyTypes(names ?? '') ? 'type' : 'value'),
      ),
      ...[...code.matchAll(TYPE_QUERY)].map(([, path]) => imported(path, 'type')),
      ...[...code.matchAll(LAZY)].map(([, path]) => imported(path, 'lazy')),
    ];
  });
}

/** Whether `{ type A, type B }` is all that is imported. */
function onlyTypes(names: string): boolean {
  const list = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1]?.split(',') ?? [];
  const given = list.map((name) => name.trim()).filter((name) => name !== '');
  return given.length > 0 && given.every((name) => name.startsWith('type '));
}

const fileOf: NodeOf = (path) => path;

/** The folder of a file. What stands at the root of the emulator puts folders together, and is a node of its own. */
export const folderOf: NodeOf = (path) => (dirname(path) === 'emulator' ? path : dirname(path));

/** Which nodes a node imports, itself left out. */
export function arrows(imports: readonly Import[], nodeOf: NodeOf = fileOf): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    const [node, target] = [nodeOf(from), nodeOf(to)];
    const targets = found.get(node) ?? new Set();
    found.set(node, targets);
    if (node !== target) targets.add(target);
  }
  return found;
}

/** Sets of nodes that reach each other: cycles at load time. */
export function valueCycles(imports: readonly Import[] = readImports(), nodeOf: NodeOf = fileOf): string[][] {
  return cycles(
    arrows(
      imports.filter(({ kind }) => kind === 'value'),
      nodeOf,
    ),
  );
}

/** Sets of nodes that reach each other once types count too, and are not a cycle at load time. */
export function typeCycles(imports: readonly Import[] = readImports(), nodeOf: NodeOf = fileOf): string[][] {
  const loading = new Set(valueCycles(imports, nodeOf).map(String));
  const known = cycles(
    arrows(
      imports.filter(({ kind }) => kind !== 'lazy'),
      nodeOf,
    ),
  );
  return known.filter((cycle) => !loading.has(String(cycle)));
}

/** Strongly connected components of more than one node, each in order [Tarjan 1972]. */
function cycles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): number => {
    const own = index.size;
    index.set(node, own);
    low.set(node, own);
    stack.push(node);
    for (const target of graph.get(node) ?? []) {
      if (!index.has(target)) low.set(node, Math.min(low.get(node) ?? own, visit(target)));
      else if (stack.includes(target)) low.set(node, Math.min(low.get(node) ?? own, index.get(target) ?? own));
    }
    const least = low.get(node) ?? own;
    if (least === own) {
      const component = stack.splice(stack.indexOf(node));
      if (component.length > 1) found.push(component.toSorted());
    }
    return least;
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}
