import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PROFILES } from '../../contract/models/profiles.ts';
import { modelsPage } from '../../docs/models-page.ts';
import { runModelsCommand } from '../../emulator/cli/models.ts';

async function run(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await runModelsCommand(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: {},
  });
  return { code, stdout, stderr };
}

it('kimi-emulator models prints the live models side by side, and no retired one', async () => {
  const { code, stdout } = await run();
  expect(code).toBe(0);
  for (const { id, retired } of PROFILES) {
    expect(stdout.includes(`${id} `) || stdout.includes(`${id}\n`), id).toBe(retired.value === null);
  }
  expect(stdout).toMatch(/^window +1,048,576 +1,048,576$/m);
});

it('kimi-emulator models NAME prints that model by any of its names', async () => {
  const { stdout } = await run('kimi-k2-0905', 'kimi-k2.6');
  expect(stdout).toMatch(/^ +kimi-k2-0905-preview +kimi-k2\.6$/m);
  expect(stdout).toMatch(/^retired +2026-05-25 +no$/m);
  expect(stdout).toMatch(/^temperature +free +1 only, 0\.6 without thinking$/m);
});

it('kimi-emulator models --json prints each fact with its evidence, source and date', async () => {
  const profiles = JSON.parse((await run('--all', '--json')).stdout);
  expect(profiles).toHaveLength(PROFILES.length);
  expect(profiles[0].window).toEqual({
    value: 1_048_576,
    evidence: 'client-author',
    source: 'apidog article on K3.1 Pro',
    date: '2026-10-24',
  });
});

it('kimi-emulator models ends with 2 and one line for an unknown model or flag', async () => {
  expect(await run('kimi-k9')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^[^\n]*unknown model kimi-k9; did you mean kimi-k3\? models: [^\n]*\n$/),
  });
  expect(await run('--every')).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown flag '--every'") });
});

it('docs/models.md is up to date with the profiles', () => {
  expect(readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8')).toBe(modelsPage());
});

it('kimi-emulator models puts as many models side by side as fit', async () => {
  const { stdout } = await run();
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(stdout).toMatch(/^ +kimi-k3\.1-pro +kimi-k3\.1-pro-highspeed$/m);
});
