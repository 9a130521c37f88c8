import { parseArgs } from 'node:util';
import OpenAI, { APIConnectionError, APIError } from 'openai';
import { createEmulator } from '../emulator/index.ts';
import { type Input, openInput, UsageError } from './input.ts';
import { Player } from './player.ts';
import { count, type Output, Progress } from './screen.ts';

/** Rounds behind the last cut that the rollback at the end undoes. */
const ROUNDS_TO_UNDO = 3;

/** What the command takes of a process. */
interface Surroundings {
  env: Record<string, string | undefined>;
  stdout: Output;
  stderr: Output;
}

/** The whole example. What a user can mend is one line; anything else is a defect and keeps its trace. Returns the exit status. */
export async function command(args: string[], { env, stdout, stderr }: Surroundings): Promise<number> {
  try {
    await run(args, env, stdout);
    return 0;
  } catch (error) {
    const usage = error instanceof UsageError;
    if (!usage && !(error instanceof APIError)) throw error;
    const unreached = error instanceof APIConnectionError;
    const message = unreached ? `${env.KIMI_BASE_URL} cannot be reached` : error.message;
    stderr.write(`rolling-snapshot: ${message}${usage ? ' (see --help)' : ''}\n`);
    return usage ? 2 : 1;
  }
}

async function run(args: string[], env: Surroundings['env'], out: Output): Promise<void> {
  const flags = parseFlags(args);
  if (flags.help) {
    out.write(HELP);
    return;
  }
  const input = openInput(flags.path);
  await requireText(input);
  const progress = new Progress(out, flags.trigger);
  const { client, name, close } = connect(env);
  try {
    progress.say(`server    ${name}`);
    progress.say(`input     ${input.name}`);
    const player = await Player.start(client, flags.trigger, progress);
    await play(player, input, flags);
    await player.rollBack();
    report(player, progress);
  } finally {
    await close();
  }
}

/** The server of KIMI_BASE_URL, or an emulator in this process, reached without a port. */
function connect({ KIMI_BASE_URL: baseURL, KIMI_API_KEY: apiKey = 'sk-local' }: Surroundings['env']) {
  if (baseURL) return { client: new OpenAI({ baseURL, apiKey }), name: baseURL, close: async () => undefined };
  const emulator = createEmulator();
  const client = new OpenAI({ baseURL: emulator.baseURL, apiKey, fetch: emulator.fetch });
  const name = `an emulator in this process, counting with ${emulator.tokenizer.name}`;
  return { client, name, close: () => emulator.close() };
}

/** Asked before anything is created on the server. @throws UsageError */
async function requireText(input: Input): Promise<void> {
  for await (const step of input.read(1)) if ('ask' in step) return;
  throw new UsageError(`${input.name} holds no text`);
}

/** Plays the input, from the beginning again where it ends, until the window was cut often enough. */
async function play(player: Player, input: Input, { crossings }: Flags): Promise<void> {
  let left = ROUNDS_TO_UNDO;
  for (let reading = 1; ; reading += 1) {
    for await (const step of input.read(reading)) {
      if ('append' in step) {
        await player.append(step.append);
        continue;
      }
      if (player.snapshots.length >= crossings && left-- === 0) return;
      await player.ask(step.ask);
    }
  }
}

function report({ rounds, sentTokens, statelessTokens, snapshots }: Player, progress: Progress): void {
  const times = (statelessTokens / sentTokens).toFixed(1);
  progress.say('');
  progress.say(`rounds    ${count(rounds)}, ${snapshots.length} snapshots`);
  progress.say(`sent      ${count(sentTokens)} tokens`);
  progress.say(
    `stateless ${count(statelessTokens)} tokens would have been sent without a session: ${times} times as many`,
  );
}

/** What the loop keeps of the window; a trigger below it would never be left. */
const KEPT_TOKENS = 8_000;
/** A turn needs room above the trigger for what comes in before the next look at the window, and for its answer. */
const MAX_TRIGGER = 240_000;

interface Flags {
  /** A file or folder of text; undefined: what is at hand. */
  path: string | undefined;
  /** Tokens in the window above which it is cut. */
  trigger: number;
  /** How often the trigger is to be crossed. */
  crossings: number;
  help: boolean;
}

const HELP = `Usage: npm run example -- [FOLDER] [flags]

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
