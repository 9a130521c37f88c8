import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { makeFolder, PRIVATE_FILE, sha256 } from '../engines/files.ts';
import { VERSION } from '../version.ts';
import { whileLocked } from './lock.ts';
import { FORMS, type Form, TapedRequest } from './request.ts';

/** Why a tape cannot be used, in one line that names the file. */
export class TapeError extends Error {
  override readonly name = 'TapeError';
}

const FORMAT = 'kimi-emulator tape';
const FORMAT_VERSION = 1;

const Part = z.tuple([z.number(), z.union([z.string(), z.object({ base64: z.string() })])]);

/** How an answer ended: to its end, because its reader had gone, or by an error of the contract. */
const End = z.union([z.enum(['whole', 'left']), z.object({ code: z.string(), details: z.looseObject({}) })]);
export type End = z.infer<typeof End>;

const TapedAnswer = z.object({
  status: z.int(),
  statusText: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  /** Milliseconds from the request to a part, and the part. */
  parts: z.array(Part),
  end: End,
});
export type TapedAnswer = z.infer<typeof TapedAnswer>;

const Exchange = z.object({
  key: z.string(),
  form: z.enum(FORMS),
  request: TapedRequest,
  answer: TapedAnswer,
});
/** A request to an upstream, and what it answered. */
export type TapedExchange = z.infer<typeof Exchange>;

/** What is known of an exchange without reading it. */
export interface TapeEntry {
  /** Its number on the tape, from 1. */
  readonly n: number;
  readonly key: string;
  readonly form: Form;
  readonly start: number;
  readonly bytes: number;
  /** Of its line. */
  readonly hash: string;
}

/** The end of each line: the hash of all before it. */
const SEAL = /^,"hash":"([0-9a-f]{64})"\}$/;
const SEAL_BYTES = ',"hash":""}'.length + 64;
/** The start of each exchange, by which it is known without being parsed. */
const HEAD = /^\{"key":"([0-9a-f]{64})","form":"([a-z ]+)",/;
const HEAD_BYTES = 128;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const READ_BYTES = 1_048_576;
/** Twice the largest body that a gateway takes, and its largest answer. */
const LINE_BYTES = 512 * 2 ** 20;

interface OpenTape {
  /** Whether exchanges are added. Then the file is made where it is missing. */
  readonly writes: boolean;
  /** Whether a line that is being written is waited for, as a writer does anyway. */
  readonly waits?: boolean;
  /** How many patterns of the user's are taken out of what is written. */
  readonly redactions?: number;
  /** Told of a line that a kill has cut off. */
  readonly warn?: (note: string) => void;
}

/**
 * A file of exchanges: a line for what it is, and one line of JSON for each exchange, which ends with its own hash. Lines are only
 * added. In memory there is where each begins, and no answer.
 */
export class Tape {
  readonly path: string;
  readonly entries: TapeEntry[] = [];
  #file: number;
  readonly #byKey = new Map<string, TapeEntry[]>();
  /** Up to where the file has been read. */
  #size = 0;
  #lines = 0;
  #isClosed = false;
  #redactions = 0;
  /** Of the file that was here before, by their hashes. */
  readonly #former = new Map<string, TapeEntry[]>();

  /** @throws TapeError in one line, which names what is wrong and where */
  constructor(path: string, { writes, waits = writes, redactions = 0, warn = () => undefined }: OpenTape) {
    this.path = path;
    try {
      if (writes && !existsSync(path)) begin(path, redactions);
      this.#file = openSync(path, writes ? 'a+' : 'r', PRIVATE_FILE);
    } catch (error) {
      throw this.#unusable((error as Error).message);
    }
    try {
      this.#open({ writes, waits, redactions, warn });
    } catch (error) {
      this.close();
      throw error instanceof TapeError ? error : this.#unusable((error as Error).message);
    }
  }

  #open({ writes, waits, redactions, warn }: Required<OpenTape>): void {
    const { size } = fstatSync(this.#file);
    if (size === 0 && !writes) throw this.#unusable('it is empty');
    if (size === 0) {
      writeFileSync(this.#file, header(redactions));
    }
    this.#readLines();
    const readRest = (): void => {
      const rest = this.#readLines();
      if (rest.length > 0) this.#readLast(rest, writes, warn);
    };
    // A line that another recorder is about to write is not one that was cut off.
    if (waits) whileLocked(this.path, readRest);
    else readRest();
    if (this.#lines === 0) throw this.#unusable('line 1 is not the first line of a tape');
  }

  /** What follows the last line end: a line that lost its end only, or one that was cut while it was written. */
  #readLast(rest: Buffer, writes: boolean, warn: (note: string) => void): void {
    if (sealedText(rest) !== undefined) {
      this.#read(rest, this.#size);
      if (writes) writeFileSync(this.#file, '\n');
      this.#size += rest.length + (writes ? 1 : 0);
      return;
    }
    if (this.#lines === 0) return;
    warn(`tape ${this.path}: line ${this.#lines + 1} was cut off while it was written, and is left out`);
    if (writes) ftruncateSync(this.#file, this.#size);
  }

  /** How many patterns were taken out of what was written. */
  get redactions(): number {
    return this.#redactions;
  }

  /** The exchanges of requests with this key, in the order recorded. */
  find(key: string): readonly TapeEntry[] {
    return this.#byKey.get(key) ?? [];
  }

  /** @throws TapeError where its line has been changed since */
  read({ n, start, bytes }: TapeEntry): TapedExchange {
    const line = Buffer.allocUnsafe(bytes);
    for (let at = 0; at < bytes; ) {
      const read = readSync(this.#file, line, at, bytes - at, start + at);
      if (read === 0) throw this.#damaged(n + 1, 'it has become shorter');
      at += read;
    }
    const text = sealedText(line);
    if (text === undefined) throw this.#damaged(n + 1, 'its hash is not that of its content');
    const exchange = Exchange.safeParse(JSON.parse(`${text}}`));
    if (!exchange.success) throw this.#damaged(n + 1, `its ${exchange.error.issues[0]?.path.join('.')} is invalid`);
    return exchange.data;
  }

  /** Adds an exchange. @throws TapeError where the file system refuses; then the file is as before */
  append({ key, form, request, answer }: TapedExchange): void {
    if (this.#isClosed) return;
    const line = seal(JSON.stringify({ key, form, request, answer }));
    try {
      whileLocked(this.path, () => this.#write(line));
    } catch (error) {
      throw error instanceof TapeError ? error : this.#unusable(`it cannot be written: ${(error as Error).message}`);
    }
  }

  #write(line: Buffer): void {
    if (!this.isInPlace) this.#openAnew();
    const { size } = fstatSync(this.#file);
    try {
      writeFileSync(this.#file, line);
    } catch (error) {
      ftruncateSync(this.#file, size);
      throw error;
    }
    this.takeIn();
  }

  /** Whether the file is still the one at its path. A prune puts another there. */
  get isInPlace(): boolean {
    const own = fstatSync(this.#file, { bigint: true });
    const placed = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    return placed?.ino === own.ino && placed.dev === own.dev;
  }

  /** Goes on with the file that is at the path now, or with a new one where there is none. */
  #openAnew(): void {
    if (!existsSync(this.path)) begin(this.path, this.#redactions);
    const file = openSync(this.path, 'a+', PRIVATE_FILE);
    closeSync(this.#file);
    this.#file = file;
    this.#former.clear();
    for (const entry of this.entries.splice(0)) addTo(this.#former, entry.hash, entry);
    this.#byKey.clear();
    this.#size = 0;
    this.#lines = 0;
    const rest = this.#readLines();
    if (rest.length > 0 || this.#lines === 0) throw this.#unusable('it was replaced by what is not a whole tape');
    this.#former.clear();
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#file);
    this.#isClosed = true;
  }

  /** Takes in the lines that have been added since, by others too. */
  takeIn(): void {
    this.#readLines();
  }

  /** @returns what follows the last line end */
  #readLines(): Buffer {
    let start = this.#size;
    let parts: Buffer[] = [];
    let length = 0;
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let at = start; ; ) {
      const read = readSync(this.#file, buffer, 0, READ_BYTES, at);
      if (read === 0) break;
      at += read;
      let from = 0;
      for (let end = buffer.indexOf(NEWLINE); end !== -1 && end < read; end = buffer.indexOf(NEWLINE, from)) {
        const line = Buffer.concat([...parts, buffer.subarray(from, end)]);
        this.#read(line, start);
        start += line.length + 1;
        this.#size = start;
        parts = [];
        length = 0;
        from = end + 1;
      }
      parts.push(Buffer.from(buffer.subarray(from, read)));
      length += read - from;
      if (length > LINE_BYTES) throw this.#damaged(this.#lines + 1, `it is longer than ${LINE_BYTES} bytes`);
    }
    return Buffer.concat(parts);
  }

  #read(line: Buffer, start: number): void {
    const n = this.#lines;
    if (n === 0) {
      this.#readHeader(line);
    } else {
      if (sealedText(line) === undefined) throw this.#damaged(n + 1, 'its hash is not that of its content');
      const [, key, form] = HEAD.exec(line.toString('latin1', 0, HEAD_BYTES)) ?? [];
      if (key === undefined || !isForm(form)) throw this.#damaged(n + 1, 'it is not an exchange');
      const [, hash = ''] = sealOf(line);
      const read = { n, key, form, start, bytes: line.length, hash };
      // Who has answered with it knows it by the object.
      const former = this.#former.get(hash)?.shift();
      const entry = former ? Object.assign(former, read) : read;
      this.entries.push(entry);
      addTo(this.#byKey, key, entry);
    }
    this.#lines += 1;
  }

  #readHeader(line: Buffer): void {
    let first: unknown;
    try {
      first = JSON.parse(line.toString());
    } catch {
      throw this.#unusable('line 1 is not the first line of a tape');
    }
    const known = z.looseObject({ format: z.literal(FORMAT), version: z.int() }).safeParse(first);
    if (!known.success) throw this.#unusable('line 1 is not the first line of a tape');
    const { version, redactions } = known.data;
    if (version > FORMAT_VERSION) {
      throw this.#unusable(
        `it has version ${version}, and this kimi-emulator reads up to ${FORMAT_VERSION}: update it`,
      );
    }
    if (sealedText(line) === undefined) throw this.#damaged(1, 'its hash is not that of its content');
    this.#redactions = Number(redactions ?? 0);
  }

  #damaged(line: number, reason: string): TapeError {
    return this.#unusable(`line ${line} is damaged: ${reason}`);
  }

  #unusable(reason: string): TapeError {
    return new TapeError(`tape ${this.path}: ${reason}`);
  }
}

/** Makes a tape that has its first line from its first moment, whoever makes it at the same time. */
function begin(path: string, redactions: number): void {
  makeFolder(dirname(path));
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, header(redactions), { mode: PRIVATE_FILE });
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function header(redactions: number): Buffer {
  return seal(JSON.stringify({ format: FORMAT, version: FORMAT_VERSION, by: VERSION, redactions }));
}

function isForm(text: string | undefined): text is Form {
  return FORMS.some((form) => form === text);
}

/** A line of an object's JSON with its hash. */
function seal(json: string): Buffer {
  const text = Buffer.from(json.slice(0, -1));
  return Buffer.concat([text, Buffer.from(`,"hash":"${sha256(text)}"}\n`)]);
}

function addTo(map: Map<string, TapeEntry[]>, name: string, entry: TapeEntry): void {
  const others = map.get(name);
  if (others) others.push(entry);
  else map.set(name, [entry]);
}

function sealOf(line: Buffer): [text: Buffer, hash: string | undefined] {
  // Some tools change the ends of lines.
  const whole = line.at(-1) === RETURN ? line.subarray(0, -1) : line;
  const text = whole.subarray(0, -SEAL_BYTES);
  return [text, SEAL.exec(whole.toString('latin1', text.length))?.[1]];
}

/** What a line says before its hash. Undefined where that is another one. */
function sealedText(line: Buffer): string | undefined {
  const [text, hash] = sealOf(line);
  return hash !== undefined && hash === sha256(text) ? text.toString() : undefined;
}

/** A tape of some exchanges of this one, line by line. */
export function* linesOf(tape: Tape, entries: readonly TapeEntry[]): Generator<Buffer> {
  yield header(tape.redactions);
  for (const entry of entries) yield seal(JSON.stringify(tape.read(entry)));
}
