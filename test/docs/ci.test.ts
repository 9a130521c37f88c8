import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CASES } from '../../conformance/areas/cases.ts';
import { createEmulator } from '../../emulator/index.ts';
import { inTurn } from '../support/in-turn.ts';
import { slice } from '../support/slice.ts';
import { makeProject, ROOT } from '../testing/project.ts';

const itInTurn = inTurn(2);

const PAGE = readFileSync(`${ROOT}docs/ci.md`, 'utf8');
const BLOCKS = [...PAGE.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, language = '', code = '']) => ({
  language,
  code,
}));
const execute = promisify(execFile);

const LIVE = 'https://api.moonshot.ai/v1';
const KEY = 'sk-live-key';

/** Stands in for the live API: it keeps no sessions, and knows its keys. */
const live = createEmulator({ stateless: true, apiKeys: [KEY] });
const files = BLOCKS.flatMap(({ language, code }) =>
  language === 'js' ? [[/^\/\/ (\S+)/.exec(code)?.[1] ?? '', code]] : [],
);
const { folder, env, remove } = makeProject(Object.fromEntries(files));

beforeAll(async () => {
  await live.listen();
  const bin = join(folder, 'node_modules', '.bin');
  mkdirSync(bin);
  symlinkSync('../kimi-emulator/dist/emulator/cli/main.js', join(bin, 'kimi-emulator'));
  chmodSync(join(bin, 'kimi-emulator'), 0o755);
});
afterAll(async () => {
  await live.close();
  remove();
});

interface Step {
  run?: string;
  uses?: string;
  if?: string;
  env?: Record<string, string>;
}

interface Job {
  env?: Record<string, string>;
  steps: Step[];
}

/** What GitHub puts in place of its expressions. */
const VALUES: Readonly<Record<string, string>> = {
  'secrets.KIMI_API_KEY': KEY,
  'vars.KIMI_CONFORMANCE_MODEL': 'kimi-k3',
};

function filled(variables: Record<string, string> = {}): Record<string, string> {
  const fill = (text: string) =>
    text
      .replaceAll(LIVE, live.baseURL)
      .replaceAll(/\$\{\{ ([\w.]+) \}\}/g, (_, name) => VALUES[name] ?? expect.fail(name));
  return Object.fromEntries(Object.entries(variables).map(([name, text]) => [name, fill(text)]));
}

/** Cases of the kit that a step without a baseline runs at each commit: that it passes as a whole is shown elsewhere. */
const SOME = slice(
  CASES.map(({ id }) => id),
  20,
).join();

function asRun(command: string): string {
  return command
    .replaceAll(LIVE, live.baseURL)
    .replaceAll('kimi-emulator conformance --report', `kimi-emulator conformance --case ${SOME} --report`);
}

/** Runs a command as a runner does. The variables of this process that name a server are not the runner's. */
async function runStep(command: string, variables: Record<string, string>): Promise<string> {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:KIMI|OPENAI|MOONSHOT)_/.test(name)));
  const summary = { GITHUB_STEP_SUMMARY: join(folder, 'summary.md') };
  const { stdout, stderr } = await execute('bash', ['-eo', 'pipefail', '-c', asRun(command)], {
    cwd: folder,
    env: { ...clean, ...summary, ...variables },
    maxBuffer: 2 ** 26,
  }).catch((error: { stdout: string; stderr: string }) => expect.fail(`${command}\n${error.stdout}\n${error.stderr}`));
  return stdout + stderr;
}

/** Jobs of a workflow; a block of steps alone is one. */
function jobsIn(code: string): Job[] {
  const value = parse(code) as { jobs: Record<string, Job> } | Step[];
  return Array.isArray(value) ? [{ steps: value }] : Object.values(value.jobs);
}

const YAML = BLOCKS.filter(({ language }) => language === 'yaml').map(({ code }) => code);
const SHELL = BLOCKS.filter(({ language }) => language === 'sh').map(({ code }) => code);

async function runWorkflow(code: string): Promise<string> {
  let printed = '';
  for (const { steps, env: ofJob } of jobsIn(code)) {
    for (const { run, uses, env: ofStep } of steps) {
      if (run === undefined) expect(uses).toMatch(/^actions\/(?:checkout|setup-node|upload-artifact)@v5$/);
      else if (run !== 'npm ci') printed += await runStep(run, { ...filled(ofJob), ...filled(ofStep) });
    }
  }
  return printed;
}

itInTurn('the workflow of docs/ci.md that tests an app offline passes, and its step writes what it cost', async () => {
  const [offline = '', cost = ''] = YAML;
  const asked = live.journal.entries().length;
  const printed = await runWorkflow(offline);
  expect(printed).toMatch(/doctor: 0 errors/);
  expect(printed.match(/^# pass 1$/gm)).toHaveLength(2);
  expect(live.journal.entries()).toHaveLength(asked);
  await runWorkflow(cost);
  expect(readFileSync(join(folder, 'summary.md'), 'utf8')).toMatch(/^## Kimi spend\n[\s\S]*\*\*In total\*\* \| 1 \|/);
});

itInTurn('the workflow of docs/ci.md that tests an app by night asks the live API, and no other', async () => {
  const [, , nightly = ''] = YAML;
  const since = live.journal.entries().at(-1)?.n ?? 0;
  expect((await runWorkflow(nightly)).match(/^# pass 1$/gm)).toHaveLength(2);
  const asked = live.journal.entries({ operation: 'createChatCompletion', since });
  expect(asked.map(({ status }) => status)).toEqual([200, 200]);
});

itInTurn('the workflow of docs/ci.md for the kit writes its reports', async () => {
  const [, , , kit = ''] = YAML;
  expect(await runWorkflow(kit)).toContain('written: conformance-report/conformance.html');
  expect(readFileSync(join(folder, 'summary.md'), 'utf8')).toContain('## Kimi conformance');
});

itInTurn('the job of docs/ci.md for the live API passes with the list that the first run writes', async () => {
  const [first = ''] = SHELL;
  const [, , , , nightly = ''] = YAML;
  const given = { KIMI_API_KEY: KEY };
  expect(await runStep(first, given)).toMatch(/[1-9]\d* known failures written to live-baseline\.json/);
  expect(await runWorkflow(nightly)).toContain('Exit code 0: conformant.');
});

it('every block of docs/ci.md is run', () => {
  expect([files.length, YAML.length, SHELL.length]).toEqual([2, 5, 1]);
  expect(BLOCKS).toHaveLength(8);
});
