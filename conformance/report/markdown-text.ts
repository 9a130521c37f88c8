import { oneLine } from './text.ts';

/** A text as it stands, in one line of Markdown or one cell of a table: nothing in it is markup. */
export function plain(text: string): string {
  return oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_{}[\]()#+!|~$@:-]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** A name in code letters, also in a cell of a table. */
export function code(text: string): string {
  return `<code>${plain(text)}</code>`;
}

export function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** A table; the first column to the left, the others to the right where they are numbers. */
export function table(
  headings: readonly string[],
  align: readonly ('left' | 'right')[],
  rows: readonly string[][],
): string[] {
  return [row(headings), row(align.map((side) => (side === 'left' ? ':--' : '--:'))), ...rows.map(row), ''];
}
