import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clipText,
  headWithin,
  planWrites,
  readPieces,
  skipUnits,
  splitText,
  utf8Bytes,
} from '../../client/rolling/fit.ts';
import { readShared } from '../support/shared.ts';
import { collect } from './support.ts';

const TEXT = fc.string({ unit: 'binary', maxLength: 400 });
const BYTES = fc.integer({ min: 8, max: 200 });

describe('splitting a text', () => {
  it('counts bytes as UTF-8 does', () => {
    fc.assert(
      fc.property(TEXT, (text) => {
        expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });

  it('gives pieces within bounds that make the text again, whole characters all', () => {
    fc.assert(
      fc.property(TEXT, BYTES, (text, bytes) => {
        const pieces = splitText(text, bytes);
        expect(pieces.join('')).toBe(text);
        for (const piece of pieces) {
          expect(piece).not.toBe('');
          expect(utf8Bytes(piece)).toBeLessThanOrEqual(bytes);
          expect(piece.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['a paragraph', 'One.\n\nTwo two.\n\nThree three three', 24, 'One.\n\nTwo two.\n\n'],
    ['a line', 'One one one\nTwo two two\nThree three', 26, 'One one one\nTwo two two\n'],
    ['a word', 'one two three four', 10, 'one two '],
    ['a family', 'x👨‍👩‍👧‍👦y', 10, 'x'],
    ['an accent', 'aaae\u0301', 4, 'aaa'],
    ['a line ending', 'aaa\r\nb', 4, 'aaa'],
  ])('ends at %s', (_, text, bytes, head) => {
    expect(headWithin(text, bytes)).toBe(head);
  });

  it('gives the same from a stream of any chunks, in characters or in bytes', async () => {
    await fc.assert(
      fc.asyncProperty(TEXT, BYTES, fc.integer({ min: 1, max: 50 }), async (text, bytes, size) => {
        const encoded = new TextEncoder().encode(text);
        const chunks = Array.from({ length: Math.ceil(encoded.length / size) }, (_, index) =>
          encoded.subarray(index * size, (index + 1) * size),
        );
        const expected = splitText(text, bytes).join('');
        const fromStream = await collect(readPieces(new Blob(chunks).stream(), () => bytes));
        const fromList = await collect(readPieces(chunks, () => bytes));
        expect(fromStream.join('')).toBe(expected);
        expect(fromList.join('')).toBe(expected);
        for (const piece of [...fromStream, ...fromList]) expect(utf8Bytes(piece)).toBeLessThanOrEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it('skips the pieces that were appended already', async () => {
    await fc.assert(
      fc.asyncProperty(TEXT, fc.nat(500), async (text, units) => {
        expect((await collect(skipUnits([...text], units))).join('')).toBe(text.slice(units));
      }),
      { numRuns: 50 },
    );
  });

  it('splits a novel and joins it again', (context) => {
    const novel = readShared(context, 'novel');
    const pieces = splitText(novel, 24_000);
    expect(pieces.join('')).toBe(novel);
    expect(pieces.length).toBe(Math.ceil(utf8Bytes(novel) / 24_000));
  });
});

describe('messages as writes', () => {
  it('keeps order and text, cuts only what may be cut, and leaves no write empty', () => {
    const message = fc.record({
      role: fc.constantFrom('user' as const, 'assistant' as const),
      content: fc.string({ minLength: 1, maxLength: 300 }),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), BYTES, (messages, bytes) => {
        const writes = planWrites(messages, bytes + 32);
        const text = (list: readonly { role: string; content?: unknown }[]) =>
          list.map(({ role, content }) => `${role[0]}${content}`);
        if (messages.length > 0) expect(writes.every((write) => write.length > 0)).toBe(true);
        const assistants = (list: readonly { role: string; content?: unknown }[]) =>
          text(list.filter(({ role }) => role === 'assistant'));
        expect(assistants(writes.flat())).toEqual(assistants(messages));
        expect(
          writes
            .flat()
            .map(({ content }) => content)
            .join(''),
        ).toBe(messages.map(({ content }) => content).join(''));
      }),
    );
  });
});

describe('clipping a text', () => {
  it('keeps head and tail, and says what is left out', () => {
    const clipped = clipText(`${'a'.repeat(500)}${'b'.repeat(500)}`, 100);
    expect(clipped).toBe(
      `${'a'.repeat(60)}\n[... 900 characters left out, too large for one write ...]\n${'b'.repeat(40)}`,
    );
    expect(clipText('short', 100)).toBe('short');
    expect(clipText('😀'.repeat(100), 51).isWellFormed()).toBe(true);
  });
});
