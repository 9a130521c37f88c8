import { contentText } from '../../contract/content-text.ts';
import { PatternError } from '../engines/patterns/pattern.ts';
import { inForm } from '../tape/convert.ts';
import { pruneTape } from '../tape/prune.ts';
import { compileRedactions, TapeRedactor } from '../tape/redaction.ts';
import { Tape, type TapedExchange, type TapeEntry, TapeError } from '../tape/tape.ts';
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
import { inColumns, plural, viewOf } from '../terminal/text.ts';
import { CommandError, type CommandIo, runCommand } from './usage.ts';

const EXIT = { ok: 0, refused: 1 } as const;

const FLAGS = {
  redact: { value: 'REGEX', multiple: true, help: 'check: refuse what this matches, too; repeatable' },
  'keep-last': { value: 'N', help: 'prune: of equal requests, leave the last N exchanges only (default 1)' },
  ...JSON_FLAG,
  ...HELP_FLAG,
} as const satisfies Flags;

function helpText(width: number): string {
  const usage = [
    'tape ls FILE        one line for each exchange',
    'tape show FILE [N]  one exchange whole; the last without N',
    'tape check FILE     whether each line is whole, and holds no key',
    'tape prune FILE     shorten it',
  ];
  const about = [
    'A tape is what "kimi-emulator gateway --record FILE" writes, and "--replay FILE" answers with. To leave only what a run uses, replay it and record another: gateway --replay old.tape --record new.tape.',
  ];
  const after = [
    'Exit codes: 0 done, 1 the tape is damaged, of a newer version, or holds a key, 2 invalid command line',
  ];
  return helpPage({ usage, about, rows: flagRows(FLAGS), after }, width);
}

type Print = (text: string) => void;
type Values = ReturnType<typeof parseFlags<typeof FLAGS>>['values'];

interface Asked {
  values: Values;
  /** What follows the file. */
  rest: string[];
}

const ACTIONS = { ls: list, show, check, prune } as const satisfies Record<
  string,
  (tape: Tape, asked: Asked, print: Print) => Promise<number> | number
>;
const ACTION_NAMES = Object.keys(ACTIONS) as (keyof typeof ACTIONS)[];

export const TAPE_SHAPE: CommandShape = { flags: FLAGS, actions: ACTION_NAMES, files: true };

/** The subcommand `kimi-emulator tape`. Resolves to the exit code; error messages are one line each. */
export function runTapeCommand(args: string[], io: CommandIo): Promise<number> {
  return runCommand('tape', io, async () => {
    const { stdout, stderr, env } = io;
    const { values, positionals } = parseFlags(args, FLAGS);
    if (values.help) {
      stdout.write(helpText(viewOf(stdout, env).width));
      return EXIT.ok;
    }
    const [given = '', file, ...rest] = positionals;
    const name = oneOf(ACTION_NAMES, given, 'the action');
    if (file === undefined) throw new UsageError(`${name} takes a file`);
    if (rest.length > (name === 'show' ? 1 : 0)) throw new UsageError(`${name} takes one file at a time`);
    const warn = (note: string): void => void stderr.write(`kimi-emulator ${note}\n`);
    try {
      const tape = new Tape(file, { writes: false, waits: name === 'prune', warn });
      try {
        return await ACTIONS[name](tape, { values, rest }, (text) => void stdout.write(`${text}\n`));
      } finally {
        tape.close();
      }
    } catch (error) {
      if (error instanceof TapeError) throw new CommandError(error.message, EXIT.refused);
      throw error instanceof PatternError ? new UsageError(error.message) : error;
    }
  });
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
    asked: chat ? `${chat.model}, ${plural(chat.messages.length, 'message')}: ${shortened(text)}` : `${method} ${path}`,
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
  if (!entry) throw new UsageError(`show takes the number of an exchange, 1 to ${tape.entries.length}, not ${which}`);
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
  const { path, entries } = tape;
  if (values.json) print(JSON.stringify({ tape: path, exchanges: entries.length }));
  else print(`tape ${path}: ${entries.length} exchanges, all whole, none with a key`);
  return EXIT.ok;
}

function prune(tape: Tape, { values }: Asked, print: Print): number {
  const text = values['keep-last'] ?? '1';
  if (!/^[1-9]\d*$/.test(text))
    throw new UsageError(`--keep-last takes a whole number from 1, not ${text || 'nothing'}`);
  const left = pruneTape(tape, Number(text));
  const { path, entries } = tape;
  if (values.json) print(JSON.stringify({ tape: path, exchanges: entries.length, left }));
  else print(`tape ${path}: ${left} of ${entries.length} exchanges left`);
  return EXIT.ok;
}
