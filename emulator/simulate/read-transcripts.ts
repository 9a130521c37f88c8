import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join, relative } from 'node:path';
import { chooseReader, readWholeDocument } from './formats.ts';
import { heldBy, type RecordReader } from './messages.ts';
import { faultOf, type Transcript, TranscriptError } from './transcript.ts';

/** Characters of a line at most, and of the messages of all files together, with what each takes beside its text. */
const MAX_LINE = 64 * 2 ** 20;
const MAX_TEXT = 32 * 2 ** 20;
const EXTENSIONS: readonly string[] = ['.json', '.jsonl', '.ndjson'];
const SHOWN_NAMES = 3;
/** Records of unknown kinds that a log may begin with. */
const MOST_SKIPPED = 100;

/** A file of which one transcript is made, or several. */
interface Source {
  readonly path: string;
  readonly name: string;
}

/**
 * Reads files and folders, which are searched through; links are followed, and a file is read once. Of a folder a file that cannot be
 * read is told of, and left out.
 * @param warn called with one line
 * @throws TranscriptError for a file that is named itself, or where nothing is left
 */
export async function readTranscripts(
  paths: readonly string[],
  warn: (line: string) => void = () => undefined,
): Promise<Transcript[]> {
  const seen = new Set<string>();
  const named: { path: string; files: Source[]; isFolder: boolean }[] = [];
  for (const path of paths) {
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new TranscriptError(
        error.code === 'ENOENT' ? `${path || '""'}: no such file or folder` : `${path}: cannot be read (${error.code})`,
      );
    });
    const files = info.isDirectory() ? await filesIn(path, seen, warn) : [path];
    const sources = files.map((file) => ({
      path: file,
      name: info.isDirectory() ? relative(path, file) : basename(file),
    }));
    named.push({ path, files: sources, isFolder: info.isDirectory() });
  }
  const names = named.flatMap(({ files }) => files.map(({ name }) => name));
  const isTaken = ({ name }: Source) => names.indexOf(name) !== names.lastIndexOf(name);
  const found: Transcript[] = [];
  let room = MAX_TEXT;
  for (const { path, files, isFolder } of named) {
    const leftOut: string[] = [];
    const crowdedOut: string[] = [];
    const before = found.length;
    for (const file of files) {
      // A pipe has no path of its own.
      const real = await realpath(file.path).catch(() => file.path);
      if (seen.has(real)) continue;
      seen.add(real);
      try {
        const read = await readFile(file.path, isTaken(file) ? file.path : file.name, room, warn);
        room -= sizeOf(read);
        found.push(...read);
      } catch (error) {
        if (!isFolder || !(error instanceof TranscriptError)) throw error;
        leftOut.push(file.name);
        if (error instanceof TooLarge && room < MAX_TEXT) crowdedOut.push(file.name);
        else warn(error.message);
      }
    }
    if (crowdedOut.length > 0)
      warn(
        `${path}: files left out, as ${MAX_TEXT / 2 ** 20} MiB of messages are held at most, of all files together: ${crowdedOut.length} (${listed(crowdedOut)})`,
      );
    if (isFolder && found.length === before && (found.length === 0 || leftOut.length > 0))
      throw new TranscriptError(`${path}: holds no transcript${namesOf(leftOut)}`);
  }
  return found;
}

function namesOf(names: readonly string[]): string {
  if (names.length === 0) return ` (${EXTENSIONS.join(', ')})`;
  return ` that can be read: ${listed(names)}`;
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, SHOWN_NAMES).join(', ')}${names.length > SHOWN_NAMES ? ', …' : ''}`;
}

/** @param seen folders that were searched: a link may lead back @throws TranscriptError where the folder cannot be read */
async function filesIn(folder: string, seen: Set<string>, warn: (line: string) => void): Promise<string[]> {
  const real = await realpath(folder);
  if (seen.has(real)) return [];
  seen.add(real);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new TranscriptError(`${folder}: cannot be read (${error.code})`);
  });
  const files: string[] = [];
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const isLog = EXTENSIONS.includes(extname(entry.name));
    const kind = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (!kind && isLog) warn(`${path}: leads nowhere`);
    else if (kind?.isFile() && isLog) files.push(path);
    else if (kind?.isDirectory()) {
      const below = await filesIn(path, seen, warn).catch((error: unknown) => {
        if (!(error instanceof TranscriptError)) throw error;
        warn(error.message);
        return [];
      });
      files.push(...below);
    }
  }
  return files;
}

function sizeOf(transcripts: readonly Pick<Transcript, 'messages'>[]): number {
  return transcripts.flatMap(({ messages }) => messages.map(heldBy)).reduce((sum, size) => sum + size, 0);
}

/** @param room characters of messages that may still be held */
async function readFile(path: string, name: string, room: number, warn: (line: string) => void): Promise<Transcript[]> {
  try {
    const read = await readRecords(path, room, (line) => warn(`${path}: ${line}`));
    const usable = read.filter(({ messages }) => messages.some(({ role }) => role === 'assistant'));
    if (usable.length === 0) throw new TranscriptError('holds no answer of an assistant');
    if (sizeOf(usable) > room) throw tooLarge();
    for (const one of usable) {
      const fault = faultOf(one);
      if (fault !== undefined) throw new TranscriptError(fault);
    }
    return usable.map((transcript, place) => ({
      name: usable.length > 1 ? `${name}#${place + 1}` : name,
      ...transcript,
    }));
  } catch (error) {
    if (error instanceof TooLarge) throw new TooLarge(`${path}: ${error.message}`);
    if (error instanceof TranscriptError) throw new TranscriptError(`${path}: ${error.message}`);
    if (error instanceof RangeError) throw new TranscriptError(`${path}: is nested too deeply`);
    if (error instanceof Error && 'code' in error) throw new TranscriptError(`${path}: cannot be read (${error.code})`);
    throw error;
  }
}

async function readRecords(
  path: string,
  room: number,
  warn: (line: string) => void,
): Promise<Omit<Transcript, 'name'>[]> {
  let reader: RecordReader | undefined;
  let broken: number | undefined;
  let first = '';
  let held = 0;
  let skipped = 0;
  let unknown: unknown;
  for await (const { text, number } of linesOf(path)) {
    if (text.trim() === '') continue;
    if (broken !== undefined) throw new TranscriptError(`line ${broken} is not JSON`);
    const record = parseRecord(text);
    if (reader && !record) broken = number;
    if (!reader) {
      // A first line that is not a record by itself begins a document of many lines, or is all of it.
      if (first !== '' || !record || isDocument(record)) {
        first += `${text}\n`;
        if (first.length > MAX_LINE) throw tooLarge();
        continue;
      }
      try {
        reader = chooseReader(record);
      } catch (error) {
        // Logs may begin with records of kinds that came later.
        skipped += 1;
        if (typeof record.type !== 'string' || skipped > MOST_SKIPPED) throw error;
        unknown ??= error;
        continue;
      }
    }
    if (!record) continue;
    try {
      held += reader.add(record);
    } catch (error) {
      if (error instanceof TranscriptError) throw new TranscriptError(`line ${number}: ${error.message}`);
      throw error;
    }
    if (held > room) throw tooLarge();
  }
  if (first !== '') return readWholeDocument(first.trimEnd());
  if (!reader) throw unknown ?? new TranscriptError('is empty');
  if (broken !== undefined) warn(`line ${broken} is cut off; what stands before it is read`);
  return reader.finish();
}

function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a line is a whole file: a list of messages, a chat request alone on its line, or a state of the emulator. */
function isDocument(record: Record<string, unknown>): boolean {
  return Array.isArray(record) || 'sha256' in record;
}

/** More than what is held of all files together. */
class TooLarge extends TranscriptError {}

function tooLarge(): TooLarge {
  return new TooLarge(
    `is too large: more than ${MAX_TEXT / 2 ** 20} MiB of messages, in this file or with those before it`,
  );
}

/** The lines of a file, one after another: a file of any size takes the memory of its longest line. */
async function* linesOf(path: string): AsyncGenerator<{ text: string; number: number }, void> {
  let waiting: string[] = [];
  let size = 0;
  let number = 0;
  for await (const chunk of createReadStream(path, {
    encoding: 'utf8',
    highWaterMark: 2 ** 18,
  }) as AsyncIterable<string>) {
    const [head = '', ...rest] = chunk.split('\n');
    waiting.push(head);
    size += head.length;
    if (size > MAX_LINE) throw new TranscriptError(`line ${number + 1} is longer than ${MAX_LINE / 2 ** 20} MiB`);
    for (const next of rest) {
      number += 1;
      yield { text: withoutMark(waiting.join(''), number), number };
      waiting = [next];
      size = next.length;
    }
  }
  if (size > 0) yield { text: withoutMark(waiting.join(''), number + 1), number: number + 1 };
}

function withoutMark(text: string, number: number): string {
  return number === 1 ? text.replace(/^\uFEFF/, '') : text;
}
