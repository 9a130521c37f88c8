import { type ParseArgsConfig, parseArgs } from 'node:util';
import { didYouMean } from './nearest.ts';
import { inColumns, wrap } from './text.ts';

/** A flag of a command: what `--help`, the parser and the shells' completion know of it. */
export interface Flag {
  /** What stands for its value in `--help`; without it the flag takes none. `FILE` and `DIR` are completed as paths. */
  readonly value?: string;
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  readonly help: string;
  /** All values that there are, where these are few. */
  readonly choices?: readonly string[];
}

export type Flags = Readonly<Record<string, Flag>>;

/** What shells complete of a command. */
export interface CommandShape {
  readonly flags: Flags;
  /** What its first argument may be. */
  readonly actions?: readonly string[];
  /** Whether its arguments are files. */
  readonly files?: boolean;
}

/** A command line that is not understood, in one line. */
export class UsageError extends Error {}

type Read<One extends Flag> = One extends { readonly value: string }
  ? One extends { readonly multiple: true }
    ? string[]
    : string
  : boolean;

interface Parsed<Table extends Flags> {
  values: { [Name in keyof Table]?: Read<Table[Name]> };
  positionals: string[];
}

/** @throws UsageError in one line, with the flag that was probably meant */
export function parseFlags<const Table extends Flags>(args: readonly string[], flags: Table): Parsed<Table> {
  const options = Object.entries(flags).map(([name, { value, multiple = false, short }]) => {
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    return [name, { type, multiple, ...(short !== undefined && { short }) }] as const;
  });
  const config = { args: [...args], options: Object.fromEntries(options), allowPositionals: true };
  try {
    return parseArgs(config satisfies ParseArgsConfig) as Parsed<Table>;
  } catch (error) {
    throw new UsageError(usageFault(error, Object.keys(flags)));
  }
}

const AMBIGUOUS = /^Option '(?:-\w, )?(--[\w-]+)[^']*' argument is ambiguous/;
const UNKNOWN = /^Unknown option '(-[^']*)'/;

/** Why `parseArgs` refused a command line, in one line: Node explains at length. `flags`: the names that there are. */
function usageFault(error: unknown, flags: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const ambiguous = AMBIGUOUS.exec(message)?.[1];
  if (ambiguous !== undefined)
    return `${ambiguous} has no value; write ${ambiguous}=-… for one that begins with a dash`;
  const unknown = UNKNOWN.exec(message)?.[1];
  if (unknown !== undefined) return `unknown flag '${unknown}'${didYouMean(unknown, flags, '--')}`;
  return message.split(/\. |\n/)[0] ?? message;
}

/** @throws UsageError that names what there is, and what was probably meant */
export function oneOf<Name extends string>(names: readonly Name[], given: string, what: string): Name {
  const found = names.find((name) => name === given);
  if (found !== undefined) return found;
  throw new UsageError(`${what} is one of ${names.join(', ')}, not ${given || 'nothing'}${didYouMean(given, names)}`);
}

/** Rows for `--help`. */
export function flagRows(flags: Flags): string[][] {
  return Object.entries(flags).map(([name, { short, value, help }]) => [
    `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
}

export const HELP_FLAG = { help: { short: 'h', help: 'print this help' } } as const;
export const JSON_FLAG = { json: { help: 'print JSON' } } as const;

interface HelpPage {
  /** Lines, as they stand. */
  usage: readonly string[];
  /** Paragraphs. */
  about?: readonly string[];
  rows: readonly (readonly string[])[];
  after?: readonly string[];
}

/** What `--help` of a command prints, in lines of at most so many columns but for its usage. */
export function helpPage({ usage, about = [], rows, after = [] }: HelpPage, width: number): string {
  const paragraphs = (texts: readonly string[]) => texts.flatMap((text) => ['', ...wrap(text, width)]);
  const [first = '', ...others] = usage.map(
    (line, place) => `${place === 0 ? 'Usage:' : '      '} kimi-emulator ${line}`,
  );
  return [first, ...others, ...paragraphs(about), '', ...inColumns(rows, width), ...paragraphs(after), ''].join('\n');
}
