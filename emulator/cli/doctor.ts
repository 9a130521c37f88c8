import { count } from '../doctor/diagnose.ts';
import { JournalReadError, readJournal } from '../doctor/read-journal.ts';
import { type Diagnosis, diagnosisOf, REPORT_FILES, renderGithub, renderJson, renderText } from '../doctor/report.ts';
import { type CommandShape, type Flags, flagRows, helpPage, oneOf, parseFlags, UsageError } from '../terminal/flags.ts';
import { writeFiles } from '../terminal/formats.ts';
import { viewOf } from '../terminal/text.ts';
import { CommandError, type CommandIo, DEFAULT_URL, READER_FLAGS, runCommand, runningEmulator } from './usage.ts';

const EXIT = { ok: 0, errors: 1, noJournal: 3 } as const;
const DEFAULT_OUT = '.kimi-doctor';
const REPORTS = Object.keys(REPORT_FILES);

const FLAGS = {
  report: { value: 'KINDS', multiple: true, choices: REPORTS, help: `${REPORTS.join(',')}; repeatable` },
  out: { value: 'DIR', help: `folder for reports (default ${DEFAULT_OUT})` },
  ...READER_FLAGS,
} as const satisfies Flags;

export const DOCTOR_SHAPE: CommandShape = { flags: FLAGS, files: true };

function helpText(width: number): string {
  const rows = [
    ['URL', `a running emulator (default KIMI_BASE_URL, or ${DEFAULT_URL})`],
    ['FILE', 'a saved response of GET /_emulator/journal'],
    ...flagRows(FLAGS),
  ];
  const about = [
    'Reads the journal of a run and reports what would fail or cost money on the live API: the requests that show it, and the fix.',
  ];
  const after = ['Exit codes: 0 no errors, 1 errors found, 2 invalid command line, 3 the journal cannot be read'];
  return helpPage({ usage: ['doctor [URL|FILE] [flags]'], about, rows, after }, width);
}

/** The subcommand `kimi-emulator doctor`. Resolves to the exit code; error messages are one line each. */
export function runDoctorCommand(args: string[], io: CommandIo): Promise<number> {
  return runCommand('doctor', io, async () => {
    const { stdout, stderr, env } = io;
    const { values, positionals } = parseFlags(args, FLAGS);
    const view = viewOf(stdout, env);
    if (values.help) {
      stdout.write(helpText(view.width));
      return EXIT.ok;
    }
    const [given, ...more] = positionals;
    if (more.length > 0) throw new UsageError(`one URL or FILE at a time, not ${positionals.join(' and ')}`);
    const lists = (values.report ?? []).flatMap((list) => list.split(','));
    const kinds = lists.map((kind) => oneOf(REPORTS, kind, '--report'));
    const { url, controlKey, from } = runningEmulator(given, values['control-key'], env);
    const file = await readJournal(url, controlKey).catch((error: unknown) => {
      if (!(error instanceof JournalReadError)) throw error;
      throw new CommandError(error.message + from, EXIT.noJournal);
    });
    const diagnosis = diagnosisOf(url, file);
    stdout.write(values.json ? renderJson(diagnosis) : renderText(diagnosis, view));
    if (kinds.includes('github')) (values.json ? stderr : stdout).write(renderGithub(diagnosis));
    for (const path of writeReports(diagnosis, kinds, values.out ?? DEFAULT_OUT)) stderr.write(`written: ${path}\n`);
    return count(diagnosis.findings, 'error') > 0 ? EXIT.errors : EXIT.ok;
  });
}

/** @throws CommandError where they cannot be written */
function writeReports(diagnosis: Diagnosis, kinds: readonly string[], folder: string): string[] {
  const files = kinds.flatMap((kind) => REPORT_FILES[kind] ?? []);
  try {
    return writeFiles(folder, Object.fromEntries(files.map(({ name, render }) => [name, render(diagnosis)])));
  } catch (error) {
    throw new CommandError(`--out ${folder}: ${error instanceof Error ? error.message : error}`, EXIT.errors);
  }
}
