import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderJunit } from '../../../conformance/report/junit.ts';
import type { Report } from '../../../conformance/report/report.ts';
import { AWKWARD, awkwardReport, sampleReport, WIRE_RULES } from './sample.ts';
import { parseXml, type XmlElement } from './xml.ts';

const REPORTS: [string, Report][] = [
  ['every verdict and every awkward text', awkwardReport()],
  ['nothing', sampleReport([])],
  ['all well', sampleReport(WIRE_RULES.map((rule) => ({ verdict: 'pass', rule })))],
];

const TOKEN = /^\S+( \S+)*$/;
const NUMBER = /^\d+(\.\d+)?$/;
/** Attributes that the schema of Ant's JUnit task asks for, with their form; what Jenkins' asks for is among them. */
const SUITE = {
  name: TOKEN,
  package: TOKEN,
  id: /^0$/,
  hostname: TOKEN,
  timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
  tests: /^\d+$/,
  failures: /^\d+$/,
  errors: /^\d+$/,
  skipped: /^\d+$/,
  time: NUMBER,
};

function suiteOf(report: Report): XmlElement {
  const root = parseXml(renderJunit(report));
  expect(root.name).toBe('testsuites');
  expect(root.attributes).toEqual({});
  expect(root.children).toHaveLength(1);
  return root.children[0] as XmlElement;
}

function testCases(suite: XmlElement): XmlElement[] {
  return suite.children.filter(({ name }) => name === 'testcase');
}

function expectAttributes({ attributes }: XmlElement, forms: Record<string, RegExp>): void {
  expect(Object.keys(attributes).toSorted()).toEqual(Object.keys(forms).toSorted());
  for (const [name, form] of Object.entries(forms)) expect(attributes[name]).toMatch(form);
}

describe.each(REPORTS)('JUnit XML of %s', (_, report) => {
  it('has the structure that both common schemas allow', () => {
    const suite = suiteOf(report);
    expectAttributes(suite, SUITE);
    const names = suite.children.map(({ name }) => name).join(' ');
    expect(names).toMatch(/^properties( testcase)* system-out system-err$/);
    for (const property of suite.children[0]?.children ?? []) expectAttributes(property, { name: TOKEN, value: /./ });
    for (const one of testCases(suite)) {
      expectAttributes(one, { name: TOKEN, classname: TOKEN, time: NUMBER });
      expect(one.children.length).toBeLessThanOrEqual(1);
      for (const outcome of one.children) {
        expect(['failure', 'error', 'skipped']).toContain(outcome.name);
        expectAttributes(outcome, outcome.name === 'skipped' ? { message: /^/ } : { message: /^/, type: TOKEN });
      }
    }
  });

  it('counts what it holds', () => {
    const suite = suiteOf(report);
    const outcomes = testCases(suite).map(({ children }) => children[0]?.name);
    const count = (name: string) => String(outcomes.filter((outcome) => outcome === name).length);
    expect(suite.attributes).toMatchObject({
      tests: String(outcomes.length),
      failures: count('failure'),
      errors: count('error'),
      skipped: count('skipped'),
    });
  });

  it('is well formed for libxml2 too', (context) => {
    if (spawnSync('xmllint', ['--version']).error) {
      console.warn('SKIPPED: xmllint (Debian: libxml2-utils) is not installed');
      return context.skip('needs xmllint');
    }
    const folder = mkdtempSync(join(tmpdir(), 'junit-'));
    try {
      writeFileSync(join(folder, 'junit.xml'), renderJunit(report));
      execFileSync('xmllint', ['--noout', join(folder, 'junit.xml')]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('verdicts in JUnit', () => {
  const outcomeOf = (report: Report, id: string) =>
    testCases(suiteOf(report)).find(({ attributes }) => attributes.name === id)?.children[0];

  it.each([
    ['fail', 'failure'],
    ['error', 'error'],
    ['n/a', 'skipped'],
    ['not_run', 'skipped'],
    ['warn', undefined],
    ['info', undefined],
    ['pass', undefined],
  ] as const)('%s: %s', (verdict, name) => {
    const report = sampleReport([{ verdict: 'pass' }, { verdict, id: 'a.b/c', message: 'because' }]);
    const outcome = outcomeOf(report, 'a.b/c');
    expect(outcome?.name).toBe(name);
    if (outcome) expect(outcome.attributes.message).toBe('because');
  });

  it('warnings and notes are in system-out', () => {
    const report = sampleReport([{ verdict: 'warn', id: 'a.b/c', message: AWKWARD.markup }]);
    expect(suiteOf(report).children.at(-2)?.text).toContain(`warn a.b/c: ${AWKWARD.markup}`);
  });

  it('a known failure is skipped', () => {
    const checks = [{ verdict: 'pass' }, { verdict: 'fail', id: 'a.b/c', message: 'old' }] as const;
    const report = sampleReport(checks, { baseline: { known: ['a.b/c'], problems: [] } });
    expect(outcomeOf(report, 'a.b/c')).toMatchObject({
      name: 'skipped',
      attributes: { message: 'known failure: old' },
    });
    expect(outcomeOf(report, 'run')).toBeUndefined();
  });

  it('a run that is not green is not green here, though every check is', () => {
    const leaked = [{ kind: 'session', id: 'sess_1', account: 'A' }] as const;
    const report = sampleReport([{ verdict: 'pass' }], { leaked: [...leaked] });
    expect(outcomeOf(report, 'run')).toMatchObject({ name: 'failure' });
    expect(outcomeOf(report, 'run')?.text).toContain('sess_1');
    expect(outcomeOf(sampleReport([]), 'run')).toMatchObject({ name: 'failure' });
  });
});

it.each([
  ['<?xml version="1.0" encoding="UTF-8"?><a><b></a></b>'],
  ['<?xml version="1.0" encoding="UTF-8"?><a>&nope;</a>'],
  ['<?xml version="1.0" encoding="UTF-8"?><a>\x00</a>'],
  ['<?xml version="1.0" encoding="UTF-8"?><a>]]></a>'],
  ['<?xml version="1.0" encoding="UTF-8"?><a b="<"/>'],
  ['<?xml version="1.0" encoding="UTF-8"?><a/><b/>'],
])('the parser of these tests refuses %s', (text) => {
  expect(() => parseXml(text)).toThrow();
});
