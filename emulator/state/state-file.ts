import { constants } from 'node:buffer';
import { createHash } from 'node:crypto';

/** Why a state file cannot be exported or imported, in one line. Nothing has changed. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The file's ids already exist: it was imported before, or exported from this very state. */
export class AlreadyHereError extends StateError {}

export interface ExportOptions {
  /** Id of one session to export with its snapshots; by default everything is exported. */
  session?: string;
}

export interface ImportOptions {
  /** Imports everything into this key's account. By default everything stays in the account of its original key. */
  key?: string;
}

/** Ids of what was imported, in the order of creation. */
export interface Imported {
  sessions: string[];
  snapshots: string[];
}

const NAME = 'kimi-emulator-state';
const VERSION = 1;

const START = new RegExp(`^\\{"format":"${NAME}/(\\d{1,9})","sha256":"([0-9a-f]{64})","state":`);
const START_BYTES = 160;
const END = '}\n';
const BRACE = 0x7d;
const LINE_ENDS = [0x0a, 0x0d];
const BOM = Buffer.from('\uFEFF');
/** Bytes; a millisecond of work. */
const HASHED_A_STEP = 2 ** 20;

/** A file in consecutive parts, none longer than a string or a buffer can be. */
export type FileParts = readonly Uint8Array[];

/** UTF-16 units per part: a millisecond of work, and few parts. */
const PART_UNITS = 2 ** 18;

/** Builds a file from a state's text: one line of JSON with a hash over the state's text, which is never held as one string. */
export class Sealing {
  readonly #hash = createHash('sha256');
  readonly #parts: Uint8Array[] = [];
  #text = '';

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= PART_UNITS) this.#cut();
  }

  seal(): FileParts {
    this.#cut();
    const start = `{"format":"${NAME}/${VERSION}","sha256":"${this.#hash.digest('hex')}","state":`;
    return [Buffer.from(start), ...this.#parts, Buffer.from(END)];
  }

  #cut(): void {
    const part = Buffer.from(this.#text);
    this.#text = '';
    this.#hash.update(part);
    this.#parts.push(part);
  }
}

/**
 * Reads the state from a file. Runs in slices.
 * @param file text or bytes, exactly as written; or the value that `JSON.parse` returned for them
 * @returns the state and its hash
 * @throws StateError if it is another kind of file, of a newer version, or damaged
 */
export function unseal(file: string | Uint8Array | object): Generator<void, { state: unknown; hash: string }> {
  if (typeof file === 'string') return unsealBytes(Buffer.from(file));
  if (file instanceof Uint8Array) return unsealBytes(file);
  if (typeof file !== 'object' || file === null)
    throw new StateError(`a file is text, bytes or an object, not ${file}`);
  return unsealBytes(Buffer.from(textOf(file)));
}

function textOf(file: object): string {
  const { format, sha256: hash, state, ...rest } = file as Record<string, unknown>;
  if (Object.keys(rest).length > 0)
    throw new StateError(`the file is not a ${NAME}: it has the member ${Object.keys(rest)[0]}`);
  return `${JSON.stringify({ format, sha256: hash, state }).slice(0, -1)}${END}`;
}

function* unsealBytes(bytes: Uint8Array): Generator<void, { state: unknown; hash: string }> {
  const buffer = trimmed(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const [start, version, hash] = START.exec(buffer.toString('latin1', 0, START_BYTES)) ?? [];
  if (start === undefined || hash === undefined) {
    throw new StateError(
      `the file is not a ${NAME}, or its start is damaged (import a reformatted file as a parsed object)`,
    );
  }
  if (Number(version) > VERSION) {
    throw new StateError(
      `the file was written by a newer kimi-emulator (${NAME}/${version}, this one knows ${NAME}/${VERSION})`,
    );
  }
  const content = buffer.subarray(start.length, -1);
  if (Number(version) !== VERSION || buffer.at(-1) !== BRACE || (yield* hashOf(content)) !== hash) {
    throw new StateError('the file is damaged: its content is not what was exported');
  }
  return { state: parse(content), hash };
}

/** Strips what an editor or a transfer may add: a byte order mark at the start, line ends at the end. */
function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && LINE_ENDS.includes(bytes[end - 1] ?? 0)) end -= 1;
  return bytes.subarray(bytes.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0, end);
}

function* hashOf(content: Buffer): Generator<void, string> {
  const hash = createHash('sha256');
  for (let from = 0; from < content.length; from += HASHED_A_STEP) {
    hash.update(content.subarray(from, from + HASHED_A_STEP));
    yield;
  }
  return hash.digest('hex');
}

function parse(content: Buffer): unknown {
  if (content.length > constants.MAX_STRING_LENGTH) {
    throw new StateError(
      `the file has ${content.length} bytes; imports are limited to ${constants.MAX_STRING_LENGTH}: export its sessions one by one`,
    );
  }
  try {
    return JSON.parse(content.toString());
  } catch {
    throw new StateError('the file is damaged: its state is not JSON');
  }
}
