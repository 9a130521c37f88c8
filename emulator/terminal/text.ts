/**
 * What would not be seen, or would be obeyed by a terminal, a browser or an XML parser: control characters but line breaks, marks that
 * turn the direction of writing, half surrogate pairs, and code points that are not characters.
 */
const UNSEEN =
  /[^\P{Cc}\n]|[\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]|\p{Cs}|\p{Noncharacter_Code_Point}/gu;

/** A text from a report with everything in it to be seen, so that nothing of it acts. Line breaks stay. */
export function visible(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}}`);
}

/** The same in one line. */
export function oneLine(text: string): string {
  return visible(text).replace(/\s*\n\s*/g, ' ');
}

/** At most so many characters of a text, and a sign where some are missing. Never half a character. */
export function shorten(text: string, characters: number): string {
  const all = [...text];
  return all.length <= characters ? text : `${all.slice(0, characters - 1).join('')}…`;
}

/** `12,000`. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 check`, `2,000 checks`, `3 entries`. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : many}`;
}

/** Code points that take two columns of a terminal: East Asian wide ones and what is drawn as a picture. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that a line takes in a terminal; never fewer than it takes, so that a line that is said to fit does. */
export function columns(line: string): number {
  let total = 0;
  for (const character of line) total += columnsOf(character);
  return total;
}

function columnsOf(character: string): number {
  if (character >= ' ' && character <= '~') return 1;
  if (NARROW.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/**
 * Breaks a text into lines of at most `width` columns, between words where it can.
 * @param whole leaves a word whole that is wider than a line, for somebody to copy
 */
export function wrap(text: string, width: number, whole = false): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(2, width), whole));
}

function wrapLine(line: string, width: number, whole: boolean): string[] {
  const lines: string[] = [];
  let current = '';
  const words = line.split(' ');
  for (const word of whole ? words : words.flatMap((wide) => pieces(wide, width))) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (columns(longer) <= width) {
      current = longer;
    } else {
      if (current !== '') lines.push(current);
      current = word;
    }
  }
  return [...lines, current];
}

/** A word cut where it is wider than a line. */
function pieces(word: string, width: number): string[] {
  if (columns(word) <= width) return [word];
  const cut: string[] = [];
  let piece = '';
  let taken = 0;
  for (const character of word) {
    const more = columnsOf(character);
    if (taken + more > width) {
      cut.push(piece);
      piece = '';
      taken = 0;
    }
    piece += character;
    taken += more;
  }
  return [...cut, piece];
}

const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35 } as const;
export type Colour = keyof typeof SGR;

/** Marks a text for a terminal; gives it back as it is where no colours are wanted. */
export type Paint = (colour: Colour, text: string) => string;

export function painter(colours: boolean): Paint {
  return (colour, text) => (colours && text !== '' ? `\x1b[${SGR[colour]}m${text}\x1b[0m` : text);
}

/** A stream that a command writes to. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** How a text is shown: in colours or not, in lines of so many columns. */
export interface View {
  color: boolean;
  width: number;
}

const USUAL_WIDTH = 80;
const LEAST_WIDTH = 40;
/** Longer lines are hard to read. */
const MOST_WIDTH = 120;

/** Colours on a terminal only, and not where NO_COLOR (no-color.org) or TERM=dumb asks for none; as wide as the terminal, else 80 columns. */
export function viewOf(out: Output, env: Readonly<Record<string, string | undefined>>): View {
  const color = out.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  const wanted = out.isTTY ? out.columns || USUAL_WIDTH : USUAL_WIDTH;
  return { color, width: Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, wanted)) };
}

/** Rows of cells, two spaces apart; the last cell is wrapped where the width is given, and stands under itself. */
export function inColumns(rows: readonly (readonly string[])[], width = Number.POSITIVE_INFINITY): string[] {
  const last = (rows[0]?.length ?? 1) - 1;
  const widths = Array.from({ length: last }, (_, column) =>
    Math.max(...rows.map((row) => columns(row[column] ?? ''))),
  );
  const indent = widths.reduce((sum, cell) => sum + cell + 2, 2);
  return rows.flatMap((row) => {
    const start = widths.map((cell, column) => `${pad(row[column] ?? '', cell)}  `).join('');
    const text = row[last] ?? '';
    const lines = Number.isFinite(width) ? wrap(text, width - indent) : [text];
    return lines.map((line, place) => `${place === 0 ? `  ${start}` : ' '.repeat(indent)}${line}`.trimEnd());
  });
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columns(text)));
}
