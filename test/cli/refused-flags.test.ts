import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCli, UsageError } from '../../emulator/cli/options.ts';
import { temporaryFolder } from '../store/files.ts';
import { run } from './server-process.ts';

/** What is typed wrong, and what the one line must name. */
const WRONG: [string[], string][] = [
  [['--prot', '4100'], "'--prot'"],
  [['start'], "'start'"],
  [['--port'], '--port'],
  [['--port', 'http'], '--port takes a number from 0 to 65535, not http'],
  [['--port', '65536'], '65536'],
  [['--port='], '--port'],
  [['--port', '-1'], '--port has no value; one that begins with a dash is written --port=-'],
  [['--port=-1'], '--port takes a number from 0 to 65535, not -1'],
  [['--balance', '-5USD'], '--balance has no value'],
  [['--host='], '--host'],
  [['--db='], '--db'],
  [['--db', 'x.db', '--memory'], '--db and --memory'],
  [['--memory=yes'], '--memory'],
  [['--limit', 'windows=5'], 'unknown limit windows'],
  [['--limit', 'window_tokens'], '--limit takes NAME=N, not window_tokens'],
  [['--limit', 'window_tokens='], '--limit takes NAME=N'],
  [['--limit', 'window_tokens=many'], '--limit window_tokens takes a number, not many'],
  [['--limit', 'window_tokens=1.5'], 'limit window_tokens'],
  [['--limit', 'window_tokens=63'], 'limit window_tokens'],
  [['--limit', 'window_tokens=100=200'], '--limit takes NAME=N, not window_tokens=100=200'],
  [['--limit', '__proto__=1'], 'unknown limit __proto__'],
  [['--tier', '6'], '--tier takes one of 0, 1, 2, 3, 4, 5, not 6'],
  [['--tier='], '--tier takes one of 0, 1, 2, 3, 4, 5'],
  [['--tier', '1.0'], '--tier takes one of'],
  [['--keys', ' , '], '--keys names no key'],
  [['--keys', '@no-such-file'], 'no-such-file cannot be read'],
  [['--keys', 'sk one'], '--keys'],
  [['--cors', 'localhost:5173'], '--cors takes an origin'],
  [['--cors', 'http://localhost/path'], '--cors takes an origin'],
  [['--allow-host='], '--allow-host'],
  [['--allow-host', 'http://name'], '--allow-host'],
  [['--allow-host', 'name:8080'], '--allow-host'],
];

describe('a wrong flag', () => {
  it.each(WRONG)('%j is told in one line', (args, named) => {
    expect(() => parseCli(args)).toThrow(UsageError);
    expect(() => parseCli(args)).toThrow(named);
    expect(() => parseCli(args)).toThrow(/^[^\n]+$/);
  });

  it('is none where an address has the brackets of its URL', () => {
    expect(parseCli(['--host', '[::1]']).host).toBe('::1');
    expect(parseCli(['--host', '::1']).host).toBe('::1');
  });

  it('in a list of keys from a file is told in one line', () => {
    const file = join(temporaryFolder(), 'keys');
    writeFileSync(file, '\n \r\n');
    expect(() => parseCli(['--keys', `@${file}`])).toThrow('--keys names no key');
  });

  it.each(['--prot', '--port=65536', '--limit=windows=5'])('ends the process with 2: %s', async (flag) => {
    const ended = await run([flag], { cwd: temporaryFolder() });
    expect(ended.stderr).toMatch(/^kimi-emulator: [^\n]+ \(see --help\)\n$/);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
  });
});
