import { parseArgs } from 'node:util';
import { count, diagnose, reportJson, reportText } from '../doctor/diagnose.ts';
import { JournalReadError, readJournal } from '../doctor/read-journal.ts';
import { type CommandIo, usageFault } from './usage.ts';

const EXIT = { ok: 0, errors: 1, usage: 2, noJournal: 3 } as const;
const DEFAULT_URL = 'http://127.0.0.1:4100';

const HELP = `Usage: kimi-emulator doctor [URL|FILE] [--json] [--control-key KEY]

Reads the journal of a run and reports what would fail or cost money on the live API: the requests that show it, and the fix.

  URL     a running emulator (default ${DEFAULT_URL})
  FILE    a saved response of GET /_emulator/journal
  --json  prints JSON
  --control-key KEY  of an emulator that asks for one (also: KIMI_EMULATOR_CONTROL_KEY)

Exit codes: 0 no errors, 1 errors found, 2 invalid command line, 3 the journal cannot be read
`;

/** The subcommand `kimi-emulator doctor`. Resolves to the exit code; error messages are one line each. */
export async function runDoctorCommand(args: string[], { stdout, stderr }: CommandIo): Promise<number> {
  const fail = (message: string, code: number): number => {
    stderr.write(`kimi-emulator doctor: ${message}\n`);
    return code;
  };
  let options: ReturnType<typeof parse>;
  try {
    options = parse(args);
  } catch (error) {
    return fail(`${usageFault(error)} (see --help)`, EXIT.usage);
  }
  const { source, json, help, controlKey } = options;
  if (help) {
    stdout.write(HELP);
    return EXIT.ok;
  }
  try {
    const file = await readJournal(source, controlKey);
    const findings = diagnose(file);
    const report = { source, file, findings };
    stdout.write(json ? reportJson(report) : reportText(report));
    return count(findings, 'error') > 0 ? EXIT.errors : EXIT.ok;
  } catch (error) {
    if (!(error instanceof JournalReadError)) throw error;
    return fail(error.message, EXIT.noJournal);
  }
}

/** @throws TypeError worded by `parseArgs` */
function parse(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, 'control-key': { type: 'string' } },
    allowPositionals: true,
  });
  const [source = DEFAULT_URL, ...more] = positionals;
  if (more.length > 0) throw new TypeError(`one URL or FILE at a time, not ${positionals.join(' and ')}`);
  const controlKey = values['control-key'] ?? process.env.KIMI_EMULATOR_CONTROL_KEY;
  return { source, json: values.json ?? false, help: values.help ?? false, controlKey };
}
