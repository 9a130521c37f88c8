import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
 * Writes the report in these forms into a folder, which is made; whoever opens a file finds the old one or the new one, never a part.
 * @returns texts that belong on standard output
 * @throws the error of the file system
 */
export function writeReports(report: Report, kinds: readonly ReportKind[], folder: string): string[] {
  const files = kinds.flatMap((kind) => Object.entries(FILES[kind]));
  if (files.length > 0) mkdirSync(folder, { recursive: true });
  for (const [name, render] of files) writeAtomically(join(folder, name), render(report));
  return kinds.includes('github') ? [renderGithub(report)] : [];
}

function writeAtomically(path: string, text: string): void {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    writeFileSync(draft, text, { flush: true });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
