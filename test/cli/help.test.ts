import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LIMIT_NAMES, LIMITS } from '../../contract/limits.ts';
import { FLAGS } from '../../emulator/cli/flags.ts';
import { OPTIONS, type Option } from '../../emulator/options.ts';
import { run } from './server-process.ts';

describe('--help', () => {
  it('lists every flag and every limit with its default, in columns', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const flag of Object.keys(FLAGS)) {
      expect(stdout).toMatch(new RegExp(`^  (-\\w, )?--${flag}( [A-Z=]+)? {2,}\\S`, 'm'));
    }
    for (const { flag } of Object.values<Option<unknown>>(OPTIONS)) if (flag) expect(FLAGS).toHaveProperty(flag.name);
    for (const name of LIMIT_NAMES) {
      expect(stdout).toMatch(new RegExp(`^  ${name} +${LIMITS[name].default} {2,}\\S`, 'm'));
    }
  });
});

it('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
});
