import OpenAI, { APIConnectionError, APIError } from 'openai';
import { createEmulator } from '../emulator/index.ts';
import { type Flags, HELP, parseFlags, UsageError } from './flags.ts';
import { type Input, openInput } from './input.ts';
import { Player } from './player.ts';
import { count, type Output, Progress } from './progress.ts';

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
