import { parseArgs } from 'node:util';

/** A command line that is not understood, in one line. */
export class UsageError extends Error {}

/** What the loop keeps of the window; a trigger below it would never be left. */
const KEPT_TOKENS = 8_000;
/** A turn needs room above the trigger for what comes in before the next look at the window, and for its answer. */
const MAX_TRIGGER = 240_000;

export interface Flags {
  /** A file or folder of text; undefined: what is at hand. */
  path: string | undefined;
  /** Tokens in the window above which it is cut. */
  trigger: number;
  /** How often the trigger is to be crossed. */
  crossings: number;
  help: boolean;
}

export const HELP = `Usage: npm run example -- [FOLDER] [flags]

Plays text, a file or all files of a folder, through the rolling-snapshot loop until the window was cut.
Without a folder: the data beside the project where there is any, else a small input of the example's own.

  --trigger TOKENS   cut the window above so many tokens (default 90000)
  --crossings N      end after so many cuts (default 2)
  --help             print this

KIMI_BASE_URL, KIMI_API_KEY: the server to play against; without them an emulator in this process.
`;

/** @throws UsageError */
export function parseFlags(args: string[]): Flags {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new UsageError(`one folder at most, not also ${positionals[1]}`);
  return {
    path: positionals[0],
    trigger: wholeNumber('--trigger', values.trigger, KEPT_TOKENS + 1, MAX_TRIGGER),
    crossings: wholeNumber('--crossings', values.crossings, 1, 1_000),
    help: values.help,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        trigger: { type: 'string', default: '90000' },
        crossings: { type: 'string', default: '2' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split(/\. |\n/)[0] ?? message);
  }
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${flag} takes a whole number from ${min} to ${max}, not ${text || 'nothing'}`);
}
