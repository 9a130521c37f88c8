import { readFileSync } from 'node:fs';
import { Validator } from '@cfworker/json-schema';
import { describe, expect, it } from 'vitest';
import { runConformance } from '../../../conformance/core/run.ts';
import { emulatorTarget } from '../../../conformance/index.ts';
import { type Report, ReportError, readReport, reportSchema, toJson } from '../../../conformance/report/report.ts';
import { awkwardReport, sampleReport } from './sample.ts';

const validator = new Validator(JSON.parse(reportSchema()), '2020-12', false);

/** The report after something was done to its JSON. */
function damaged(change: (value: Report) => void): string {
  const value = JSON.parse(toJson(awkwardReport())) as Report;
  change(value);
  return JSON.stringify(value);
}

function whyRefused(text: string): string {
  try {
    readReport(text);
  } catch (error) {
    expect(error).toBeInstanceOf(ReportError);
    return (error as Error).message;
  }
  throw new Error('it was read');
}

describe('the JSON report', () => {
  it('reads back as it was', () => {
    const report = awkwardReport();
    // Half a surrogate pair survives JSON too, since it is written as an escape.
    expect(readReport(toJson(report))).toEqual(report);
  });

  it('of a real run is read back, and is valid against the schema of the package', async () => {
    const target = await emulatorTarget({ scale: 'small' });
    try {
      const report = await runConformance(target, { cases: ['truncate.minimum'] });
      expect(readReport(toJson(report))).toEqual(report);
      expect(validator.validate(JSON.parse(toJson(report)))).toEqual({ valid: true, errors: [] });
    } finally {
      await target.close?.();
    }
  });

  it('may have members and rules that this kit does not know', () => {
    const text = toJson(sampleReport([{ verdict: 'pass' }])).replace(/"rule": "[^"]+"/, '"rule": "future.rule"');
    const report = readReport(text.replace('"exitCode"', '"mood": "fine", "exitCode"'));
    expect(report.results[0]?.rule).toBe('future.rule');
  });
});

describe('the JSON Schema', () => {
  it('in docs is what the source says (npm run docs)', () => {
    const file = new URL('../../../docs/conformance-report.schema.json', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(reportSchema());
  });

  it('takes a report with everything in it, and refuses one with a verdict that there is not', () => {
    expect(validator.validate(JSON.parse(toJson(awkwardReport())))).toEqual({ valid: true, errors: [] });
    expect(validator.validate(JSON.parse(toJson(awkwardReport()).replace('"warn"', '"green"'))).valid).toBe(false);
    expect(validator.validate({}).valid).toBe(false);
  });
});

describe('a file that cannot be relied on is refused in one line', () => {
  const whole = toJson(awkwardReport());
  it.each([
    ['nothing', '', 'no JSON'],
    ['half a file', whole.slice(0, whole.length / 2), 'no JSON'],
    ['HTML', '<!doctype html>', 'no JSON'],
    ['null', 'null', 'does not start with'],
    ['another document', '{"report": "coverage/1"}', 'does not start with'],
    ['a newer format', damaged((value) => Object.assign(value, { report: 'kimi-conformance/3' })), 'of a newer kit'],
    ['an older format', damaged((value) => Object.assign(value, { report: 'kimi-conformance/1' })), 'of an older kit'],
    ['a verdict that there is not', whole.replace('"verdict": "fail"', '"verdict": "green"'), 'results.'],
    ['a check left out', damaged(({ results }) => results.pop()), 'checks'],
    [
      'a check that was never reported',
      damaged(({ completeness }) => Object.assign(completeness, { declared: 99 })),
      '99',
    ],
    ['a check twice', damaged(({ results }) => results.splice(1, 1, ...results.slice(0, 1))), 'twice'],
    ['a failure painted over', whole.replace('"verdict": "fail"', '"verdict": "pass"'), 'does not count as many'],
  ])('%s', (_, text, words) => {
    const message = whyRefused(text);
    expect(message).toContain(words);
    expect(message).toMatch(/^[\x20-\x7e…]{1,240}$/);
  });
});
