import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../core/exit-code.ts';
import { diffReports, diffToJson, type ReportDiff } from '../report/diff.ts';
import { renderDiffMarkdown } from '../report/diff-markdown.ts';
import { renderDiffTerminal } from '../report/diff-terminal.ts';
import { ReportError, readReport } from '../report/json.ts';
import type { Report } from '../report/report.ts';
import type { Terminal } from './command.ts';
import type { Options } from './options.ts';

/** The forms, besides the terminal's, that a comparison can be written in. */
const FILES: Partial<Record<string, { name: string; render: (diff: ReportDiff) => string }>> = {
  json: { name: 'diff.json', render: diffToJson },
  markdown: { name: 'diff.md', render: renderDiffMarkdown },
};

/** Two reports, rule by rule: where they agree and where they differ. That they differ is no failure. */
export async function diffCommand({ operands, reports, out }: Options, { stdout }: Terminal): Promise<number> {
  const [left = '', right = ''] = operands;
  const diff = diffReports(readReportFile(left), readReportFile(right));
  stdout.write(renderDiffTerminal(diff, { color: stdout.isTTY === true }));
  const files = reports.flatMap((kind) => FILES[kind] ?? []);
  if (files.length > 0) mkdirSync(out, { recursive: true });
  for (const { name, render } of files) writeFileSync(join(out, name), render(diff));
  return EXIT.conformant;
}

/** @throws ReportError that names the file */
function readReportFile(file: string): Report {
  try {
    return readReport(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ReportError(`${file}: ${error instanceof Error ? error.message : error}`);
  }
}
