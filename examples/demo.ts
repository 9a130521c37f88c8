import { readFile, stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fileCheckpoint } from '../client/file-checkpoint.ts';
import { KimiClient, RollingSession } from '../client/index.ts';
import { createEmulator } from '../emulator/index.ts';
import { textFiles } from './input.ts';
import { Screen } from './screen.ts';

const EXIT_USAGE = 2;
const MODEL = 'kimi-k3';
const USAGE = `Usage: npm run demo -- [folder] [--max-keep TOKENS] [--checkpoint FILE]

Reviews every text file of a folder (these examples without one) in one rolling session: on the server that
KIMI_BASE_URL names, else on an emulator in this process, which quotes and is asked for a line that it can quote.
With --checkpoint (and a server) it can be interrupted, and goes on where it was. What it cost is what
"kimi-emulator spend" says of an emulator with the built-in prices.`;

const { values, positionals } = readArguments();
const folder = positionals[0] ?? relative(process.cwd(), fileURLToPath(new URL('.', import.meta.url)));
const maxKeep = Number(values['max-keep']);

if (values.help) console.log(USAGE);
else if (!Number.isInteger(maxKeep)) fail(`--max-keep takes a number of tokens, not ${values['max-keep']}`);
else if (!(await stat(folder).catch(() => undefined))?.isDirectory()) fail(`${folder} is not a folder`);
else await review();

async function review(): Promise<void> {
  const emulator = process.env.KIMI_BASE_URL ? undefined : createEmulator();
  const client = new KimiClient(emulator ? { fetch: emulator.fetch } : {});
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const { signal } = abort;
  const agent = await RollingSession.open(client, {
    model: MODEL,
    maxKeep,
    instructions: 'You review code. Be brief.',
    ...(values.checkpoint !== undefined && { checkpoint: fileCheckpoint(values.checkpoint) }),
  });
  const screen = new Screen(process.stdout, maxKeep, MODEL);
  agent.events.on('window', ({ tokens }) => screen.window(tokens));
  agent.events.on('snapshot', ({ snapshotId }) => screen.snapshot(snapshotId));
  agent.events.on('truncate', ({ before, after }) => screen.cut(before, after));
  agent.events.on('resume', ({ what, outcome }) => screen.say(`resumed  ${what} (${outcome})`));
  agent.events.on('retry', ({ attempt }) => screen.say(`retry    ${attempt}`));
  try {
    let index = 0;
    for await (const path of textFiles(folder)) {
      if (index++ < agent.turns) continue;
      screen.begin(path);
      const turn = agent.chat(reviewOf(path, await readFile(path, 'utf8'), emulator !== undefined), { signal });
      for (let step = await turn.next(); ; step = await turn.next()) {
        if (step.done) {
          screen.end(step.value);
          break;
        }
        screen.text(step.value);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    screen.say('stopped');
  } finally {
    screen.close(agent.turns, agent.snapshots.length);
    // A session that nothing remembers would only take one of the account's places.
    if (values.checkpoint === undefined) await agent.delete();
    await emulator?.close();
  }
}

/** @param isQuoted whether who answers can only quote */
function reviewOf(path: string, text: string, isQuoted: boolean): string {
  const lines = text.trimEnd().split('\n').length;
  const asked = isQuoted ? `Reply with exactly: ${path}, ${lines} lines, read` : 'What would you change in it?';
  return `Review ${path}\n\n${text}\n\n${asked}`;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        'max-keep': { type: 'string', default: '12000' },
        checkpoint: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    console.error(`demo: ${(error instanceof Error ? error.message : String(error)).split('. ')[0]} (see --help)`);
    process.exit(EXIT_USAGE);
  }
}

function fail(message: string): void {
  console.error(`demo: ${message}`);
  process.exitCode = EXIT_USAGE;
}
