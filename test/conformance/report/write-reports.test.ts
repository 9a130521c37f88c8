import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readReport } from '../../../conformance/report/report.ts';
import { renderTerminal } from '../../../conformance/report/terminal.ts';
import { REPORT_KINDS, writeReports } from '../../../conformance/report/write-reports.ts';
import { awkwardReport, sampleReport } from './sample.ts';

const ALL = ['badge.json', 'badge.svg', 'conformance.html', 'conformance.json', 'conformance.md', 'conformance.xml'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reports-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('writing reports', () => {
  it('writes the files of each kind, makes the folder, and leaves no drafts', () => {
    const inside = join(folder, 'a', 'b');
    const { texts, paths } = writeReports(awkwardReport(), REPORT_KINDS, inside);
    expect(paths.toSorted()).toEqual(ALL.map((name) => join(inside, name)));
    expect(readdirSync(inside).toSorted()).toEqual(ALL);
    expect(readReport(readFileSync(join(inside, 'conformance.json'), 'utf8'))).toEqual(awkwardReport());
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/^::error /);
  });

  it('writes only what was asked for; annotations need no folder', () => {
    const inside = join(folder, 'none');
    writeReports(awkwardReport(), ['github'], inside);
    expect(readdirSync(folder)).toEqual([]);
    expect(writeReports(awkwardReport(), ['junit'], inside).texts).toEqual([]);
    expect(readdirSync(inside)).toEqual(['conformance.xml']);
  });

  it('replaces an earlier file as a whole', () => {
    writeFileSync(join(folder, 'conformance.json'), 'old '.repeat(1_000_000));
    writeReports(sampleReport([]), ['json'], folder);
    expect(readReport(readFileSync(join(folder, 'conformance.json'), 'utf8'))).toEqual(sampleReport([]));
  });

  it('leaves no draft where a file cannot be replaced', () => {
    mkdirSync(join(folder, 'conformance.json', 'in the way'), { recursive: true });
    expect(() => writeReports(sampleReport([]), ['json'], folder)).toThrow();
    expect(readdirSync(folder)).toEqual(['conformance.json']);
  });

  it('has in no artefact a share id or a key that the runner took out', () => {
    const message = 'GET /v1/shares/shr_[redacted]: expected 200, got 404 for [key]';
    const report = sampleReport([{ verdict: 'fail', message, exchanges: [`${message} → 404`] }]);
    const [printed = ''] = writeReports(report, REPORT_KINDS, folder).texts;
    const texts = [printed, renderTerminal(report), ...ALL.map((name) => readFileSync(join(folder, name), 'utf8'))];
    for (const text of texts) expect(text).not.toMatch(/shr_[A-Za-z0-9]|sk-/);
    expect(texts.filter((text) => /shr(_|&#95;)(\[|&#91;)redacted/.test(text)).length).toBeGreaterThan(4);
  });
});
