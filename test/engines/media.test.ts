import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, toBlob } from '../../emulator/engines/media/data-url.ts';
import { measureImage, measureVideo } from '../../emulator/engines/media/measure.ts';
import { K2_SIGHT, K3_SIGHT, mediaTokens } from '../../emulator/engines/tokens/prompt.ts';
import { bmp, gif, jpeg, mp4, png, webp } from '../support/pictures.ts';
import { runs } from '../support/runs.ts';

const inParts = (file: Uint8Array) => bytesOf(toBlob(file));

describe('tokens of a picture', () => {
  // Worked out from the checkpoints' preprocessor settings, 2026-08.
  it.each([
    [1024, 1024, 1369, 1369],
    [1536, 1024, 2035, 2035],
    [1920, 1080, 2691, 2691],
    [4096, 2160, 4183, 11_466],
    [1, 1, 1, 1],
  ])('are, for %i × %i, %i on K2.5 to K2.7 and %i on K3', (width, height, k2, k3) => {
    expect(mediaTokens({ width, height }, K2_SIGHT)).toBe(k2);
    expect(mediaTokens({ width, height }, K3_SIGHT)).toBe(k3);
  });

  it('never exceed what the largest picture takes, and are at least one', () => {
    const side = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        for (const sight of [K2_SIGHT, K3_SIGHT]) {
          const tokens = mediaTokens({ width, height }, sight);
          expect(tokens).toBeGreaterThanOrEqual(1);
          // A quarter of the patches, and a border on two sides.
          expect(tokens).toBeLessThanOrEqual(sight.patches / 4 + 2 * 512);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});

describe('tokens of a video', () => {
  it('are those of one frame for each four', () => {
    expect(mediaTokens({ width: 280, height: 280, seconds: 10 }, K2_SIGHT)).toBe(5 * 100);
    expect(mediaTokens({ width: 280, height: 280, seconds: 10 }, K3_SIGHT)).toBe(20 * 100);
  });

  it('stay within 655,360 patches on K3, however long it runs', () => {
    expect(mediaTokens({ width: 1920, height: 1080, seconds: 3_600 }, K3_SIGHT)).toBeLessThanOrEqual(655_360 / 4);
  });
});

const sizes = fc.tuple(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 1, max: 9_999 }));

it.each([
  ['png', png],
  ['jpeg', jpeg],
  ['gif', gif],
  ['webp', webp],
  ['bmp', bmp],
] as const)('the size of a %s is read from its header', (_, file) => {
  fc.assert(
    fc.property(sizes, ([width, height]) => {
      expect(measureImage(inParts(file(width, height)))).toEqual({ width, height });
    }),
    { numRuns: runs(50) },
  );
});

it('the size and the length of an MP4 are read from its boxes', () => {
  expect(measureVideo(inParts(mp4(1280, 720, 7)))).toEqual({ width: 1280, height: 720, seconds: 7 });
});

it('a video whose header does not say is counted as 10 s of 1280 × 720', () => {
  expect(measureVideo(inParts(Buffer.from('FLV\x01 and more', 'latin1')))).toEqual({
    width: 1280,
    height: 720,
    seconds: 10,
  });
});

it.each([
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'text/plain; charset=utf-8'],
  ['SVG with a prolog', '<?xml version="1.0"?><svg/>', 'text/xml; charset=utf-8'],
  ['PDF', '%PDF-1.7', 'application/pdf'],
  ['a page', '<!DOCTYPE html><p>hello', 'text/html; charset=utf-8'],
  ['noise', '\0\x01\x02', 'application/octet-stream'],
])('%s is not a picture, and is named as the live API names it', (_, file, format) => {
  expect(measureImage(inParts(Buffer.from(file, 'latin1')))).toEqual({ format });
  expect(measureVideo(inParts(Buffer.from(file, 'latin1')))).toEqual({ format });
});

it.each([
  ['0 × 0', png(0, 0), /0 × 0 has no pixels/],
  ['60,000 × 60,000', png(60_000, 60_000), /60000 × 60000 has more than 178956970 pixels/],
  ['a cut header', png(9, 9).subarray(0, 14), /the header of this image\/png is damaged/],
])('a picture of %s is refused in one line', (_, file, problem) => {
  const fault = measureImage(inParts(file));
  expect(fault).toEqual({ problem: expect.stringMatching(problem) });
});

it('damaged files give a size or a fault, never a crash', () => {
  const starts = [png(8, 8), jpeg(8, 8), gif(8, 8), webp(8, 8), bmp(8, 8), mp4(8, 8, 1), Buffer.alloc(0)];
  const damaged = fc.tuple(fc.constantFrom(...starts), fc.nat(200), fc.uint8Array({ maxLength: 64 }));
  fc.assert(
    fc.property(damaged, ([start, cut, noise]) => {
      const file = Buffer.concat([start.subarray(0, cut), noise]);
      for (const found of [measureImage(inParts(file)), measureVideo(inParts(file))])
        expect(Object.keys(found).length).toBeGreaterThan(0);
    }),
    { numRuns: runs(500) },
  );
});
