import { FLAGS } from './options.ts';

const COMMAND_LINES = [
  ['run', 'judge the target and report (what is done where no command is given)'],
  ['plan', 'print what a run would send and cost, and send nothing'],
  ['list', 'print every case, its checks and the rules they judge'],
  ['probe', 'print what the target offers; creates nothing'],
  ['diff A B', 'compare two reports (JSON), rule by rule'],
  ['sweep', 'delete what a killed run left behind'],
] as const;

const ENVIRONMENT = [
  ['KIMI_CONFORMANCE_TARGET', 'emulator, live or a URL'],
  ['KIMI_BASE_URL, KIMI_API_KEY', 'the endpoint, for live'],
  ['KIMI_CONFORMANCE_MODEL', 'the model that is asked, for live'],
  ['KIMI_API_KEY_B', 'a second account, for the rules between accounts'],
] as const;

const EXIT_CODES = [
  ['0', 'conformant'],
  ['1', 'not conformant, or the list of known failures is stale'],
  ['2', 'wrong configuration, or nothing selected'],
  ['3', 'incomplete: something could not be judged'],
  ['4', 'the budget is used up'],
  ['5', 'something could not be cleaned up: run sweep'],
  ['130', 'interrupted'],
] as const;

export function helpText(): string {
  const flags = Object.entries(FLAGS).map(([name, flag]) => {
    const short = 'short' in flag ? `-${flag.short}, ` : '';
    return [`${short}--${name}${'value' in flag ? ` ${flag.value}` : ''}`, flag.help] as const;
  });
  return [
    'Usage: kimi-emulator conformance [command] [flags]   judge a server by the contract',
    ...section('Commands', COMMAND_LINES),
    ...section('Flags', flags),
    ...section('Environment', ENVIRONMENT),
    ...section('Exit codes', EXIT_CODES),
    '',
  ].join('\n');
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return ['', `${title}:`, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)];
}
