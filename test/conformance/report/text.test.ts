import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columns, oneLine, shorten, visible, wrap } from '../../../conformance/report/text.ts';
import { AWKWARD } from './sample.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(...Object.values(AWKWARD)),
);

describe('visible', () => {
  it('leaves nothing that a terminal, a browser or an XML parser would obey or choke on', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = visible(text);
        expect(shown).not.toMatch(/[^\P{Cc}\n]|[\u2028\u2029\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]/u);
        expect(shown.isWellFormed()).toBe(true);
        expect(visible(shown)).toBe(shown);
      }),
    );
  });

  it('leaves ordinary text in any script alone', () => {
    for (const text of ['plain', AWKWARD.wide, AWKWARD.markup, 'two\nlines']) expect(visible(text)).toBe(text);
  });

  it('tells by number what is not to be seen', () => {
    expect(visible('\x1b[2J\x00')).toBe('\\u{1b}[2J\\u{00}');
    expect(oneLine('a\r\n  b')).toBe('a b');
  });
});

describe('wrap', () => {
  it('keeps every line within the width, and loses nothing but spaces', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 100 }), (text, width) => {
        const shown = visible(text);
        const lines = wrap(shown, width);
        for (const line of lines) expect(columns(line)).toBeLessThanOrEqual(width);
        expect(lines.join('').replaceAll(' ', '')).toBe(shown.replace(/[ \n]/g, ''));
      }),
    );
  });

  it('counts wide characters as two columns, and joined marks as none', () => {
    expect(columns('会话')).toBe(4);
    expect(columns('e\u0301')).toBe(1);
    expect(columns('plain')).toBe(5);
  });
});

it('shorten never cuts through a character', () => {
  expect(shorten('𠮷𠮷𠮷', 2)).toBe('𠮷…');
  expect(shorten('ab', 2)).toBe('ab');
});
