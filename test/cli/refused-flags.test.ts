import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCli } from '../../emulator/cli/command-line.ts';
import { UsageError } from '../../emulator/terminal/flags.ts';
import { temporaryFolder } from '../store/files.ts';
import { run } from './server-process.ts';

/** What is typed wrong, and what the one line must name. */
const WRONG: [string[], string][] = [
  [['--prot', '4100'], "unknown flag '--prot'; did you mean --port?"],
  [['--tier', '1'], "unknown flag '--tier'; did you mean --rate-tier?"],
  [['--keys', 'sk-a'], "unknown flag '--keys'; did you mean --api-keys?"],
  [['--xyzzy'], "unknown flag '--xyzzy'"],
  [['start'], "'start'"],
  [['--port'], '--port'],
  [['--port', 'http'], '--port takes a number from 0 to 65535, not http'],
  [['--port', '65536'], '65536'],
  [['--port='], '--port'],
  [['--port', '-1'], '--port has no value; write --port=-… for one that begins with a dash'],
  [['--port=-1'], '--port takes a number from 0 to 65535, not -1'],
  [['--balance', '-5USD'], '--balance has no value'],
  [['--balance', '10 apples'], '--balance: '],
  [['--host='], '--host'],
  [['--db='], '--db takes a file, or :memory:, not nothing'],
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
  [['--rate-tier', '6'], '--rate-tier takes one of 0, 1, 2, 3, 4, 5, not 6'],
  [['--rate-tier='], '--rate-tier takes one of 0, 1, 2, 3, 4, 5'],
  [['--rate-tier', '1.0'], '--rate-tier takes one of'],
  [['--api-keys', ' , '], '--api-keys names no key'],
  [['--api-keys', '@no-such-file'], 'no-such-file cannot be read'],
  [['--api-keys', 'sk one'], '--api-keys takes a key that a header can carry, not sk one'],
  [['--models', 'kimi-k3,kimi-k9'], '--models takes one of kimi-k3.1-pro, kimi-k3.1-pro-highspeed, kimi-k3,'],
  [['--models', 'kimi-k3,kimi-k9'], 'kimi-k2-0905, not kimi-k9'],
  [['--models='], '--models takes one of kimi-k3.1-pro,'],
  [['--tokenizer='], '--tokenizer takes'],
  [['--import='], '--import takes FILE'],
  [['--export-on-exit='], '--export-on-exit takes FILE'],
  [['--cors', 'localhost:5173'], '--cors takes an origin'],
  [['--cors', 'http://localhost/path'], '--cors takes an origin'],
  [['--allow-host='], '--allow-host'],
  [['--allow-host', 'http://name'], '--allow-host'],
  [['--allow-host', 'name:8080'], '--allow-host'],
  [['--allow-host', '*'], '--allow-host takes a host name such as emulator.local, without wildcards, not *'],
];

describe('a wrong flag', () => {
  it.each(WRONG)('%j is refused in one line', (args, named) => {
    expect(() => parseCli(args)).toThrow(UsageError);
    expect(() => parseCli(args)).toThrow(named);
    expect(() => parseCli(args)).toThrow(/^[^\n]+$/);
  });

  it('is not an address in the brackets of its URL', () => {
    expect(parseCli(['--host', '[::1]']).host).toBe('::1');
    expect(parseCli(['--host', '::1']).host).toBe('::1');
  });

  it('in a list of keys from a file is refused in one line', () => {
    const file = join(temporaryFolder(), 'keys');
    writeFileSync(file, '\n \r\n');
    expect(() => parseCli(['--api-keys', `@${file}`])).toThrow('--api-keys names no key');
  });

  it('ends the process with 2', async () => {
    const ended = await run(['--limit=windows=5'], { cwd: temporaryFolder() });
    expect(ended.stderr).toMatch(/^kimi-emulator: [^\n]+ \(see --help\)\n$/);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
  });
});
