import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './graph.ts';

const FOLDER = join(ROOT, 'findings');
const files = readdirSync(FOLDER).filter((file) => file !== 'README.md');

/** The packages that a script installs: what follows `npm install`, over continued lines, without options. */
function installed(script: string): string[] {
  const command = /^nice npm install ((?:.*\\\n)*.*?) \|\| exit 2$/m.exec(script)?.[1] ?? '';
  const words = command.replace('--prefix "$dir"', '').split(/[\s\\]+/);
  return words.filter((word) => word !== '' && !word.startsWith('--'));
}

it('finds the findings', () => {
  expect(files.length).toBeGreaterThanOrEqual(6);
});

describe.each(files)('findings/%s', (file) => {
  const script = readFileSync(join(FOLDER, file), 'utf8');
  const head = script.split('\n').filter((line) => line.startsWith('# '));

  it('is an executable bash script that stops at the first error', () => {
    expect(file).toMatch(/^[a-z0-9-]+\.sh$/);
    expect(statSync(join(FOLDER, file)).mode & 0o111).toBe(0o111);
    expect(script).toMatch(/^#!\/usr\/bin\/env bash\n/);
    expect(script).toMatch(/^set -euo pipefail$/m);
  });

  it('works in a temporary folder that it removes', () => {
    expect(script).toContain('dir=$(mktemp -d)\ntrap \'rm -rf "$dir"\' EXIT\ncd "$dir"\n');
  });

  it('pins every package to an exact version, which its head names', () => {
    const packages = installed(script);
    expect(packages).not.toEqual([]);
    for (const name of packages) {
      expect(name).toMatch(/^(@[a-z0-9-]+\/)?[a-z0-9-]+@\d+\.\d+\.\d+$/);
      expect(head.join('\n')).toContain(name.replace(/@(?=[^@]+$)/, ' '));
    }
  });

  it('says when it was seen, what was printed and what follows for a user', () => {
    expect(head.join('\n')).toMatch(/seen \d{4}-\d{2}-\d{2}\.$/m);
    expect(head.join('\n')).toMatch(/^# Follows: /m);
    expect(head.join('\n')).toMatch(/^# Output seen:$/m);
  });

  it('imports nothing of this project', () => {
    expect(script).not.toMatch(/kimi-emulator|(?:from|import\(?|require\()\s*['"]\.{1,2}\//);
  });
});
