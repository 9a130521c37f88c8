import { oneLine } from './text.ts';

/** A text as it stands, in one line of Markdown or one cell of a table: nothing in it is markup, a link or a mention. */
export function plain(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_[\]|~$@&<>]|:(?=\/\/)/g, entity)
    .replace(/(?<=www)\./gi, entity);
}

function entity(mark: string): string {
  return `&#${mark.charCodeAt(0)};`;
}

/** A text in code letters, where GitHub makes no links, mentions or pictures of anything; also in a cell of a table. */
export function code(text: string): string {
  return text === '' ? '' : `<code>${plain(text)}</code>`;
}

/** A text of our own, in which backticks stand for code. */
export function prose(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? code(part) : plain(part)))
    .join('');
}

export function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Ends with an empty line, as a table has to. */
export function table(
  headings: readonly string[],
  align: readonly ('left' | 'right')[],
  rows: readonly string[][],
): string[] {
  return [row(headings), row(align.map((side) => (side === 'left' ? ':--' : '--:'))), ...rows.map(row), ''];
}
