/** One line of a result: what was measured, against what, and whether the target is met. */
export interface Row {
  name: string;
  value: number | string;
  ratio?: number;
  target?: string;
  ok?: boolean;
}

/** Prints results of one run as an aligned table. */
export function printTable(title: string, rows: readonly Row[]): void {
  const cells = rows.map(({ name, value, ratio, target = '', ok }) => [
    name,
    typeof value === 'number' ? format(value) : value,
    ratio === undefined ? '' : `${ratio.toFixed(2)} ×`,
    target,
    ok === undefined ? '' : ok ? 'met' : 'MISSED',
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const row of cells) {
    console.log(
      `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`,
    );
  }
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(value >= 10 ? 1 : 2);
}
