import { parseArgs } from 'node:util';
import { contentText } from '../../contract/content-text.ts';
import { PRIVATE_FILE, writeAtomically } from '../engines/files.ts';
import { PatternError } from '../engines/patterns/pattern.ts';
import { inForm } from '../tape/convert.ts';
import { compileRedactions, TapeRedactor } from '../tape/redaction.ts';
import { linesOf, Tape, type TapedExchange, type TapeEntry, TapeError } from '../tape/tape.ts';
import { type CommandIo, inColumns, usageFault } from './usage.ts';

const EXIT = { ok: 0, refused: 1, usage: 2 } as const;

const HELP = `Usage: kimi-emulator tape ls FILE [--json]            one line for each exchange
       kimi-emulator tape show FILE [N] [--json]      one exchange whole; the last without N
       kimi-emulator tape check FILE [--redact REGEX] whether each line is whole, and holds no key
       kimi-emulator tape prune FILE [--keep-last N]  of equal requests, leave the last N exchanges only (default 1)

A tape is what "kimi-emulator gateway --record FILE" writes, and "--replay FILE" answers with. To leave only what a run uses,
replay it and record another: gateway --replay old.tape --record new.tape.

  --json          prints JSON
  --redact REGEX  refuse what this matches, too; repeatable

Exit codes: 0 done, 1 the tape is damaged, of a newer version, or holds a key, 2 invalid command line
`;

type Print = (text: string) => void;

interface Asked {
  values: { json?: boolean; redact?: string[]; 'keep-last'?: string; help?: boolean };
  /** What follows the file. */
  rest: string[];
}

const ACTIONS: Readonly<Record<string, (tape: Tape, asked: Asked, print: Print) => Promise<number> | number>> = {
  ls: list,
  show,
  check,
  prune,
};

class TapeUsageError extends Error {}

/** The subcommand `kimi-emulator tape`. Resolves to the exit code; error messages are one line each. */
export async function runTapeCommand(args: string[], { stdout, stderr }: CommandIo): Promise<number> {
  const fail = (message: string, code: number): number => {
    stderr.write(`kimi-emulator tape: ${message}\n`);
    return code;
  };
  try {
    const { values, positionals } = parse(args);
    const [name = '', file, ...rest] = positionals;
    if (values.help) {
      stdout.write(HELP);
      return EXIT.ok;
    }
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action) throw new TapeUsageError(`takes ${Object.keys(ACTIONS).join(', ')}, not ${name || 'nothing'}`);
    if (file === undefined) throw new TapeUsageError(`${name} takes a file`);
    if (rest.length > (name === 'show' ? 1 : 0)) throw new TapeUsageError(`${name} takes one file at a time`);
    const warn = (note: string): void => void stderr.write(`kimi-emulator ${note}\n`);
    const tape = new Tape(file, { writes: false, warn });
    try {
      return await action(tape, { values, rest }, (text) => void stdout.write(`${text}\n`));
    } finally {
      tape.close();
    }
  } catch (error) {
    if (error instanceof TapeError) return fail(error.message, EXIT.refused);
    const isUsage = error instanceof TapeUsageError || error instanceof TypeError || error instanceof PatternError;
    if (!isUsage) throw error;
    return fail(`${usageFault(error)} (see --help)`, EXIT.usage);
  }
}

/** @throws TypeError worded by `parseArgs` */
function parse(args: string[]) {
  const options = {
    json: { type: 'boolean' },
    redact: { type: 'string', multiple: true },
    'keep-last': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return parseArgs({ args, options, allowPositionals: true });
}

function list(tape: Tape, { values }: Asked, print: Print): number {
  const rows = tape.entries.map((entry) => summaryOf(entry, tape.read(entry)));
  if (values.json) {
    print(JSON.stringify(rows, null, 2));
    return EXIT.ok;
  }
  const cells = rows.map(({ n, form, status, end, ms, asked, answer }) => [
    `#${n}`,
    form,
    `${status}${end === 'whole' ? '' : `, ${end}`}`,
    `${ms} ms`,
    asked,
    answer,
  ]);
  for (const line of cells.length > 0 ? inColumns(cells) : []) print(line.trimEnd());
  print(`${rows.length} exchanges of ${new Set(tape.entries.map(({ key }) => key)).size} requests`);
  return EXIT.ok;
}

/** Of a longer text, so much is shown. */
const SHOWN = 40;

function summaryOf({ n }: TapeEntry, { form, request, answer }: TapedExchange) {
  const { method, path, chat } = request;
  const last = chat?.messages.at(-1);
  const text = typeof last?.content === 'string' ? last.content : 'parts';
  const bytes = answer.parts.reduce((sum, [, part]) => sum + (typeof part === 'string' ? part : part.base64).length, 0);
  return {
    n,
    form,
    status: answer.status,
    end: typeof answer.end === 'string' ? answer.end : answer.end.code,
    ms: answer.parts.at(-1)?.[0] ?? 0,
    asked: chat ? `${chat.model}, ${chat.messages.length} messages: ${shortened(text)}` : `${method} ${path}`,
    answer: `${bytes} characters`,
  };
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= SHOWN ? line : `${line.slice(0, SHOWN)}…`;
}

async function show(tape: Tape, { values, rest: [which] }: Asked, print: Print): Promise<number> {
  const n = which === undefined ? tape.entries.length : Number(which.replace(/^#/, ''));
  const entry = tape.entries[n - 1];
  if (!entry)
    throw new TapeUsageError(`show takes the number of an exchange, 1 to ${tape.entries.length}, not ${which}`);
  const exchange = tape.read(entry);
  if (values.json) {
    print(JSON.stringify(exchange, null, 2));
    return EXIT.ok;
  }
  const { request, form, answer } = exchange;
  const { chat } = request;
  print(`#${n} ${request.method} ${request.path} (${form})`);
  if (chat) {
    print(`model: ${chat.model}`);
    for (const [name, value] of Object.entries(chat.settings)) print(`${name}: ${JSON.stringify(value)}`);
    if (chat.tools.length > 0) print(`tools: ${JSON.stringify(chat.tools)}`);
    for (const message of chat.messages) print(`  ${messageLine(message)}`);
  } else if (request.body) print(`body: ${request.body.bytes} bytes, sha256 ${request.body.sha256}`);
  print(
    `${answer.status} ${answer.statusText}, ${summaryOf(entry, exchange).ms} ms, ${summaryOf(entry, exchange).end}`,
  );
  for (const [name, value] of answer.headers) print(`  ${name}: ${value}`);
  const whole = await inForm(exchange, 'plain');
  print(whole.parts.map(([, part]) => (typeof part === 'string' ? part : `[base64] ${part.base64}`)).join(''));
  return EXIT.ok;
}

function messageLine({ role, content, ...others }: Readonly<Record<string, unknown>>): string {
  const text = typeof content === 'string' ? content : contentText(content as never);
  return `${role}: ${text}${Object.keys(others).length === 0 ? '' : ` ${JSON.stringify(others)}`}`;
}

function check(tape: Tape, { values }: Asked, print: Print): number {
  const redactor = new TapeRedactor([], compileRedactions(values.redact ?? []));
  for (const entry of tape.entries) {
    const text = JSON.stringify(tape.read(entry));
    if (redactor.text(text) !== text) {
      throw new TapeError(
        `tape ${tape.path}: line ${entry.n + 1} holds what looks like a key, or what --redact matches`,
      );
    }
  }
  print(`tape ${tape.path}: ${tape.entries.length} exchanges, all whole, none with a key`);
  return EXIT.ok;
}

async function prune(tape: Tape, { values }: Asked, print: Print): Promise<number> {
  const text = values['keep-last'] ?? '1';
  if (!/^[1-9]\d*$/.test(text))
    throw new TapeUsageError(`--keep-last takes a whole number from 1, not ${text || 'nothing'}`);
  const left = tape.entries.filter(({ key, n }) =>
    tape
      .find(key)
      .slice(-Number(text))
      .some((entry) => entry.n === n),
  );
  await writeAtomically(tape.path, linesOf(tape, left), PRIVATE_FILE);
  print(`tape ${tape.path}: ${left.length} of ${tape.entries.length} exchanges left`);
  return EXIT.ok;
}
