import { imageSize } from 'image-size';
import type { MediaSize } from '../../../contract/messages.ts';
import type { MediaBytes } from './data-url.ts';
import { isImage, isVideo, LOOKED_AT, typeOf } from './formats.ts';

/** What is wrong with a picture or a video, in words that follow its field. */
export type MediaFault = { readonly format: string } | { readonly problem: string };

/** A header is looked for in so many bytes; the library walks a JPEG byte by byte where it is damaged. */
const HEADER_BYTES = 256 * 1_024;
/** Ours: where Pillow, which the models' own code reads pictures with, refuses one as a decompression bomb. */
const MOST_PIXELS = 178_956_970;
/** Ours: what a video counts as where its header does not say. */
const UNKNOWN_VIDEO: Required<MediaSize> = { width: 1_280, height: 720, seconds: 10 };

/** The size of a picture by its own header; nothing is decoded. */
export function measureImage(bytes: MediaBytes): MediaSize | MediaFault {
  const header = bytes.slice(0, HEADER_BYTES);
  const type = typeOf(header);
  if (!isImage(type)) return { format: type };
  const size = readSize(header);
  if (!size) return { problem: `the header of this ${type} is damaged` };
  const { width, height } = size;
  if (width < 1 || height < 1) return { problem: `a picture of ${width} × ${height} has no pixels` };
  if (width * height > MOST_PIXELS) {
    return { problem: `a picture of ${width} × ${height} has more than ${MOST_PIXELS} pixels` };
  }
  return { width, height };
}

function readSize(bytes: Uint8Array): MediaSize | undefined {
  try {
    const { width, height } = imageSize(bytes);
    return { width, height };
  } catch {
    return undefined;
  }
}

/** The size and length of a video: of MP4, MOV and 3GPP by its own boxes, of others an estimate. */
export function measureVideo(bytes: MediaBytes): Required<MediaSize> | MediaFault {
  const type = typeOf(bytes.slice(0, LOOKED_AT));
  if (!isVideo(type)) return { format: type };
  const { width, height, seconds } = { ...UNKNOWN_VIDEO, ...readMovie(bytes) };
  if (width * height > MOST_PIXELS) {
    return { problem: `a video of ${width} × ${height} has more than ${MOST_PIXELS} pixels` };
  }
  return { width, height, seconds };
}

const BOX_HEAD = 8;
const LONG_BOX_HEAD = 16;
/** Boxes that are looked at; a film has a handful of tracks. */
const MOST_BOXES = 4_096;

/** What of a track's or a film's own header is read: the fields that are looked for stand within it. */
const MOST_HEADER_BYTES = 256;

/** ISO 14496-12: `moov/mvhd` says how long the film is, `moov/trak/tkhd` how large each track. */
function readMovie(film: MediaBytes): Partial<Required<MediaSize>> {
  const found: Partial<Required<MediaSize>> = {};
  const moov = boxesIn(film, { from: 0, to: film.size }).find(({ type }) => type === 'moov');
  for (const box of moov ? boxesIn(film, moov) : []) {
    if (box.type === 'mvhd') Object.assign(found, lengthOf(contentOf(film, box)));
    if (box.type !== 'trak') continue;
    const track = boxesIn(film, box).find(({ type }) => type === 'tkhd');
    const header = track && contentOf(film, track);
    if (!header || header.length < BOX_HEAD) continue;
    // The last two fields, in 16.16 fixed point; 0 for sound.
    const width = header.readUInt16BE(header.length - 8);
    const height = header.readUInt16BE(header.length - 4);
    if (width > 0 && height > 0) Object.assign(found, { width, height });
  }
  return found;
}

function lengthOf(header: Buffer): Partial<Required<MediaSize>> {
  const isLong = header[0] === 1;
  const place = isLong ? 20 : 12;
  if (header.length < place + (isLong ? 12 : 8)) return {};
  const scale = header.readUInt32BE(place);
  const length = isLong ? Number(header.readBigUInt64BE(place + 4)) : header.readUInt32BE(place + 4);
  return scale > 0 && length > 0 ? { seconds: length / scale } : {};
}

interface Range {
  from: number;
  to: number;
}

function contentOf(film: MediaBytes, { from, to }: Range): Buffer {
  return asBuffer(film.slice(from, Math.min(to, from + MOST_HEADER_BYTES)));
}

function boxesIn(film: MediaBytes, { from, to }: Range): (Range & { type: string })[] {
  const boxes: (Range & { type: string })[] = [];
  for (let at = from; at + BOX_HEAD <= to && boxes.length < MOST_BOXES; ) {
    const head = asBuffer(film.slice(at, Math.min(at + LONG_BOX_HEAD, to)));
    const short = head.readUInt32BE(0);
    const isLong = short === 1 && head.length === LONG_BOX_HEAD;
    const headSize = isLong ? LONG_BOX_HEAD : BOX_HEAD;
    // 0 stands for the rest of the file.
    const size = isLong ? Number(head.readBigUInt64BE(BOX_HEAD)) : short === 0 ? to - at : short;
    if (size < headSize) break;
    const type = head.toString('latin1', 4, BOX_HEAD);
    boxes.push({ type, from: at + headSize, to: Math.min(at + size, to) });
    at += size;
  }
  return boxes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
