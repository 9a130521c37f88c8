import type { ModelProfile } from '../../contract/models/profile.ts';
import { findProfile, PROFILES } from '../../contract/models/profiles.ts';
import {
  type CommandShape,
  type Flags,
  flagRows,
  HELP_FLAG,
  helpPage,
  JSON_FLAG,
  parseFlags,
  UsageError,
} from '../../terminal/flags.ts';
import { didYouMean } from '../../terminal/nearest.ts';
import { viewOf } from '../../terminal/text.ts';
import { profileRows } from '../models/profile-table.ts';
import { type CommandIo, runCommand } from './usage.ts';

const MOST_COLUMNS = 3;

const FLAGS = {
  all: { help: 'retired models too' },
  ...JSON_FLAG,
  ...HELP_FLAG,
} as const satisfies Flags;

export const MODELS_SHAPE: CommandShape = { flags: FLAGS, actions: PROFILES.map(({ id }) => id) };

function helpText(width: number): string {
  const usage = ["models [NAME ...]   what the live service's models take, side by side"];
  const about = [
    `Without names: the models that are live, in groups of ${MOST_COLUMNS}. docs/models.md has the source of each figure.`,
  ];
  return helpPage({ usage, about, rows: flagRows(FLAGS) }, width);
}

/** The subcommand `kimi-emulator models`. Resolves to the exit code; complaints are one line each. */
export function runModelsCommand(args: string[], io: CommandIo): Promise<number> {
  return runCommand('models', io, async () => {
    const { stdout, env } = io;
    const { values, positionals } = parseFlags(args, FLAGS);
    const named = positionals.map(profileNamed);
    const others = values.all ? PROFILES : PROFILES.filter(({ retired }) => retired.value === null);
    const profiles = named.length > 0 ? named : others;
    if (values.help) stdout.write(helpText(viewOf(stdout, env).width));
    else if (values.json) stdout.write(`${JSON.stringify(profiles, null, 2)}\n`);
    else stdout.write(groupsOf(profiles).map(render).join('\n'));
    return 0;
  });
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
  if (!profile) {
    const ids = PROFILES.map(({ id }) => id);
    const advice = didYouMean(name, ids);
    throw new UsageError(`unknown model ${name}${advice || ';'} models: ${ids.join(', ')}`);
  }
  return profile;
}
