import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBlob, releaseBlobs } from '../../emulator/engines/media/data-url.ts';
import { MediaLifter, NotBase64, restoreTexts } from '../../emulator/engines/media/lift-media.ts';
import { runs } from '../support/runs.ts';

function lift(body: string, chunkBytes = body.length + 1) {
  const lifter = new MediaLifter();
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += chunkBytes) lifter.push(bytes.subarray(at, at + chunkBytes));
  const { bytes: left, blobs } = lifter.finish();
  return { left: left.toString(), blobs };
}

const HEAD = 'data:image/png;base64,';
const file = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const text = fc.oneof(
  fc.string(),
  file.map((data) => HEAD + data),
  file.map((data) => `"data:;base64,${data}"`),
  file.map((data) => `${HEAD}${data}!`),
  fc.constantFrom('"data:', 'data:', '\\"data:', 'data:image/png;base64,', 'data:x,y', `${HEAD}QQ==QQ==`, `${HEAD}QQ`),
);
const part = text.map((url) => ({ type: 'image_url', image_url: { url } }));

describe('a body whose pictures are taken out while it is read', () => {
  it('says the same, wherever its chunks end', () => {
    const body = fc.array(fc.oneof(part, text, fc.dictionary(text, text), fc.integer()), { maxLength: 6 });
    fc.assert(
      fc.property(body, fc.integer({ min: 1, max: 64 }), fc.boolean(), (value, chunkBytes, escapesSlashes) => {
        const json = JSON.stringify(value);
        const { left, blobs } = lift(escapesSlashes ? json.replaceAll('/', '\\/') : json, chunkBytes);
        const read = JSON.parse(left) as { type?: string; image_url?: { url: string } }[];
        restoreTexts(read, blobs);
        for (const item of read) {
          const reference = item?.type === 'image_url' ? item.image_url?.url.split('#sha256=') : undefined;
          const blob = reference?.[1] === undefined ? undefined : blobs.get(reference[1]);
          if (blob && item.image_url) item.image_url.url = reference?.[0] + encodeBlob(blob);
        }
        expect(read).toEqual(JSON.parse(json));
      }),
      { numRuns: runs(500) },
    );
  });

  it('has every name of an object in which one is a picture, also those of objects themselves', () => {
    const json = `{"${HEAD}QQ==":1,"__proto__":{"a":2},"constructor":3}`;
    const { left, blobs } = lift(json);
    const read: unknown = JSON.parse(left);
    restoreTexts(read, blobs);
    expect(JSON.stringify(read)).toBe(json);
  });

  it('has each picture by the hash of its bytes, and little else', () => {
    const bytes = Buffer.alloc(2_000_000, 'picture');
    const url = HEAD + bytes.toString('base64');
    const { left, blobs } = lift(JSON.stringify([url, url]), 65_536);
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect(left).toBe(JSON.stringify([`${HEAD}#sha256=${hash}`, `${HEAD}#sha256=${hash}`]));
    expect([...blobs.keys()]).toEqual([hash]);
    expect(Buffer.concat(blobs.get(hash)?.parts ?? []).equals(bytes)).toBe(true);
  });

  it.each([1, 200, 40_000, 65_536])('has no pages of its own for a picture of %d bytes', (size) => {
    const bytes = Buffer.alloc(size, 'small');
    const { blobs } = lift(JSON.stringify([HEAD + bytes.toString('base64')]), 1_000);
    const [{ parts } = expect.fail('no picture')] = blobs.values();
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    const [{ buffer } = expect.fail('no part')] = parts;
    expect(buffer instanceof ArrayBuffer && buffer.resizable).toBe(false);
  });

  it('leaves memory that is given back at once, with parts that are empty from then on', () => {
    const { blobs } = lift(JSON.stringify([HEAD + Buffer.alloc(2_000_000, 'picture').toString('base64')]), 65_536);
    const [{ parts } = { parts: [] }] = blobs.values();
    const held = () => parts.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    expect(held()).toBe(2_000_000);
    releaseBlobs(blobs.values());
    expect([held(), parts.map(({ length }) => length)]).toEqual([0, parts.map(() => 0)]);
  });

  it('is refused where much of what calls itself base64 is not', () => {
    const body = JSON.stringify(`${HEAD}${'QUJD'.repeat(400_000)}!`);
    expect(() => lift(body, 65_536)).toThrow(NotBase64);
  });
});
