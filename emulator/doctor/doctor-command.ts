import { parseArgs } from 'node:util';
import { usageFault } from '../cli/usage-fault.ts';
import { diagnose } from './diagnose.ts';
import { NoJournal, readJournal } from './read-journal.ts';
import { count, reportJson, reportText } from './report.ts';

/** What the exit code says to a CI job. */
export const DOCTOR_EXIT = { fine: 0, errors: 1, usage: 2, noJournal: 3 } as const;
const DEFAULT_URL = 'http://127.0.0.1:4100';

const HELP = `Usage: kimi-emulator doctor [URL|FILE] [--json]

Reads the journal of a run and says what would hurt on the live API, each with the requests that show it and what to do.

  URL     a running emulator (default ${DEFAULT_URL})
  FILE    what GET /_emulator/journal answered
  --json  for programs

Exit codes: 0 no errors, 1 errors found, 2 the command line is wrong, 3 there is no journal to be had
`;

/** Where the command writes. */
export interface CommandIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** The subcommand `kimi-emulator doctor`. Resolves to the exit code; complaints are one line each. */
export async function runDoctorCommand(args: string[], { stdout, stderr }: CommandIo): Promise<number> {
  const complain = (message: string) => stderr.write(`kimi-emulator doctor: ${message}\n`);
  let asked: ReturnType<typeof parse>;
  try {
    asked = parse(args);
  } catch (error) {
    complain(`${usageFault(error)} (see --help)`);
    return DOCTOR_EXIT.usage;
  }
  if (asked.help) {
    stdout.write(HELP);
    return DOCTOR_EXIT.fine;
  }
  try {
    const { source } = asked;
    const file = await readJournal(source);
    const findings = diagnose(file);
    const report = { source, file, findings };
    stdout.write(asked.json ? reportJson(report) : reportText(report));
    return count(findings, 'error') > 0 ? DOCTOR_EXIT.errors : DOCTOR_EXIT.fine;
  } catch (error) {
    if (!(error instanceof NoJournal)) throw error;
    complain(error.message);
    return DOCTOR_EXIT.noJournal;
  }
}

/** @throws TypeError in the words of `parseArgs` */
function parse(args: string[]): { source: string; json: boolean; help: boolean } {
  const { values, positionals } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  const [source = DEFAULT_URL, ...more] = positionals;
  if (more.length > 0) throw new TypeError(`one URL or FILE at a time, not ${positionals.join(' and ')}`);
  return { source, json: values.json ?? false, help: values.help ?? false };
}
