import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { LATENCY } from '../../emulator/simulate/money.ts';
import { POLICY_NAMES } from '../../emulator/simulate/settings.ts';
import { slice } from '../support/slice.ts';
import { makeProject, ROOT } from '../testing/project.ts';

const PAGE = readFileSync(`${ROOT}docs/simulate.md`, 'utf8');
const execute = promisify(execFile);

function block(language: string): string {
  return new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(PAGE)?.[1] ?? '';
}

const session = Array.from({ length: 30 }, (_, round) => [
  {
    role: 'user',
    content: `The badge of visitor ${round} is Z${7_000 + round}. ${`Line ${round} says nothing new. `.repeat(120)}`,
  },
  { role: 'assistant', content: `Noted, ${round}.` },
]).flat();
const { folder, env, remove } = makeProject({
  'session.jsonl': session.map((message) => JSON.stringify(message)).join('\n'),
  'example.mts': block('ts'),
});
afterAll(remove);

const COMMANDS = block('sh').trim().split('\n');

it.each(slice(COMMANDS, 4))('the command of docs/simulate.md runs: %s', async (command) => {
  const installed = command.replaceAll(
    'npx kimi-emulator',
    'node node_modules/kimi-emulator/dist/emulator/cli/main.js',
  );
  const { stdout } = await execute('sh', ['-ec', installed], {
    cwd: folder,
    env: { ...env, KIMI_TOKENIZER: 'o200k_base' },
    maxBuffer: 2 ** 26,
  });
  expect(stdout.match(/Recommended: /g)).toHaveLength(1);
  if (command.includes('report.html')) expect(readFileSync(`${folder}/report.html`, 'utf8')).toContain('<svg');
});

it('docs/simulate.md has four commands, one of which writes a page', () => {
  expect(COMMANDS).toHaveLength(4);
  expect(COMMANDS.filter((command) => command.includes('report.html'))).toHaveLength(1);
});

it('the code of docs/simulate.md runs', async () => {
  const tsx = `${ROOT}node_modules/tsx/dist/esm/index.mjs`;
  const { stdout } = await execute(process.execPath, ['--import', tsx, 'example.mts'], { cwd: folder, env });
  expect(stdout).toMatch(/^mine at 12,000, keep 5,000 [\d.]+ [\d.]+$/m);
});

it('docs/simulate.md names every policy, and the latency that is modelled', () => {
  for (const name of POLICY_NAMES) expect(PAGE).toContain(`| \`${name}\` |`);
  expect(PAGE).toContain(`${LATENCY.prefillTokensPerSecond.toLocaleString('en-US')} tokens a second are read`);
  expect(PAGE).toContain(`${LATENCY.decodeTokensPerSecond} are written`);
});
