import { parseArgs } from 'node:util';
import { MAX_LEDGERS } from '../billing/ledger.ts';
import { renderSpend, type Spend } from '../billing/spend.ts';
import { type CommandIo, usageFault } from './usage.ts';

const EXIT_USAGE = 2;
const EXIT_UNREACHABLE = 3;
const DEFAULT_URL = 'http://127.0.0.1:4100';

const WHOLE = /^[1-9]\d*$/;

const HELP = `Usage: kimi-emulator spend [URL] [--json] [--limit N] [--control-key KEY]

Reports what the requests to a running emulator cost, and what they would have cost without sessions: in total, and for
the N sessions that were billed last.

  URL        a running emulator (default ${DEFAULT_URL})
  --json     prints JSON
  --limit N  sessions to show (default 100)
  --control-key KEY  of an emulator that asks for one (also: KIMI_EMULATOR_CONTROL_KEY)
`;

/** The subcommand `kimi-emulator spend`. Resolves to the exit code; error messages are one line each. */
export async function runSpendCommand(args: string[], { stdout, stderr }: CommandIo): Promise<number> {
  const fail = (message: string, code: number): number => {
    stderr.write(`kimi-emulator spend: ${message}\n`);
    return code;
  };
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return fail(usageFault(error), EXIT_USAGE);
  }
  const { values, positionals } = parsed;
  const [url = DEFAULT_URL, extra] = positionals;
  if (values.help) {
    stdout.write(HELP);
    return 0;
  }
  if (extra !== undefined || !URL.canParse(url)) return fail(`takes one URL, not ${extra ?? url}`, EXIT_USAGE);
  const { limit } = values;
  if (limit !== undefined && !(WHOLE.test(limit) && Number(limit) <= MAX_LEDGERS)) {
    return fail(`--limit takes a whole number from 1 to ${MAX_LEDGERS}, not ${limit}`, EXIT_USAGE);
  }
  try {
    const spend = await fetchSpend(url, limit, values['control-key'] ?? process.env.KIMI_EMULATOR_CONTROL_KEY);
    stdout.write(values.json ? `${JSON.stringify(spend, null, 2)}\n` : `${renderSpend(spend).join('\n')}\n`);
    return 0;
  } catch (error) {
    return fail(`no emulator answers at ${url}: ${oneLine(error)}`, EXIT_UNREACHABLE);
  }
}

/** @throws TypeError worded by `parseArgs` */
function parse(args: string[]) {
  const options = {
    json: { type: 'boolean' },
    limit: { type: 'string' },
    'control-key': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return parseArgs({ args, options, allowPositionals: true });
}

async function fetchSpend(url: string, limit: string | undefined, key: string | undefined): Promise<Spend> {
  const route = new URL(`/_emulator/spend${limit === undefined ? '' : `?limit=${limit}`}`, url);
  const response = await fetch(route, { headers: key === undefined ? {} : { Authorization: `Bearer ${key}` } });
  const body = (await response.json()) as Partial<Spend>;
  if (body.object !== 'emulator.spend') throw new Error(`status ${response.status}, and not a spend report`);
  return body as Spend;
}

function oneLine(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string } };
  return cause?.code ?? message;
}
