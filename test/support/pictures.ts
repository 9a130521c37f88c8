/** Files with nothing but a header: enough for whoever does not decode them. */

export function png(width: number, height: number, padding = 0): Buffer {
  const file = Buffer.alloc(33 + padding, 'x');
  file.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  return file;
}

export function gif(width: number, height: number): Buffer {
  const file = Buffer.from('GIF89a\0\0\0\0\0\0\0', 'latin1');
  file.writeUInt16LE(width, 6);
  file.writeUInt16LE(height, 8);
  return file;
}

export function bmp(width: number, height: number): Buffer {
  const file = Buffer.alloc(54);
  file.write('BM');
  file.writeUInt32LE(width, 18);
  file.writeUInt32LE(height, 22);
  return file;
}

export function webp(width: number, height: number): Buffer {
  const file = Buffer.alloc(40);
  file.write('RIFF....WEBPVP8X', 'latin1');
  file.writeUIntLE(width - 1, 24, 3);
  file.writeUIntLE(height - 1, 27, 3);
  return file;
}

export function jpeg(width: number, height: number): Buffer {
  const start = Buffer.from([
    0xff,
    0xd8,
    0xff,
    0xe0,
    0,
    16,
    ...Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1'),
  ]);
  const frame = Buffer.from([0xff, 0xc0, 0, 17, 8, 0, 0, 0, 0, 3, ...Buffer.alloc(9)]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return Buffer.concat([start, frame, Buffer.alloc(16)]);
}

function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(8 + content.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([size, Buffer.from(type), ...content]);
}

export function mp4(width: number, height: number, seconds: number): Buffer {
  const head = Buffer.alloc(100);
  head.writeUInt32BE(600, 12);
  head.writeUInt32BE(seconds * 600, 16);
  const track = Buffer.alloc(84);
  track.writeUInt16BE(width, 76);
  track.writeUInt16BE(height, 80);
  return Buffer.concat([
    box('ftyp', Buffer.from('isom\0\0\0\0isom')),
    box('mdat', Buffer.alloc(64)),
    box('moov', box('mvhd', head), box('trak', box('tkhd', track))),
  ]);
}

export function dataUrl(file: Uint8Array, type = 'image/png'): string {
  return `data:${type};base64,${Buffer.from(file).toString('base64')}`;
}

export function picture(file: Uint8Array, type?: string) {
  return { type: 'image_url' as const, image_url: { url: dataUrl(file, type) } };
}
