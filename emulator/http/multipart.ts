import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import type { Limits } from '../../contract/limits.ts';
import { ApiError, invalid } from '../api-error.ts';
import { type Blob, BlobBuilder } from '../engines/media/data-url.ts';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import type { RequestContext } from './context.ts';
import { bodyParts, requireUncompressed } from './request-body.ts';

/** A file as it was sent, with the fields beside it. */
interface Upload {
  filename: string;
  blob: Blob;
  fields: ReadonlyMap<string, string>;
}

const FORM_TYPE = /^multipart\/form-data\s*(?:;|$)/i;
/** What a body may hold beside its file: fields, and headers of parts. */
const MOST_BESIDES = 2 ** 20;
const MOST_FIELDS = 16;
const MOST_FIELD_BYTES = 65_536;
/** Bytes that are worked on at once. */
const CHUNK_BYTES = 131_072;
const FILE = 'file';

/**
 * Reads an upload of one file while it comes in, in slices, and stops reading where it is over the limit.
 * @throws ApiError `file_too_large`; `invalid_request` for what is not an upload
 */
export async function readUpload(c: RequestContext, limits: Limits): Promise<Upload> {
  const type = c.req.header('content-type') ?? '';
  requireUncompressed(c);
  if (!FORM_TYPE.test(type)) {
    throw invalid(`Content-Type must be multipart/form-data, not ${type || 'absent'}`, 'Content-Type');
  }
  const form = new UploadForm(type, limits);
  const announced = Number(c.req.header('content-length') ?? 0);
  let read = 0;
  try {
    for await (const part of bodyParts(c)) {
      read += part.length;
      if (Math.max(read, announced) > limits.file_bytes + MOST_BESIDES) throw tooLarge(limits);
      for (let at = 0; at < part.length; at += CHUNK_BYTES) {
        form.push(part.subarray(at, at + CHUNK_BYTES));
        if (sliceIsOver()) await yieldToEventLoop();
      }
    }
    const upload = await form.finish();
    c.set('lifted', new Map([[upload.blob.hash, upload.blob]]));
    return upload;
  } catch (error) {
    form.release();
    throw error;
  }
}

function tooLarge({ file_bytes }: Limits): ApiError {
  return new ApiError('file_too_large', { limit: file_bytes });
}

/** What the parser finds. Each of its events can refuse the form; the first refusal is told. */
class UploadForm {
  readonly #parser: BusboyInstance;
  readonly #limits: Limits;
  readonly #fields = new Map<string, string>();
  #file: { filename: string; bytes: BlobBuilder } | undefined;
  #refusal: unknown;

  constructor(type: string, limits: Limits) {
    this.#limits = limits;
    this.#parser = openParser(type, limits);
    this.#parser.on('file', (name, stream, filename) => this.#readFile(name, stream, filename));
    this.#parser.on('field', (name, value, _, isCut) => {
      if (isCut) this.#refuse(invalid(`${name}: takes at most ${MOST_FIELD_BYTES} bytes`, name));
      this.#fields.set(name, value);
    });
    this.#parser.on('fieldsLimit', () => this.#refuse(invalid(`the form has more than ${MOST_FIELDS} fields`)));
    this.#parser.on('filesLimit', () => this.#refuse(invalid('file: send one file in each request', FILE)));
    this.#parser.on('error', () => this.#refuse(notAForm()));
  }

  /** @throws ApiError */
  push(bytes: Uint8Array): void {
    if (!this.#parser.destroyed) this.#parser.write(bytes);
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** @throws ApiError */
  async finish(): Promise<Upload> {
    await new Promise<void>((resolve) => {
      this.#parser.once('finish', resolve).once('error', () => resolve());
      if (this.#parser.destroyed) resolve();
      else this.#parser.end();
    });
    if (this.#refusal !== undefined) throw this.#refusal;
    if (!this.#file) {
      const problem = this.#fields.has(FILE) ? 'must be a file, sent with a filename' : 'is missing';
      throw invalid(`file: ${problem}`, FILE, 'missing_field');
    }
    const { filename, bytes } = this.#file;
    if (bytes.size === 0) throw new ApiError('file_empty', {});
    return { filename, blob: bytes.finish(), fields: this.#fields };
  }

  /** Gives the memory of what was read back. */
  release(): void {
    this.#file?.bytes.release();
  }

  #readFile(name: string, stream: BusboyFileStream, filename: string): void {
    if (name !== FILE) this.#refuse(invalid(`${name}: the file is sent as the field file`, name));
    if (typeof filename !== 'string' || filename === '') this.#refuse(invalid('file: needs a filename', FILE));
    if (filename?.length > this.#limits.title_chars) {
      this.#refuse(invalid(`file: its name takes at most ${this.#limits.title_chars} characters (title_chars)`, FILE));
    }
    const bytes = new BlobBuilder();
    this.#file = { filename, bytes };
    stream.on('limit', () => this.#refuse(tooLarge(this.#limits)));
    // What was refused is not kept.
    stream.on('data', (piece: Uint8Array) => this.#refusal === undefined && bytes.add(piece));
  }

  #refuse(error: unknown): void {
    this.#refusal ??= error;
  }
}

function openParser(type: string, { file_bytes }: Limits): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      limits: { files: 1, fileSize: file_bytes, fields: MOST_FIELDS, fieldSize: MOST_FIELD_BYTES },
    });
  } catch {
    throw invalid('Content-Type must be multipart/form-data with a boundary', 'Content-Type');
  }
}

function notAForm(): ApiError {
  return invalid('the body is not multipart/form-data with the boundary that its Content-Type names', 'Content-Type');
}
