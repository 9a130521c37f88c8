import { createReadStream, existsSync, statSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { InputMessage } from '../contract/messages.ts';

/** A command line that is not understood, in one line. */
export class UsageError extends Error {}

/** One thing that happens in a conversation. `ends`: a good place to turn to something else. */
type Step = (
  | { /** Written into the session as it is, without an answer. */ append: InputMessage }
  | { /** Said by the user: a round of the loop. */ ask: string }
) & { ends?: boolean };

/** A conversation to play, as often as it takes. */
export interface Input {
  name: string;
  /** One reading from beginning to end. */
  read(reading: number): AsyncGenerator<Step>;
}

const SHARED = ['tau-airline.jsonl', 'story-of-the-stone.txt'].map((name) =>
  fileURLToPath(new URL(`../../shared/data/${name}`, import.meta.url)),
);
const OWN = fileURLToPath(new URL('input', import.meta.url));

/** The input named, or what is at hand: the data beside the project, else what ships with the example. */
export function openInput(path: string | undefined): Input {
  if (path !== undefined) return inputAt(path);
  const present = SHARED.filter((file) => existsSync(file));
  if (present.length === 0) return { ...inputAt(OWN), name: "the example's own (examples/input), again and again" };
  return takeTurns(present.map(inputAt));
}

/** @throws UsageError */
function inputAt(path: string): Input {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new UsageError(`${path} does not exist`);
  if (stats.isFile()) return { name: basename(path), read: (reading) => fileSteps(path, basename(path), reading) };
  if (!stats.isDirectory()) throw new UsageError(`${path} is neither a file nor a folder`);
  return { name: path, read: (reading) => folderSteps(path, reading) };
}

async function* folderSteps(folder: string, reading: number): AsyncGenerator<Step> {
  for await (const path of filesOf(folder)) yield* fileSteps(path, relative(folder, path), reading);
}

/** All files below a folder in the order of their names, hidden ones and installed packages left out. */
async function* filesOf(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    if (name.startsWith('.') || name === 'node_modules') continue;
    if (entry.isDirectory()) yield* filesOf(join(folder, name));
    else if (entry.isFile()) yield join(folder, name);
  }
}

function fileSteps(path: string, name: string, reading: number): AsyncGenerator<Step> {
  return name.endsWith('.jsonl') ? dialogueSteps(path) : pageSteps(path, name, reading);
}

/** Several inputs as one: a step that ends a stretch of one is followed by a stretch of the next. */
function takeTurns(inputs: Input[]): Input {
  return {
    name: inputs.map(({ name }) => name).join(', '),
    async *read(reading) {
      let waiting = inputs.map((input) => input.read(reading));
      while (waiting.length > 0) {
        const unfinished: AsyncGenerator<Step>[] = [];
        for (const steps of waiting) {
          if (yield* stretch(steps)) unfinished.push(steps);
        }
        waiting = unfinished;
      }
    },
  };
}

/** Steps up to the next end of a stretch; whether there are more. */
async function* stretch(steps: AsyncGenerator<Step>): AsyncGenerator<Step, boolean> {
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return false;
    yield value;
    if (value.ends) return true;
  }
}

/** Tools that answer nothing do occur; the API takes no empty content. */
const NOTHING = '(nothing)';

/**
 * Recorded dialogues, one JSON object with `messages` a line. What a user said is asked again; what assistant and tools
 * answered then is written as it was. Instructions are pinned, so that a cut leaves them, and written once where dialogues share them.
 * @throws UsageError for a line that is not a dialogue
 */
async function* dialogueSteps(path: string): AsyncGenerator<Step> {
  const instructions = new Set<string>();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() === '') continue;
    const messages = messagesOf(text);
    if (!messages) throw new UsageError(`${path}, line ${line}: no object with messages`);
    for (const [index, message] of messages.entries()) {
      const ends = index === messages.length - 1;
      const { role, content } = message;
      if (role === 'user' && typeof content === 'string') yield { ask: content, ends };
      else if (role === 'tool') yield { append: { ...message, content: content || NOTHING }, ends };
      else if (role !== 'system') yield { append: message, ends };
      else if (!instructions.has(String(content))) yield { append: { ...message, pinned: true }, ends };
      if (role === 'system') instructions.add(String(content));
    }
  }
}

function messagesOf(line: string): InputMessage[] | undefined {
  try {
    const { messages } = JSON.parse(line) as { messages?: unknown };
    return InputMessage.array().parse(messages);
  } catch {
    return undefined;
  }
}

/** A page is at most twice as long, and a text of N bytes has at most N tokens: no write is too large. */
const PAGE_BYTES = 3_500;
/** Zero bytes, or what invalid UTF-8 becomes. */
const NO_TEXT = /[\0\uFFFD]/;

/** A file of text, page by page, with a question about each. A binary file has no steps. */
export async function* pageSteps(path: string, name: string, reading: number): AsyncGenerator<Step> {
  let part = 0;
  for await (const page of pagesOf(path)) {
    if (NO_TEXT.test(page)) return;
    if (page.trim() === '') continue;
    part += 1;
    const heading = `${name}, part ${part}${reading > 1 ? `, reading ${reading}` : ''}`;
    yield { ask: `${heading}:\n\n${page.trim()}\n\nWhat does this part tell?`, ends: true };
  }
}

/** Pages end at a line's end where there is one in their second half. */
async function* pagesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of createReadStream(path, { encoding: 'utf8', highWaterMark: PAGE_BYTES })) {
    const text = rest + piece;
    const lineEnd = text.lastIndexOf('\n') + 1;
    const end = lineEnd > text.length / 2 ? lineEnd : text.length;
    yield text.slice(0, end);
    rest = text.slice(end);
  }
  yield rest;
}

const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage', 'target', 'vendor']);
const MOST_BYTES = 200_000;
const LOOKED_AT = 4_096;

/** The text files of a folder and the folders in it, by name; nothing hidden, generated or large. */
export async function* textFiles(folder: string): AsyncGenerator<string, void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory()) yield* textFiles(path);
    else if (entry.isFile() && (await isText(path))) yield path;
  }
}

async function isText(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size === 0 || size > MOST_BYTES) return false;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOKED_AT), 0, LOOKED_AT, 0);
    return !buffer.subarray(0, bytesRead).includes(0);
  } finally {
    await file.close();
  }
}
