import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { ModelProfile } from '../../contract/models/profile.ts';
import type { SchemaLevel } from '../engines/mfjs/check-schema.ts';
import { checkTools, type ToolFault } from '../tools/check-tools.ts';
import { listMcpTools, McpError } from '../tools/mcp-tools.ts';
import { readTools, ToolsFileError } from '../tools/read-tools.ts';
import { profileNamed } from './models.ts';
import { type CommandIo, UsageError, usageFault } from './usage.ts';

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;
const DEFAULT_MODEL = 'kimi-k3';

const HELP = `Usage: kimi-emulator tools check FILE          tools of a JSON file; - reads standard input
       kimi-emulator tools check --mcp COMMAND  tools of an MCP server that COMMAND starts on its standard streams

Reports which tools the live API would refuse, why, and how to fix them.
FILE is a list of tools as in a chat request, a chat request, or the answer of an MCP server to tools/list.

Flags:
  --model NAME   model that the tools are for (default ${DEFAULT_MODEL})
  --level LEVEL  lite, strict or ultra (default strict, the level of the live API)
  --json         print the result as JSON
  -h, --help     print this

Exit codes: 0 all accepted · 1 some would be refused · 2 nothing could be checked
`;

/** What the command needs of a process. */
interface ToolsIo extends CommandIo {
  readonly stdin: AsyncIterable<Uint8Array | string>;
}

/** The subcommand `kimi-emulator tools`. Resolves to the exit code; complaints are one line each. */
export async function runToolsCommand(args: string[], { stdin, stdout, stderr }: ToolsIo): Promise<number> {
  try {
    const { help, file, mcp, model, level, json } = parse(args);
    if (help) {
      stdout.write(HELP);
      return 0;
    }
    const tools = mcp === undefined ? await readFileTools(file, stdin) : await listMcpTools(mcp);
    const faults = checkTools(tools, { profile: model, level });
    const report = { model: model.id, level, tools: tools.length, faults };
    stdout.write(json ? `${JSON.stringify(report)}\n` : render(report));
    return faults.length === 0 ? 0 : EXIT_REFUSED;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ToolsFileError || error instanceof McpError)) throw error;
    stderr.write(`kimi-emulator tools: ${error.message}\n`);
    return EXIT_USAGE;
  }
}

const LEVELS: readonly string[] = ['lite', 'strict', 'ultra'];

interface Parsed {
  help: boolean;
  file: string;
  mcp: string | undefined;
  model: ModelProfile;
  level: SchemaLevel;
  json: boolean;
}

function parse(args: string[]): Parsed {
  const { values, positionals } = parseFlags(args);
  const [action, file, ...more] = positionals;
  const { help, mcp, model: name, level, json } = values;
  const model = profileNamed(name);
  if (!LEVELS.includes(level)) throw new UsageError(`--level takes one of ${LEVELS.join(', ')}, not ${level}`);
  const parsed = { help, file: file ?? '', mcp, model, level: level as SchemaLevel, json };
  if (help) return parsed;
  if (action !== 'check') throw new UsageError('use tools check FILE, or tools check --mcp COMMAND (see --help)');
  if ((file === undefined) === (mcp === undefined)) throw new UsageError('use either FILE or --mcp COMMAND');
  if (more.length > 0) throw new UsageError(`unexpected argument ${more[0]}`);
  return parsed;
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        mcp: { type: 'string' },
        model: { type: 'string', default: DEFAULT_MODEL },
        level: { type: 'string', default: 'strict' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(usageFault(error, ['mcp', 'model', 'level', 'json', 'help']));
  }
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

function render({ model, tools, faults }: { model: string; tools: number; faults: readonly ToolFault[] }): string {
  if (faults.length === 0) return `${model} accepts ${tools === 1 ? 'the tool' : `all ${tools} tools`}\n`;
  const names = new Set(faults.map(({ tool }) => tool));
  const blocks = faults.map(
    ({ tool, field, text, fix }) => `${tool}\n  at   ${field}\n  400  ${text}\n  fix  ${fix}\n`,
  );
  return `${blocks.join('\n')}\n${model} would refuse ${names.size} of ${tools} tools\n`;
}
