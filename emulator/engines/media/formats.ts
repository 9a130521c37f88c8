/** What a file is, by its first bytes. The name is a media type, as the live API's refusals show it. */

/** Pictures and videos that are taken [Kimi API documentation, 2026-08-13]. */
const IMAGES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/bmp', 'image/heic', 'image/heif'] as const;
const VIDEOS = [
  'video/mp4',
  'video/quicktime',
  'video/3gpp',
  'video/webm',
  'video/avi',
  'video/x-flv',
  'video/mpeg',
  'video/x-ms-wmv',
] as const;

type Format = (typeof IMAGES)[number] | (typeof VIDEOS)[number];

/** A dot stands for any byte. */
const SIGNATURES: readonly (readonly [start: string, type: Format | 'application/pdf' | 'application/zip'])[] = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['RIFF....WEBPVP', 'image/webp'],
  ['BM', 'image/bmp'],
  ['....ftyphei', 'image/heic'],
  ['....ftyphev', 'image/heic'],
  ['....ftypmif1', 'image/heif'],
  ['....ftypmsf1', 'image/heif'],
  ['....ftypqt', 'video/quicktime'],
  ['....moov', 'video/quicktime'],
  ['....mdat', 'video/quicktime'],
  ['....ftyp3g', 'video/3gpp'],
  ['....ftyp', 'video/mp4'],
  ['\x1aE\xdf\xa3', 'video/webm'],
  ['RIFF....AVI ', 'video/avi'],
  ['FLV\x01', 'video/x-flv'],
  ['\0\0\x01\xba', 'video/mpeg'],
  ['\0\0\x01\xb3', 'video/mpeg'],
  ['0&\xb2u', 'video/x-ms-wmv'],
  ['%PDF-', 'application/pdf'],
  ['PK\x03\x04', 'application/zip'],
];

/** What Go's `http.DetectContentType` looks at; the live API names types in its words. */
export const LOOKED_AT = 512;

/** The media type of the bytes themselves. */
export function typeOf(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LOOKED_AT)).toString('latin1');
  const signed = SIGNATURES.find(([signature]) => begins(start, signature));
  if (signed) return signed[1];
  if (Array.from(start).some(isBinary)) return 'application/octet-stream';
  if (/^\s*<\?xml/i.test(start)) return 'text/xml; charset=utf-8';
  if (/^\s*<(?:!doctype html|html|head|body|script)[\s>]/i.test(start)) return 'text/html; charset=utf-8';
  return 'text/plain; charset=utf-8';
}

function begins(start: string, signature: string): boolean {
  return Array.from(signature).every((byte, place) => byte === '.' || byte === start[place]);
}

const ESCAPE = 0x1b;
const SPACE = 0x20;

/** A byte that no text has [WHATWG MIME Sniffing, "binary data byte"]. */
function isBinary(byte: string): boolean {
  const code = byte.charCodeAt(0);
  return code < SPACE && code !== ESCAPE && !'\t\n\f\r'.includes(byte);
}

export function isImage(type: string): boolean {
  return IMAGES.some((image) => image === type);
}

export function isVideo(type: string): boolean {
  return VIDEOS.some((video) => video === type);
}
