import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tool } from '../../contract/messages.ts';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import { Random } from './random.ts';
import type { Fact, RecordedMessage, Transcript } from './transcript.ts';
import { TranscriptError } from './transcript.ts';

/** A source file of an installed package. */
interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The article's scenarios, on input of this machine. */
export interface Scenarios {
  /** Where the input comes from, in words. */
  readonly input: string;
  /** One file a round. */
  readonly review: Transcript;
  /** The same files in as many requests as a window of 32K takes, each by itself. */
  readonly reviewInCalls: readonly Transcript[];
  /** The same files in one request. */
  readonly reviewAtOnce: Transcript;
  readonly dialogue: Transcript;
  readonly logs: Transcript;
}

const FILES = 100;
const ROUNDS = 50;
const LINES = 4_000;
const LINES_A_ROUND = 100;
const ERRORS = 12;
/** Bytes of a file that is taken. */
const SMALLEST = 4_000;
const LARGEST = 12_000;
/** Characters of sources that a request within 32K takes, with its answer. */
const CHARACTERS_A_CALL = 98_000;
/** Characters of a file that the agent reads at once: 50 rounds are some 42,000 tokens, as in the article. */
const CHARACTERS_READ = 2_450;
const MOST_ENTRIES = 4_000;

/**
 * The article's three scenarios on source files of the packages that are installed beside this one.
 * @throws TranscriptError where there are none
 */
export async function scenarios(seed: number, folder = packagesFolder()): Promise<Scenarios> {
  const { files, packages } = await sourceFiles(folder);
  const random = new Random(seed);
  const input = `${files.length} source files of ${packages.length} installed packages (${packages.slice(0, 4).join(', ')}, …)`;
  return {
    input,
    review: review(files),
    reviewInCalls: inCalls(files).map((some, place) => reviewAtOnce(`review, call ${place + 1}`, some)),
    reviewAtOnce: reviewAtOnce('review in one call', files),
    dialogue: dialogue(files, random),
    logs: logs(files, random),
  };
}

/** The packages beside this one, or, in a checkout, its own. */
function packagesFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    const found = join(folder, 'node_modules');
    if (existsSync(found)) return found;
  }
  return join(process.cwd(), 'node_modules');
}

/** Files of all packages in turn, the same ones in every run. */
async function sourceFiles(folder: string): Promise<{ files: SourceFile[]; packages: string[] }> {
  const packages: { name: string; paths: string[] }[] = [];
  for (const name of packageNames(folder)) {
    // An interrupt is heard between two packages.
    if (sliceIsOver()) await yieldToEventLoop();
    packages.push({ name, paths: pathsIn(join(folder, name)) });
  }
  const files: SourceFile[] = [];
  const used = new Map<string, string>();
  for (let turn = 0; files.length < FILES; turn += 1) {
    const left = packages.filter(({ paths }) => paths.length > turn);
    if (left.length === 0) break;
    for (const { name, paths } of left) {
      const path = paths[turn];
      if (path === undefined || files.length === FILES) break;
      const text = readFileSync(join(folder, name, path), 'utf8');
      files.push({ path: `${name}/${path}`, text });
      used.set(name, `${name} ${versionOf(join(folder, name))}`);
    }
  }
  if (files.length === 0)
    throw new TranscriptError(
      `${folder}: no source files of packages for the scenarios; name a transcript with --transcript`,
    );
  return { files, packages: [...used.values()] };
}

function packageNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => !name.startsWith('.') && name !== 'kimi-emulator');
  return names
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(folder, name)).map((part) => `${name}/${part}`) : [name],
    )
    .sort();
}

function versionOf(folder: string): string {
  try {
    return String(
      (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown }).version ?? '',
    );
  } catch {
    return '';
  }
}

function pathsIn(folder: string): string[] {
  const found: string[] = [];
  const waiting = [''];
  for (let seen = 0; waiting.length > 0 && seen < MOST_ENTRIES && found.length < 2 * FILES; ) {
    const below = waiting.shift() ?? '';
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      seen += 1;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== 'node_modules') waiting.push(path);
      else if (entry.isFile() && /\.m?[jt]s$/.test(entry.name) && !/\.min\.|\.d\./.test(entry.name)) {
        const { size } = statSync(join(folder, path));
        if (size >= SMALLEST && size <= LARGEST) found.push(path);
      }
    }
  }
  return found;
}

const REVIEWER = 'You review source files. Name faults with their line, and say what each file exports.';

function review(files: readonly SourceFile[]): Transcript {
  const messages = files.flatMap((file): RecordedMessage[] => [
    { role: 'user', content: `Review ${file.path}:\n${file.text}` },
    { role: 'assistant', content: verdict(file) },
  ]);
  return { name: 'review of 100 files', messages: [{ role: 'system', content: REVIEWER }, ...messages] };
}

function reviewAtOnce(name: string, files: readonly SourceFile[]): Transcript {
  const texts = files.map(({ path, text }) => `${path}:\n${text}`);
  return {
    name,
    messages: [
      { role: 'system', content: REVIEWER },
      { role: 'user', content: `Review these files.\n${texts.join('\n')}` },
      { role: 'assistant', content: files.map(verdict).join('\n') },
    ],
  };
}

function inCalls(files: readonly SourceFile[]): SourceFile[][] {
  const calls: SourceFile[][] = [[]];
  let room = CHARACTERS_A_CALL;
  for (const file of files) {
    if (file.text.length > room) {
      calls.push([]);
      room = CHARACTERS_A_CALL;
    }
    calls.at(-1)?.push(file);
    room -= file.text.length;
  }
  return calls;
}

/** What is said of a file: true, of some length, and no quotation. */
function verdict({ path, text }: SourceFile): string {
  const lines = text.split('\n').length;
  const count = (pattern: RegExp) => [...text.matchAll(pattern)].length;
  const [functions, branches, loops] = [count(/\bfunction\b|=>/g), count(/\bif\b/g), count(/\b(?:for|while)\b/g)];
  return `${path}: ${lines} lines, ${functions} functions, ${branches} branches and ${loops} loops. I find no fault that breaks it; the longest branch could be a function of its own.`;
}

const READ_FILE: Tool = {
  type: 'function',
  function: {
    name: 'read_file',
    description: 'Reads lines of a file.',
    parameters: {
      type: 'object',
      properties: { path: { type: 'string' }, from: { type: 'integer' }, to: { type: 'integer' } },
      required: ['path', 'from', 'to'],
    },
  },
};

/** Each round: a question, the call, its result, and the answer. */
function dialogue(files: readonly SourceFile[], random: Random): Transcript {
  const messages: RecordedMessage[] = [{ role: 'system', content: 'You are a coding agent. Read before you answer.' }];
  for (let round = 0; round < ROUNDS; round += 1) {
    const file = random.pick(files);
    const lines = file.text.split('\n');
    const from = random.below(Math.ceil(lines.length / 2));
    const read = linesWithin(lines.slice(from), CHARACTERS_READ);
    const id = `call_${round}`;
    const args = JSON.stringify({ path: file.path, from: from + 1, to: from + read.length });
    const names = read.flatMap((line) => /(?:function|const|class) (\w+)/.exec(line)?.[1] ?? []).slice(0, 5);
    messages.push(
      { role: 'user', content: `What do lines ${from + 1} to ${from + read.length} of ${file.path} define?` },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id, type: 'function', function: { name: 'read_file', arguments: args } }],
      },
      { role: 'tool', tool_call_id: id, content: read.join('\n') },
      {
        role: 'assistant',
        content: names.length === 0 ? 'They define nothing by a name.' : `They define ${names.join(', ')}.`,
      },
    );
  }
  return { name: 'agent dialogue of 50 rounds', messages, tools: [READ_FILE] };
}

function linesWithin(lines: readonly string[], characters: number): string[] {
  let room = characters;
  const end = lines.findIndex((line) => {
    room -= line.length + 1;
    return room < 0;
  });
  return lines.slice(0, end === -1 ? lines.length : Math.max(1, end));
}

const PLACES = ['db-1', 'db-2', 'queue-3', 'cache-4', 'mail-5'];
const FAULTS = ['timeout', 'refused', 'out of memory', 'disk full', 'bad checksum'];

/** Requests for the files, with their sizes, and a few errors between them. */
function logs(files: readonly SourceFile[], random: Random): Transcript {
  const facts: Fact[] = [];
  const every = LINES / ERRORS;
  const lines = Array.from({ length: LINES }, (_, line) => {
    const time = new Date(Date.UTC(2026, 9, 5, 8) + line * 1_700).toISOString().slice(11, 19);
    const number = facts.length;
    if (line === Math.floor((number + 0.5) * every) && number < ERRORS) {
      const code = `E${1_000 + random.below(9_000)}${number}`;
      const order = String(100_000 + random.below(900_000));
      facts.push({ question: `Which order failed with ${code}?`, words: [code, order] });
      return `${time} ERROR ${code} ${random.pick(FAULTS)} on ${random.pick(PLACES)}, order ${order}`;
    }
    const file = random.pick(files);
    return `${time} INFO GET /${file.path} 200 ${file.text.length}B ${1 + random.below(80)}ms`;
  });
  const messages: RecordedMessage[] = [{ role: 'system', content: 'You watch a log. Remember every error.' }];
  for (let from = 0; from < LINES; from += LINES_A_ROUND) {
    messages.push(
      { role: 'user', content: lines.slice(from, from + LINES_A_ROUND).join('\n') },
      { role: 'assistant', content: `Read up to line ${from + LINES_A_ROUND}.` },
    );
  }
  return { name: 'log of 4,000 lines', messages, facts };
}
