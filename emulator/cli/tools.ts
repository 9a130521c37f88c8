import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import type { SchemaLevel } from '../engines/mfjs/check-schema.ts';
import {
  type CommandShape,
  type Flags,
  flagRows,
  HELP_FLAG,
  helpPage,
  JSON_FLAG,
  oneOf,
  parseFlags,
  UsageError,
} from '../terminal/flags.ts';
import { painter, type View, viewOf } from '../terminal/text.ts';
import { checkTools, type ToolFault } from '../tools/check-tools.ts';
import { listMcpTools, McpError } from '../tools/mcp-tools.ts';
import { readTools, ToolsFileError } from '../tools/read-tools.ts';
import { profileNamed } from './models.ts';
import { CommandError, type CommandIo, runCommand } from './usage.ts';

const EXIT_REFUSED = 1;
const EXIT_UNCHECKED = 2;
const DEFAULT_MODEL = 'kimi-k3';

const LEVELS: readonly SchemaLevel[] = ['lite', 'strict', 'ultra'];

const FLAGS = {
  mcp: { value: 'COMMAND', help: 'check the tools of an MCP server' },
  model: { value: 'NAME', help: `model that the tools are for (default ${DEFAULT_MODEL})` },
  level: { value: 'LEVEL', choices: LEVELS, help: 'lite, strict or ultra (default: that of the model)' },
  ...JSON_FLAG,
  ...HELP_FLAG,
} as const satisfies Flags;

export const TOOLS_SHAPE: CommandShape = { flags: FLAGS, actions: ['check'], files: true };

function helpText(width: number): string {
  const usage = [
    'tools check FILE          tools of a JSON file; - reads standard input',
    'tools check --mcp COMMAND  tools of an MCP server that COMMAND starts on its standard streams',
  ];
  const about = [
    'Reports which tools the live API would refuse, why, and how to fix them. FILE is a list of tools as in a chat request, a chat request, or the answer of an MCP server to tools/list.',
  ];
  const after = ['Exit codes: 0 all accepted, 1 some would be refused, 2 nothing could be checked'];
  return helpPage({ usage, about, rows: flagRows(FLAGS), after }, width);
}

/** What the command needs of a process. */
interface ToolsIo extends CommandIo {
  readonly stdin: AsyncIterable<Uint8Array | string>;
}

/** The subcommand `kimi-emulator tools`. Resolves to the exit code; complaints are one line each. */
export function runToolsCommand(args: string[], io: ToolsIo): Promise<number> {
  return runCommand('tools', io, async () => {
    const { stdin, stdout, env } = io;
    const { values, positionals } = parseFlags(args, FLAGS);
    const mcp = values.mcp?.trim() || undefined;
    const view = viewOf(stdout, env);
    if (values.help) {
      stdout.write(helpText(view.width));
      return 0;
    }
    const [action = '', file, ...more] = positionals;
    const profile = profileNamed(values.model ?? DEFAULT_MODEL);
    const level = values.level === undefined ? profile.tools.schemas.value : oneOf(LEVELS, values.level, '--level');
    if (action !== 'check') throw new UsageError('use tools check FILE, or tools check --mcp COMMAND');
    if ((file === undefined) === (mcp === undefined)) throw new UsageError('use either FILE or --mcp COMMAND');
    if (more.length > 0) throw new UsageError(`unexpected argument ${more[0]}`);
    const read = mcp === undefined ? readFileTools(file ?? '', stdin) : listMcpTools(mcp);
    const tools = await read.catch((error: unknown) => {
      if (error instanceof ToolsFileError || error instanceof McpError)
        throw new CommandError(error.message, EXIT_UNCHECKED);
      throw error;
    });
    const faults = checkTools(tools, { profile, level });
    const report = { model: profile.id, retired: profile.retired.value, level, tools: tools.length, faults };
    stdout.write(values.json ? `${JSON.stringify(report)}\n` : render(report, view));
    return faults.length === 0 ? 0 : EXIT_REFUSED;
  });
}

async function readFileTools(file: string, stdin: ToolsIo['stdin']): Promise<unknown[]> {
  if (file === '-') return readTools(await readText(stdin as NodeJS.ReadableStream), 'standard input');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ToolsFileError(`cannot read ${file}: ${(error as Error).message}`);
  }
  return readTools(text, file);
}

interface Report {
  model: string;
  retired: string | null;
  level: SchemaLevel | null;
  tools: number;
  faults: readonly ToolFault[];
}

function render({ model, retired, level, tools, faults }: Report, { color }: View): string {
  const unchecked = level === null ? `the schemas were not checked: what ${model} refuses of them is not known\n` : '';
  const gone = retired === null ? '' : `${model} is retired: the live API has not had it since ${retired}\n`;
  const after = unchecked + gone;
  if (faults.length === 0) return `${model} accepts ${tools === 1 ? 'the tool' : `all ${tools} tools`}\n${after}`;
  const refused = new Set(faults.map(({ index }) => index));
  const paint = painter(color);
  // The texts of the live API stay in one line, as somebody would look for them.
  const blocks = faults.map(
    ({ tool, field, text, fix }) => `${paint('bold', tool)}\n  at   ${field}\n  400  ${text}\n  fix  ${fix}\n`,
  );
  return `${blocks.join('\n')}\n${model} would refuse ${refused.size} of ${tools} tools\n${after}`;
}
