import { LIVE_TEXT } from '../../contract/errors.ts';
import type { ContentPart, InputMessage, MeasuredPart, MediaPart, MediaSize } from '../../contract/messages.ts';
import { invalid } from '../api-error.ts';
import {
  type Blob,
  bytesOf,
  decodeBase64,
  type MediaBytes,
  parseDataUrl,
  parseFileReference,
  parseReference,
  REFERENCE_MARK,
  referenceTo,
  toBlob,
} from '../engines/media/data-url.ts';
import { type MediaFault, measureImage, measureVideo } from '../engines/media/measure.ts';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import type { ServedModel } from '../models/profiles.ts';
import type { Store } from '../store/store.ts';

/** Where the pictures and videos of a request are. */
export interface MediaSource {
  readonly account: string;
  /** Those that were read apart from the body, by hash. */
  readonly lifted: ReadonlyMap<string, Blob>;
}

/** Messages whose media are measured and stand for their bytes. */
interface ReadMessages {
  messages: readonly InputMessage[];
  blobs: Blob[];
}

/** Characters of a URL that a refusal repeats. */
const SHOWN = 200;

/**
 * Measures pictures and videos, and takes their bytes out of the messages.
 * @throws ApiError in the live API's words where they are known
 */
export async function readMedia(
  store: Store,
  { profile, unseenMedia }: ServedModel,
  messages: readonly InputMessage[],
  source: MediaSource,
): Promise<ReadMessages> {
  const blobs = new Map<string, Blob>();
  const read: InputMessage[] = [];
  for (const [index, message] of messages.entries()) {
    if ((message.role !== 'user' && message.role !== 'tool') || !Array.isArray(message.content)) {
      read.push(message);
      continue;
    }
    const content: typeof message.content = [];
    for (const [place, part] of message.content.entries()) {
      if (part.type === 'text') {
        content.push(part);
        continue;
      }
      const field = `messages[${index}].content[${place}]`;
      if (!profile.media.value) throw invalid(`${field}.type: Invalid input: expected "text"`, `${field}.type`);
      if (sliceIsOver()) await yieldToEventLoop();
      content.push(readPart(store, part, `${field}.${part.type}`, { ...source, blobs, unseenMedia }));
    }
    read.push({ ...message, content });
  }
  return { messages: read, blobs: [...blobs.values()] };
}

interface Reading extends MediaSource, Pick<ServedModel, 'unseenMedia'> {
  /** What the messages refer to, so far. */
  blobs: Map<string, Blob>;
}

function readPart(store: Store, part: MediaPart, field: string, reading: Reading): MeasuredPart {
  const { account, lifted, blobs, unseenMedia } = reading;
  const kind = part.type === 'image_url' ? 'image' : 'video';
  const url = urlOf(part);
  if (isUnseen(url, unseenMedia)) return { ...part, media: UNSEEN[kind] };
  const isFile = unseenMedia === 'none' && url.startsWith(FILE_URL);
  const found = isFile ? findFile(store, account, url, field) : findBytes(url, field, lifted);
  if (!found) throw invalid(LIVE_TEXT.mediaUrl(kind, url.slice(0, SHOWN)), field);
  const { head, blob, bytes } = found;
  const media = kind === 'image' ? measureImage(bytes) : measureVideo(bytes);
  if (isFault(media)) {
    // Not captured from the live service. Clients look for "invalid image", and drop their pictures then [kimi-code 0.38.0].
    const damaged = (problem: string) => `invalid ${kind}: ${field}: ${problem}`;
    throw invalid('format' in media ? LIVE_TEXT.mediaFormat(kind, media.format) : damaged(media.problem), field);
  }
  blobs.set(blob.hash, blobs.get(blob.hash) ?? blob);
  return { ...withUrl(part, referenceTo(head, blob.hash)), media };
}

/** Of a gateway's upstream: a file of its own. None has a `#`, behind which a reference to stored bytes has their hash. */
const UPSTREAM_FILE = /^ms:\/\/[^\s#]{1,256}$/;
const WEB_URL = /^https?:\/\/\S+$/i;
/** Ours: what counts for those that are not looked at. */
const UNSEEN: Record<'image' | 'video', MediaSize> = {
  image: { width: 1_024, height: 1_024 },
  video: { width: 640, height: 360, seconds: 10 },
};

function isUnseen(url: string, unseen: ServedModel['unseenMedia']): boolean {
  if (unseen === 'none') return false;
  return UPSTREAM_FILE.test(url) || (unseen === 'files and web' && WEB_URL.test(url));
}

interface FoundBytes {
  head: string;
  /** Without its parts where it is stored already. */
  blob: Blob;
  bytes: MediaBytes;
}

const FILE_URL = 'ms://';

/** @throws ApiError where the account has no such file; the text of the live API is not known */
function findFile({ files, blobs }: Store, account: string, url: string, field: string): FoundBytes {
  const file = files.find(account, url.slice(FILE_URL.length));
  const bytes = file && blobs.bytes(file.hash);
  if (!bytes) throw invalid(`${field}: there is no file ${url.slice(0, SHOWN)}`, field);
  return { head: url, blob: { hash: file.hash, size: file.size, parts: [] }, bytes };
}

/** @returns undefined where the URL is of a kind that is not taken */
function findBytes(url: string, field: string, lifted: MediaSource['lifted']): FoundBytes | undefined {
  const reference = parseReference(url);
  const known = reference && lifted.get(reference.hash);
  if (reference && known) return { head: reference.head, blob: known, bytes: bytesOf(known) };
  const parsed = parseDataUrl(url);
  if (!parsed) return undefined;
  const bytes = decodeBase64(parsed.data);
  if (!bytes) throw invalid(`${field}: what follows ;base64, is not base64, or is empty`, field);
  const blob = toBlob(bytes);
  return { head: parsed.head, blob, bytes: bytesOf(blob) };
}

/** A part as a client sent it. Of an uploaded file only the URL was sent. */
export function asSent(part: ContentPart): ContentPart {
  if (part.type === 'text') return part;
  const { media: _, ...sent } = part;
  const reference = referenceOf(part);
  return reference?.isFile ? withUrl(sent, reference.head) : sent;
}

function isFault(read: object): read is MediaFault {
  return 'format' in read || 'problem' in read;
}

/** Whether a text may hold what refers to stored bytes: one without cannot. */
export function mayRefer(text: string): boolean {
  return text.includes(REFERENCE_MARK);
}

/** Which stored bytes a part refers to, and the URL that it was sent with, up to them; the whole one of an uploaded file. */
export function referenceOf(part: MediaPart): { head: string; hash: string; isFile: boolean } | undefined {
  const url = urlOf(part);
  const inline = parseReference(url);
  if (inline) return { ...inline, isFile: false };
  const file = parseFileReference(url);
  return file && { ...file, isFile: true };
}

function urlOf(part: MediaPart): string {
  const located = part.type === 'image_url' ? part.image_url : part.video_url;
  return typeof located === 'string' ? located : located.url;
}

/** The same part with another URL, in the form in which it was sent. */
export function withUrl(part: MediaPart, url: string): MediaPart {
  if (part.type === 'image_url') return { ...part, image_url: typeof part.image_url === 'string' ? url : { url } };
  return { ...part, video_url: typeof part.video_url === 'string' ? url : { url } };
}
