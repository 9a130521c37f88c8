import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, relative } from 'node:path';
import { chooseReader, type RecordReader, readWholeDocument } from './formats.ts';
import { type Transcript, TranscriptError, textOf } from './transcript.ts';

/** Characters of a line at most, and of the messages of all files together. */
const MAX_LINE = 64 * 2 ** 20;
const MAX_TEXT = 32 * 2 ** 20;
const EXTENSIONS: readonly string[] = ['.json', '.jsonl', '.ndjson'];
const SHOWN_NAMES = 3;

/**
 * Reads files and folders, which are searched through. Of a folder a file that cannot be read is told of, and left out.
 * @param warn called with one line
 * @throws TranscriptError for a file that is named itself, or where nothing is left
 */
export async function readTranscripts(
  paths: readonly string[],
  warn: (line: string) => void = () => undefined,
): Promise<Transcript[]> {
  const found: Transcript[] = [];
  let room = MAX_TEXT;
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    if (!info) throw new TranscriptError(`${path}: no such file or folder`);
    if (!info.isDirectory()) {
      const read = await readFile(path, basename(path), room, warn);
      room -= sizeOf(read);
      found.push(...read);
      continue;
    }
    const leftOut: string[] = [];
    for (const file of await filesIn(path)) {
      const name = relative(path, file);
      try {
        const read = await readFile(file, name, room, warn);
        room -= sizeOf(read);
        found.push(...read);
      } catch (error) {
        if (!(error instanceof TranscriptError)) throw error;
        leftOut.push(name);
        warn(error.message);
      }
    }
    if (found.length === 0) throw new TranscriptError(`${path}: holds no transcript${namesOf(leftOut)}`);
  }
  return found;
}

function namesOf(names: readonly string[]): string {
  if (names.length === 0) return ` (${EXTENSIONS.join(', ')})`;
  const more = names.length > SHOWN_NAMES ? ', …' : '';
  return ` that can be read: ${names.slice(0, SHOWN_NAMES).join(', ')}${more}`;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && EXTENSIONS.includes(extname(entry.name)));
  return files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
}

function sizeOf(transcripts: readonly Transcript[]): number {
  const sizes = transcripts.flatMap(({ messages }) => messages.map((message) => textOf(message).length));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** @param room characters of messages that may still be held */
async function readFile(path: string, name: string, room: number, warn: (line: string) => void): Promise<Transcript[]> {
  try {
    const read = await readRecords(path, room, (line) => warn(`${path}: ${line}`));
    const usable = read.filter(({ messages }) => messages.some(({ role }) => role === 'assistant'));
    if (usable.length === 0) throw new TranscriptError('holds no answer of an assistant');
    return usable.map((transcript, place) => ({
      name: usable.length > 1 ? `${name}#${place + 1}` : name,
      ...transcript,
    }));
  } catch (error) {
    if (error instanceof TranscriptError) throw new TranscriptError(`${path}: ${error.message}`);
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
      reader = chooseReader(record);
    }
    if (!record) continue;
    held += charactersOf(record);
    if (held > room) throw tooLarge();
    try {
      reader.add(record);
    } catch (error) {
      if (error instanceof TranscriptError) throw new TranscriptError(`line ${number}: ${error.message}`);
      throw error;
    }
  }
  if (first !== '') return readWholeDocument(first.trimEnd());
  if (!reader) throw new TranscriptError('is empty');
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

/** Only what may be kept of a record counts: logs hold much that is not a message. */
function charactersOf(record: Record<string, unknown>): number {
  const { message, payload, content, messages, event } = record;
  const kept = message ?? payload ?? content ?? messages ?? event;
  return kept === undefined ? 0 : lengthOf(kept);
}

/** Characters of all texts in a value. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + lengthOf(part), 0);
}

function tooLarge(): TranscriptError {
  return new TranscriptError(
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
