import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columns, inColumns, oneLine, shorten, viewOf, visible, wrap } from '../../emulator/terminal/text.ts';
import { AWKWARD } from '../conformance/report/sample.ts';

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

it('wrap leaves a word whole that is wider than a line where it is asked to', () => {
  const wide = 'x'.repeat(12);
  expect(wrap(`${wide} one two ${wide} end`, 8, true)).toEqual([wide, 'one two', wide, 'end']);
  expect(wrap(`one ${wide}`, 8)).toEqual(['one', 'xxxxxxxx', 'xxxx']);
});

describe('viewOf', () => {
  const write = () => true;

  it('has colours on a terminal only, and not where NO_COLOR or TERM=dumb asks for none', () => {
    const terminal = { write, isTTY: true, columns: 100 };
    expect(viewOf(terminal, {}).color).toBe(true);
    expect(viewOf(terminal, { NO_COLOR: '' }).color).toBe(true);
    expect(viewOf(terminal, { NO_COLOR: '1' }).color).toBe(false);
    expect(viewOf(terminal, { TERM: 'dumb' }).color).toBe(false);
    expect(viewOf({ write }, {}).color).toBe(false);
  });

  it('is as wide as the terminal, within limits, and 80 columns elsewhere', () => {
    const width = (columns: number) => viewOf({ write, isTTY: true, columns }, {}).width;
    expect([width(100), width(10), width(500)]).toEqual([100, 40, 120]);
    expect(viewOf({ write, columns: 100 }, {}).width).toBe(80);
    expect(viewOf({ write, isTTY: true }, {}).width).toBe(80);
  });
});

describe('inColumns', () => {
  it('wraps the last cell under itself', () => {
    const rows = [
      ['--long-flag FILE', 'one two three four five'],
      ['宽', 'six'],
    ];
    expect(inColumns(rows, 34)).toEqual([
      '  --long-flag FILE  one two three',
      '                    four five',
      '  宽                six',
    ]);
    expect(inColumns(rows)).toHaveLength(2);
  });
});
