import type { FileText } from '../../contract/files.ts';
import { type ApiError, invalid } from '../api-error.ts';
import type { Blob } from '../engines/media/data-url.ts';
import { typeOf } from '../engines/media/formats.ts';
import { runInSlices, sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import type { FileRow } from '../store/files.ts';
import type { RequestContext } from './context.ts';
import { sendBytes, sendJsonParts } from './respond.ts';

/** What text is extracted of a file, and how its bytes are sent. */

/** Departure: the live service extracts text from some thirty formats; here there are only texts. @throws ApiError */
export async function requireText({ parts }: Blob): Promise<void> {
  const [start = new Uint8Array()] = parts;
  const type = typeOf(start);
  if (!type.startsWith('text/')) throw notText(type);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for (const part of parts) {
      if (sliceIsOver()) await yieldToEventLoop();
      decoder.decode(part, { stream: true });
    }
    decoder.decode();
  } catch {
    throw notText('text that is not UTF-8');
  }
}

function notText(type: string): ApiError {
  return invalid(`file: the emulator extracts text from texts in UTF-8 only, this is ${type}`, 'file');
}

/** Answers with what a file says, or with its bytes, as they are read from the store. */
export async function sendContent(c: RequestContext, file: FileRow): Promise<Response> {
  const { blobs } = c.get('services').store;
  const release = blobs.hold(file.hash);
  const parts = () => blobs.read(file.hash);
  if (file.purpose !== 'file-extract') {
    const [start = new Uint8Array()] = parts();
    return sendBytes(c, { type: typeOf(start), length: file.size }, released(parts(), release));
  }
  const length = await runInSlices(lengthOf(textOf(file, parts())));
  return sendJsonParts(c, released(textOf(file, parts()), release), length);
}

/** What a file says, as JSON in parts of whole characters. */
function* textOf({ filename }: FileRow, parts: Iterable<Uint8Array>): Generator<Uint8Array, void> {
  const decoder = new TextDecoder();
  const about: Omit<FileText, 'content'> = { file_type: 'text/plain', filename, title: '', type: 'file' };
  yield Buffer.from('{"content":"');
  for (const part of parts) yield Buffer.from(JSON.stringify(decoder.decode(part, { stream: true })).slice(1, -1));
  yield Buffer.from(`",${JSON.stringify(about).slice(1)}`);
}

function* lengthOf(parts: Iterable<Uint8Array>): Generator<void, number> {
  let length = 0;
  for (const part of parts) {
    length += part.length;
    yield;
  }
  return length;
}

function* released(parts: Iterable<Uint8Array>, release: () => void): Generator<Uint8Array, void> {
  try {
    yield* parts;
  } finally {
    release();
  }
}
