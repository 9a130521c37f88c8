import { type Amount, MAX_LEDGERS, moneyNumber, parseAmount } from '../billing/ledger.ts';
import { moneyText, renderSpend, type Spend } from '../billing/spend.ts';
import { type CommandShape, type Flags, flagRows, helpPage, parseFlags, UsageError } from '../terminal/flags.ts';
import { code, plain, table } from '../terminal/formats.ts';
import { painter, type View, viewOf, wrap } from '../terminal/text.ts';
import { type CommandIo, DEFAULT_URL, READER_FLAGS, readRunning, runCommand, runningEmulator } from './usage.ts';

const EXIT_OVER = 1;
const WHOLE = /^[1-9]\d*$/;

const FLAGS = {
  limit: { value: 'N', help: 'sessions to show (default 100)' },
  'max-cost': { value: 'AMOUNT', help: 'exit with 1 where the run cost more, such as 0.50USD' },
  markdown: { help: "print GitHub's Markdown, for a pull request or a job summary" },
  ...READER_FLAGS,
} as const satisfies Flags;

export const SPEND_SHAPE: CommandShape = { flags: FLAGS };

function helpText(width: number): string {
  const rows = [['URL', `a running emulator (default KIMI_BASE_URL, or ${DEFAULT_URL})`], ...flagRows(FLAGS)];
  const about = [
    'Reports what the requests to a running emulator cost, and what they would have cost without sessions: in total, and for the N sessions that were billed last.',
  ];
  const after = ['Exit codes: 0 done, 1 more than --max-cost, 2 invalid command line, 3 no emulator answers'];
  return helpPage({ usage: ['spend [URL] [flags]'], about, rows, after }, width);
}

/** The subcommand `kimi-emulator spend`. Resolves to the exit code; error messages are one line each. */
export function runSpendCommand(args: string[], io: CommandIo): Promise<number> {
  return runCommand('spend', io, async () => {
    const { stdout, stderr, env } = io;
    const { values, positionals } = parseFlags(args, FLAGS);
    const [given, extra] = positionals;
    const view = viewOf(stdout, env);
    if (values.help) {
      stdout.write(helpText(view.width));
      return 0;
    }
    if (extra !== undefined) throw new UsageError(`takes one URL, not ${extra}`);
    if (values.json && values.markdown) throw new UsageError('--json and --markdown exclude each other');
    const { limit } = values;
    if (limit !== undefined && !(WHOLE.test(limit) && Number(limit) <= MAX_LEDGERS)) {
      throw new UsageError(`--limit takes a whole number from 1 to ${MAX_LEDGERS}, not ${limit || 'nothing'}`);
    }
    const cap = values['max-cost'] === undefined ? undefined : amountOf('--max-cost', values['max-cost']);
    const running = runningEmulator(given, values['control-key'], env);
    const path = `/_emulator/spend${limit === undefined ? '' : `?limit=${limit}`}`;
    const spend = (await readRunning(running, path, 'emulator.spend')) as unknown as Spend;
    const over = cap && overCap(spend, cap, '--max-cost');
    if (values.json) stdout.write(`${JSON.stringify(spend, null, 2)}\n`);
    else stdout.write(values.markdown ? renderMarkdown(spend) : renderText(spend, view));
    if (over === undefined) return 0;
    stderr.write(`kimi-emulator spend: ${over}\n`);
    return EXIT_OVER;
  });
}

/** @throws UsageError that names the flag */
export function amountOf(flag: string, text: string): Amount {
  try {
    return parseAmount(text);
  } catch (error) {
    throw new UsageError(`${flag}: ${error instanceof Error ? error.message : error}`);
  }
}

/** In one line, what was spent beyond a cap; undefined where it was not. @throws UsageError for another currency than the run's */
export function overCap({ total, currency }: Spend, cap: Amount, name: string): string | undefined {
  if (cap.currency !== currency) {
    throw new UsageError(`${name} is in ${cap.currency}, but this run is billed in ${currency}`);
  }
  const most = moneyNumber(cap.money);
  if (total.cost <= most) return undefined;
  return `the run cost ${moneyText(total.cost)} ${currency}, more than ${moneyText(most)} ${currency} of ${name}`;
}

/** For a terminal: what is indented stays so where it is wrapped. */
function renderText(spend: Spend, { color, width }: View): string {
  const paint = painter(color);
  const lines = renderSpend(spend).flatMap((line) => {
    const indent = /^ */.exec(line)?.[0] ?? '';
    const wrapped = wrap(line.trim(), width - indent.length - 2);
    const shown = wrapped.map((text, place) => (place === 0 ? indent + text : `${indent}  ${text}`));
    return indent === '' && line !== '' ? shown.map((text) => paint('bold', text)) : shown;
  });
  return `${lines.join('\n')}\n`;
}

function renderMarkdown({ total, sessions, currency }: Spend): string {
  const row = (name: string, figures: Spend['total']): string[] => [
    name,
    ...[figures.turns, figures.input_tokens, figures.cached_tokens, figures.output_tokens].map((count) =>
      count.toLocaleString('en-US'),
    ),
    moneyText(figures.cost),
    moneyText(figures.stateless.cost_without_cache),
    moneyText(figures.stateless.cost_with_cache),
  ];
  const headings = ['', 'Turns', 'Input', 'Cached', 'Output', currency, 'Stateless', 'Stateless, cached'];
  const align = headings.map((_, column) => (column === 0 ? ('left' as const) : ('right' as const)));
  const rows = [row('**In total**', total), ...sessions.map((one) => row(code(one.session_id), one))];
  return [
    '## Kimi spend',
    '',
    ...table(headings, align, rows),
    '<details><summary>Prices and arithmetic</summary>',
    '',
    ...total.arithmetic.map((line) => `- ${plain(line)}`),
    '',
    '</details>',
    '',
  ].join('\n');
}
