import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS, FLAGS } from '../../emulator/cli/flags.ts';
import { temporaryFolder } from '../store/files.ts';
import { run } from './server-process.ts';

const CLI = fileURLToPath(new URL('../../dist/emulator/cli/main.js', import.meta.url));
let bash = '';

beforeAll(() => {
  bash = execFileSync(process.execPath, [CLI, 'completion', 'bash'], { encoding: 'utf8' });
});

/** What bash offers for the last of these words, in a folder with one file. */
function complete(...words: string[]): string[] {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'journal.json'), '');
  const script = `${bash}
COMP_WORDS=(kimi-emulator "$@"); COMP_CWORD=$#; _kimi_emulator; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const printed = execFileSync('bash', ['--norc', '-c', script, 'bash', ...words], { cwd: folder, encoding: 'utf8' });
  return printed.split('\n').filter((line) => line !== '');
}

describe('kimi-emulator completion bash', () => {
  it('completes every command, and every flag of the server', () => {
    expect(complete('')).toEqual(Object.keys(COMMANDS));
    expect(complete('--').toSorted()).toEqual(
      Object.keys(FLAGS)
        .map((flag) => `--${flag}`)
        .toSorted(),
    );
    expect(complete('sp')).toEqual(['spend']);
  });

  it.each([
    [['doctor', '--re'], ['--report']],
    [
      ['doctor', '--report', 'j'],
      ['json', 'junit'],
    ],
    [['doctor', '--report', 'junit,git'], ['junit,github']],
    [['doctor', 'jour'], ['journal.json']],
    [
      ['--rate-tier', ''],
      ['0', '1', '2', '3', '4', '5'],
    ],
    [['--import', ''], ['journal.json']],
    [['--port', ''], []],
    [
      ['gateway', '--up'],
      ['--upstream', '--upstream-key-env'],
    ],
    [['tape', 's'], ['show']],
    [['tape', 'show', ''], ['journal.json']],
    [
      ['conformance', 'p'],
      ['plan', 'probe'],
    ],
    [['conformance', '--profile', 's'], ['session']],
    [['exec', '--fail'], ['--fail-on']],
    [['exec', '--fail-on', 'doctor,f'], ['doctor,faults']],
    [['exec', '--', 'journal.js'], ['journal.json']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
  ])('completes %j', (words, offered) => {
    expect(complete(...words)).toEqual(offered);
  });
});

/** The script as it is loaded, or undefined where the shell is not here, which is said. */
async function scriptFor(shell: string, skip: (note: string) => void): Promise<string> {
  const { code, stdout } = await run(['completion', shell]);
  expect(code).toBe(0);
  if (spawnSync(shell, ['-c', 'true']).error) {
    console.warn(`SKIPPED: ${shell} (Debian: ${shell}) is not installed`);
    skip(`needs ${shell}`);
  }
  const path = join(temporaryFolder(), 'completion');
  writeFileSync(path, stdout);
  return path;
}

it('kimi-emulator completion fish completes commands, flags and values', async (context) => {
  const path = await scriptFor('fish', context.skip);
  const ask = (line: string) =>
    execFileSync('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', path, line], {
      encoding: 'utf8',
    })
      .trim()
      .split('\n')
      .map((row) => row.split('\t')[0]);
  expect(ask('kimi-emulator ')).toEqual(expect.arrayContaining(Object.keys(COMMANDS)));
  expect(ask('kimi-emulator doctor --rep')).toEqual(['--report']);
  expect(ask('kimi-emulator doctor --report ju')).toEqual(['junit']);
  expect(ask('kimi-emulator tape sh')).toContain('show');
});

it('kimi-emulator completion zsh completes commands, flags and values', async (context) => {
  const path = await scriptFor('zsh', context.skip);
  // Completion of zsh runs on a terminal only: one of its own, in which Tab is pressed.
  const script = `zmodload zsh/zpty; export TERM=dumb
zpty shell zsh -f -i
zpty -w shell "PROMPT=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -d $2.dump; source $1; print rea''dy"
zpty -m -r shell out '*ready*'
zpty -n -w shell "kimi-emulator $3"$'\\t'
zpty -m -r shell out "*$4*" && print -r found
zpty -d shell`;
  for (const [typed, completed] of [
    ['spe', 'spend'],
    ['doctor --rep', '--report'],
    ['doctor --report=ju', 'junit'],
    ['conformance swe', 'sweep'],
  ] as const) {
    const printed = execFileSync('timeout', ['60', 'zsh', '-f', '-c', script, 'zsh', path, path, typed, completed]);
    expect(String(printed), typed).toContain('found');
  }
});

it('kimi-emulator completion refuses another shell in one line', async () => {
  expect(await run(['completion', 'powershell'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'kimi-emulator completion: the shell is one of bash, zsh, fish, not powershell (see --help)\n',
  });
});
