import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LIMIT_NAMES, LIMITS } from '../../contract/limits.ts';
import { run } from './server-process.ts';

const FLAGS = [
  ...[
    '--port',
    '--host',
    '--db',
    '--memory',
    '--tokenizer',
    '--keys',
    '--limit',
    '--seed',
    '--tier',
    '--cors',
    '--seed-file',
    '--export-on-exit',
  ],
  ...['--allow-host', '--json', '--quiet', '--help', '--version'],
];

describe('--help', () => {
  it('lists every flag and every limit with its default, each apart from what is said of it', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const flag of FLAGS) expect(stdout).toMatch(new RegExp(`^  (-\\w, )?${flag}( [A-Z=]+)? {2,}\\S`, 'm'));
    for (const name of LIMIT_NAMES) {
      expect(stdout).toMatch(new RegExp(`^  ${name} +${LIMITS[name].default} {2,}\\S`, 'm'));
    }
  });
});

it('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
});
