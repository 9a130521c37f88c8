import type { ModelProfile } from '../../contract/models/profile.ts';
import { findProfile, PROFILES } from '../../contract/models/profiles.ts';
import { profileRows } from '../models/profile-table.ts';
import {
  type CommandShape,
  type Flags,
  flagRows,
  HELP_FLAG,
  helpPage,
  JSON_FLAG,
  parseFlags,
  UsageError,
} from '../terminal/flags.ts';
import { didYouMean } from '../terminal/nearest.ts';
import { columns, type Paint, painter, viewOf } from '../terminal/text.ts';
import { type CommandIo, runCommand } from './usage.ts';

const FLAGS = {
  all: { help: 'retired models too' },
  ...JSON_FLAG,
  ...HELP_FLAG,
} as const satisfies Flags;

export const MODELS_SHAPE: CommandShape = { flags: FLAGS, actions: PROFILES.map(({ id }) => id) };

function helpText(width: number): string {
  const usage = ["models [NAME ...]   what the live service's models take, side by side"];
  const about = [
    'Without names: the models that are live, as many side by side as fit. docs/models.md has the source of each figure.',
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
    const { width, color } = viewOf(stdout, env);
    if (values.help) stdout.write(helpText(width));
    else if (values.json) stdout.write(`${JSON.stringify(profiles, null, 2)}\n`);
    else {
      const tables = groupsOf(profiles, width).map((group) => `${render(group, painter(color)).join('\n')}\n`);
      stdout.write(tables.join('\n'));
    }
    return 0;
  });
}

/** As many side by side as fit, and one at least. */
function groupsOf(profiles: readonly ModelProfile[], width: number): ModelProfile[][] {
  const groups: ModelProfile[][] = [];
  for (const profile of profiles) {
    const last = groups.at(-1);
    const widest = last === undefined ? 0 : Math.max(...render([...last, profile], painter(false)).map(columns));
    if (last === undefined || widest > width) groups.push([profile]);
    else last.push(profile);
  }
  return groups;
}

function render(profiles: readonly ModelProfile[], paint: Paint): string[] {
  const cells = profiles.map(profileRows);
  const names = cells[0]?.map(({ name }) => name) ?? [];
  const head = ['', ...profiles.map(({ id }) => id)];
  const body = names.map((name, place) => [name, ...cells.map((rows) => rows[place]?.cell ?? '')]);
  const table = [head, ...body];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row, place) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    return place === 0 ? paint('bold', line.trimEnd()) : line.trimEnd();
  });
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
