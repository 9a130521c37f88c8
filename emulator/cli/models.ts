import { parseArgs } from 'node:util';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { findProfile, PROFILES } from '../../contract/models/profiles.ts';
import { profileRows } from '../models/profile-table.ts';
import { type CommandIo, UsageError, usageFault } from './usage.ts';

const EXIT_USAGE = 2;
const MOST_COLUMNS = 3;

const HELP = `Usage: kimi-emulator models [NAME ...]   what the live service's models take, side by side

Without names: the models that are live, in groups of ${MOST_COLUMNS}. docs/models.md has the source of each figure.

Flags:
  --all          retired models too
  --json         print all that is known, with sources, as JSON
  -h, --help     print this
`;

/** The subcommand `kimi-emulator models`. Resolves to the exit code; complaints are one line each. */
export async function runModelsCommand(args: string[], { stdout, stderr }: CommandIo): Promise<number> {
  try {
    const { help, json, profiles } = parse(args);
    if (help) stdout.write(HELP);
    else if (json) stdout.write(`${JSON.stringify(profiles, null, 2)}\n`);
    else stdout.write(groupsOf(profiles).map(render).join('\n'));
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    stderr.write(`kimi-emulator models: ${error.message}\n`);
    return EXIT_USAGE;
  }
}

function parse(args: string[]): { help: boolean; json: boolean; profiles: readonly ModelProfile[] } {
  const { values, positionals } = parseFlags(args);
  const named = positionals.map(profileNamed);
  const others = values.all ? PROFILES : PROFILES.filter(({ retired }) => retired.value === null);
  return { help: values.help, json: values.json, profiles: named.length > 0 ? named : others };
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(usageFault(error, ['all', 'json', 'help']));
  }
}

function groupsOf(profiles: readonly ModelProfile[]): ModelProfile[][] {
  const groups: ModelProfile[][] = [];
  for (let from = 0; from < profiles.length; from += MOST_COLUMNS)
    groups.push(profiles.slice(from, from + MOST_COLUMNS));
  return groups;
}

function render(profiles: readonly ModelProfile[]): string {
  const columns = profiles.map(profileRows);
  const names = columns[0]?.map(({ name }) => name) ?? [];
  const head = ['', ...profiles.map(({ id }) => id)];
  const body = names.map((name, place) => [name, ...columns.map((rows) => rows[place]?.cell ?? '')]);
  const table = [head, ...body];
  const width = (column: number) => Math.max(...table.map((row) => row[column]?.length ?? 0));
  return table
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(width(column)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** The profile of a model that a command line names. @throws UsageError */
export function profileNamed(name: string): ModelProfile {
  const profile = findProfile(name);
  if (!profile) throw new UsageError(`unknown model ${name}; models: ${PROFILES.map(({ id }) => id).join(', ')}`);
  return profile;
}
