import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { inTurn } from '../support/in-turn.ts';
import { makeProject, ROOT } from '../testing/project.ts';

const itInTurn = inTurn(2);

const ENTRIES = Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'));
const SPECIFIERS = ENTRIES.map((path) => manifest.name + path.slice(1));
/** The fixtures load vitest, which itself cannot be required; nor needs to be, as its tests are modules. */
const FIXTURES = [`${manifest.name}/vitest`, `${manifest.name}/conformance/vitest`];
const BIN = manifest.bin['kimi-emulator'];

interface Ended {
  code: unknown;
  output: string;
}

function project(files: Record<string, string>, leftOut: string[] = []) {
  const { folder, env, remove } = makeProject(files, leftOut);
  onTestFinished(remove);
  const node = (...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      execFile(process.execPath, args, { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, output: stdout + stderr }),
      );
    });
  return { folder, node };
}

/** As npm leaves it where it may not run install scripts. */
function projectWithoutBinary() {
  const made = project({}, ['better-sqlite3']);
  const from = join(ROOT, 'node_modules/better-sqlite3');
  const to = join(made.folder, 'node_modules/better-sqlite3');
  cpSync(from, to, { recursive: true, filter: (path) => !path.startsWith(join(from, 'build')) });
  return made;
}

it.each([
  ['the server', [BIN, '--port', '0', '--memory']],
  ['the server with a file', [BIN, '--port', '0', '--db', 'state/state.db']],
  ['the gateway', [BIN, 'gateway', '--port', '0', '--upstream', 'http://127.0.0.1:9/v1']],
  ['exec', [BIN, 'exec', '--', process.execPath, '--version']],
  ['conformance', [BIN, 'conformance', '--case', 'append']],
])('without the binary of better-sqlite3 %s says in one line what to run', async (_, [path = '', ...args]) => {
  const { folder, node } = projectWithoutBinary();
  const { code, output } = await node(join('node_modules/kimi-emulator', path), ...args);
  expect(output.trimEnd().split('\n')).toEqual([
    expect.stringContaining(`run "npm rebuild better-sqlite3 --ignore-scripts=false" in ${folder}`),
  ]);
  expect(output).toMatch(/^kimi-emulator[\w ]*: better-sqlite3 is not compiled for Node v[\d.]+ on /);
  expect(code).not.toBe(0);
});

itInTurn('without the binary of better-sqlite3 createEmulator() throws the line, not a list of paths', async () => {
  const { node } = projectWithoutBinary();
  const program = `import('kimi-emulator').then(({ createEmulator }) => createEmulator()).catch((e) => console.log(e.message))`;
  const { output } = await node('-e', program);
  expect(output).toMatch(/^better-sqlite3 is not compiled .*\n$/);
});

itInTurn('without the binary of better-sqlite3 what needs no state works', async () => {
  const { node } = projectWithoutBinary();
  const { code, output } = await node(join('node_modules/kimi-emulator', BIN), 'models');
  expect(output).toContain('kimi-k3');
  expect(code).toBe(0);
});

const specifiers = SPECIFIERS.filter((name) => !FIXTURES.includes(name));

itInTurn('require() loads every entry of the package in CommonJS, where this Node can require modules', async () => {
  const names = JSON.stringify(specifiers);
  const { node } = project({
    'all.cjs': `for (const name of ${names}) console.log(name, Object.keys(require(name)).length > 0);
const emulator = require('kimi-emulator').createEmulator();
emulator.fetch(emulator.baseURL + '/models', { headers: { authorization: 'Bearer any' } }).then(({ status }) => console.log(status));`,
  });
  const { output } = await node('--no-warnings', 'all.cjs');
  expect(output).toBe(`${specifiers.map((name) => `${name} true\n`).join('')}200\n`);
});

itInTurn('require() says to use import() where this Node cannot require modules', async () => {
  const { node } = project({ 'one.cjs': `require('kimi-emulator');` });
  const { code, output } = await node('--no-experimental-require-module', 'one.cjs');
  expect(output).toMatch(/ERR_REQUIRE_ESM[\s\S]*dynamic import\(\)|dynamic import\(\)[\s\S]*ERR_REQUIRE_ESM/);
  expect(code).toBe(1);
});

it.each([
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])('a project with module %s, resolution %s and skipLibCheck off compiles', async (module, moduleResolution) => {
  const imports = SPECIFIERS.map((name, index) => `import * as entry${index} from '${name}';`);
  const source = `${imports.join('\n')}\nexport const all = [${imports.map((_, index) => `entry${index}`).join(', ')}];\n`;
  const compilerOptions = { module, moduleResolution, target: 'es2023', strict: true, skipLibCheck: false };
  const { folder, node } = project(
    {
      'all.ts': source,
      'tsconfig.json': JSON.stringify({ compilerOptions: { ...compilerOptions, noEmit: true, types: ['node'] } }),
    },
    ['@types'],
  );
  // What a project has by itself: types of Node, and none of what the package is built on.
  mkdirSync(join(folder, 'node_modules/@types'));
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  expect(await node('node_modules/typescript/bin/tsc', '-p', '.')).toEqual({ code: 0, output: '' });
});
