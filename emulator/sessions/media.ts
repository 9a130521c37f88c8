import { LIVE_TEXT } from '../../contract/errors.ts';
import type { InputMessage, MeasuredPart, MediaPart } from '../../contract/messages.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { invalid } from '../api-error.ts';
import {
  type Blob,
  decodeBase64,
  parseDataUrl,
  parseReference,
  referenceTo,
  toBlob,
} from '../engines/media/data-url.ts';
import { type MediaFault, measureImage, measureVideo } from '../engines/media/measure.ts';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';

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
  profile: ModelProfile,
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
      content.push(readPart(part, `${field}.${part.type}`, source, blobs));
    }
    read.push({ ...message, content });
  }
  return { messages: read, blobs: [...blobs.values()] };
}

function readPart(part: MediaPart, field: string, source: MediaSource, blobs: Map<string, Blob>): MeasuredPart {
  const kind = part.type === 'image_url' ? 'image' : 'video';
  const url = urlOf(part);
  const { head, blob } = findBytes(url, field, source) ?? {};
  if (head === undefined || !blob) throw invalid(LIVE_TEXT.mediaUrl(kind, url.slice(0, SHOWN)), field);
  const [start = new Uint8Array()] = blob.parts;
  const media = kind === 'image' ? measureImage(start) : measureVideo(Buffer.concat(blob.parts));
  if (isFault(media)) {
    throw invalid('format' in media ? LIVE_TEXT.mediaFormat(kind, media.format) : `${field}: ${media.problem}`, field);
  }
  blobs.set(blob.hash, blob);
  return { ...withUrl(part, referenceTo(head, blob.hash)), media };
}

/** @returns undefined where the URL is of a kind that is not taken */
function findBytes(url: string, field: string, { lifted }: MediaSource): { head: string; blob: Blob } | undefined {
  const reference = parseReference(url);
  const known = reference && lifted.get(reference.hash);
  if (reference && known) return { head: reference.head, blob: known };
  const parsed = parseDataUrl(url);
  if (!parsed) return undefined;
  const bytes = decodeBase64(parsed.data);
  if (!bytes) throw invalid(`${field}: what follows ;base64, is not base64, or is empty`, field);
  return { head: parsed.head, blob: toBlob(bytes) };
}

function isFault(read: object): read is MediaFault {
  return 'format' in read || 'problem' in read;
}

/** Which stored bytes a part refers to. */
export function referenceOf(part: MediaPart): ReturnType<typeof parseReference> {
  return parseReference(urlOf(part));
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
