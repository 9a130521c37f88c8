import { parseArgs } from 'node:util';
import { usageFault } from '../cli/usage-fault.ts';
import { MAX_BOOKS } from './ledger.ts';
import { renderSpend } from './render-spend.ts';
import type { Spend } from './spend.ts';

const EXIT_USAGE = 2;
const EXIT_UNREACHABLE = 3;
const DEFAULT_URL = 'http://127.0.0.1:4100';

const WHOLE = /^[1-9]\d*$/;

const HELP = `Usage: kimi-emulator spend [URL] [--json] [--limit N]   what the work of a running emulator cost, and what it would
                                           have cost without sessions (URL: default ${DEFAULT_URL});
                                           of the N sessions that were billed last (default 100), and in total
`;

/** What the command needs of a process. */
export interface SpendIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** The subcommand `kimi-emulator spend`. Resolves to the exit code; complaints are one line each. */
export async function runSpendCommand(args: string[], { stdout, stderr }: SpendIo): Promise<number> {
  const complain = (message: string, code: number): number => {
    stderr.write(`kimi-emulator spend: ${message}\n`);
    return code;
  };
  let asked: { values: { json?: boolean; help?: boolean; limit?: string }; positionals: string[] };
  try {
    const options = {
      json: { type: 'boolean' },
      limit: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    asked = parseArgs({ args, options, strict: true, allowPositionals: true });
  } catch (error) {
    return complain(usageFault(error), EXIT_USAGE);
  }
  const { values, positionals } = asked;
  const [url = DEFAULT_URL, extra] = positionals;
  if (values.help) {
    stdout.write(HELP);
    return 0;
  }
  if (extra !== undefined || !URL.canParse(url)) return complain(`takes one URL, not ${extra ?? url}`, EXIT_USAGE);
  const { limit } = values;
  if (limit !== undefined && !(WHOLE.test(limit) && Number(limit) <= MAX_BOOKS)) {
    return complain(`--limit takes a whole number from 1 to ${MAX_BOOKS}, not ${limit}`, EXIT_USAGE);
  }
  try {
    const spend = await readSpend(url, limit);
    stdout.write(values.json ? `${JSON.stringify(spend, null, 2)}\n` : `${renderSpend(spend).join('\n')}\n`);
    return 0;
  } catch (error) {
    return complain(`no emulator answers at ${url}: ${oneLine(error)}`, EXIT_UNREACHABLE);
  }
}

async function readSpend(url: string, limit: string | undefined): Promise<Spend> {
  const response = await fetch(new URL(`/_emulator/spend${limit === undefined ? '' : `?limit=${limit}`}`, url));
  const body = (await response.json()) as Partial<Spend>;
  if (body.object !== 'emulator.spend') throw new Error(`it answers ${response.status}, and no spend`);
  return body as Spend;
}

function oneLine(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string } };
  return cause?.code ?? message;
}
