import { writeFiles } from '../../emulator/terminal/formats.ts';
import { renderBadgeJson, renderBadgeSvg } from './badge.ts';
import { renderGithub } from './github.ts';
import { renderHtml } from './html.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { type Report, toJson } from './report.ts';

export const REPORT_KINDS = ['json', 'junit', 'html', 'markdown', 'github', 'badge'] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

type Render = (report: Report) => string;

/** The files of each kind. GitHub reads its annotations from the output of a job, not from a file. */
const FILES: Record<ReportKind, Record<string, Render>> = {
  json: { 'conformance.json': toJson },
  junit: { 'conformance.xml': renderJunit },
  html: { 'conformance.html': renderHtml },
  markdown: { 'conformance.md': renderMarkdown },
  github: {},
  badge: { 'badge.json': renderBadgeJson, 'badge.svg': renderBadgeSvg },
};

/**
 * Writes the report in these forms into a folder.
 * @returns texts that belong on standard output, and the paths of the files
 * @throws the error of the file system
 */
export function writeReports(
  report: Report,
  kinds: readonly ReportKind[],
  folder: string,
): { texts: string[]; paths: string[] } {
  const files = kinds.flatMap((kind) => Object.entries(FILES[kind]).map(([name, render]) => [name, render(report)]));
  const paths = writeFiles(folder, Object.fromEntries(files));
  return { texts: kinds.includes('github') ? [renderGithub(report)] : [], paths };
}
