import { imageSize } from 'image-size';
import type { MediaSize } from '../../../contract/messages.ts';
import { isImage, isVideo, typeOf } from './formats.ts';

/** What is wrong with a picture or a video, in words that follow its field. */
export type MediaFault = { readonly format: string } | { readonly problem: string };

/** A header is looked for in so many bytes; the library walks a JPEG byte by byte where it is damaged. */
const HEADER_BYTES = 256 * 1_024;
/** Ours: where Pillow, which the models' own code reads pictures with, refuses one as a decompression bomb. */
const MOST_PIXELS = 178_956_970;
/** Ours: what a video counts as where its header does not say. */
const UNKNOWN_VIDEO: Required<MediaSize> = { width: 1_280, height: 720, seconds: 10 };

/** The size of a picture by its own header; nothing is decoded. */
export function measureImage(bytes: Uint8Array): MediaSize | MediaFault {
  const type = typeOf(bytes);
  if (!isImage(type)) return { format: type };
  const size = readSize(bytes.subarray(0, HEADER_BYTES));
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
export function measureVideo(bytes: Uint8Array): Required<MediaSize> | MediaFault {
  const type = typeOf(bytes);
  if (!isVideo(type)) return { format: type };
  const { width, height, seconds } = {
    ...UNKNOWN_VIDEO,
    ...readMovie(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
  };
  if (width * height > MOST_PIXELS) {
    return { problem: `a video of ${width} × ${height} has more than ${MOST_PIXELS} pixels` };
  }
  return { width, height, seconds };
}

const BOX_HEAD = 8;
const LONG_BOX_HEAD = 16;
/** Boxes that are looked at; a film has a handful of tracks. */
const MOST_BOXES = 4_096;

/** ISO 14496-12: `moov/mvhd` says how long the film is, `moov/trak/tkhd` how large each track. */
function readMovie(film: Buffer): Partial<Required<MediaSize>> {
  const found: Partial<Required<MediaSize>> = {};
  const moov = boxesIn(film).find(({ type }) => type === 'moov');
  for (const { type, content } of moov ? boxesIn(moov.content) : []) {
    if (type === 'mvhd') Object.assign(found, lengthOf(content));
    if (type !== 'trak') continue;
    const track = boxesIn(content).find((box) => box.type === 'tkhd')?.content;
    if (!track || track.length < BOX_HEAD) continue;
    // The last two fields, in 16.16 fixed point; 0 for sound.
    const width = track.readUInt16BE(track.length - 8);
    const height = track.readUInt16BE(track.length - 4);
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

function boxesIn(bytes: Buffer): { type: string; content: Buffer }[] {
  const boxes: { type: string; content: Buffer }[] = [];
  for (let at = 0; at + BOX_HEAD <= bytes.length && boxes.length < MOST_BOXES; ) {
    const short = bytes.readUInt32BE(at);
    const isLong = short === 1 && at + LONG_BOX_HEAD <= bytes.length;
    const head = isLong ? LONG_BOX_HEAD : BOX_HEAD;
    // 0 stands for the rest of the file.
    const size = isLong ? Number(bytes.readBigUInt64BE(at + BOX_HEAD)) : short === 0 ? bytes.length - at : short;
    if (size < head) break;
    boxes.push({
      type: bytes.toString('latin1', at + 4, at + BOX_HEAD),
      content: bytes.subarray(at + head, at + size),
    });
    at += size;
  }
  return boxes;
}
