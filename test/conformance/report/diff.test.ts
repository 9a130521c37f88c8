import { describe, expect, it } from 'vitest';
import { RULE_IDS, RULES } from '../../../conformance/areas/rules.ts';
import type { Verdict } from '../../../conformance/core/verdict.ts';
import {
  type Comparison,
  diffReports,
  diffToJson,
  renderDiffMarkdown,
  renderDiffTerminal,
} from '../../../conformance/report/diff.ts';
import { columns } from '../../../emulator/terminal/text.ts';
import { AWKWARD, awkwardReport, sampleReport, WIRE_RULES } from './sample.ts';

const rule = 'truncate.minimum';

function reportWith(...verdicts: Verdict[]) {
  return sampleReport(verdicts.map((verdict) => ({ verdict, rule, message: `said ${verdict}` })));
}

function compared(a: Verdict[], b: Verdict[]) {
  return diffReports(reportWith(...a), reportWith(...b)).rules.find((one) => one.rule === rule);
}

describe('two reports, rule by rule', () => {
  it.each<[Verdict[], Verdict[], Comparison]>([
    [['pass'], ['pass'], 'agree'],
    [['fail'], ['fail'], 'agree'],
    [['pass'], ['fail'], 'differ'],
    [['warn'], ['pass'], 'differ'],
    [['pass', 'pass', 'fail'], ['pass'], 'differ'],
    [['fail', 'error'], ['pass'], 'differ'],
    [['pass'], ['info'], 'untested'],
    [['pass'], ['n/a'], 'untested'],
    [['pass'], ['not_run'], 'untested'],
    [['error'], ['error'], 'untested'],
    [['pass', 'not_run'], ['pass'], 'untested'],
    [['pass'], [], 'untested'],
    [[], [], 'untested'],
  ])('%j against %j: %s', (a, b, comparison) => {
    expect(compared(a, b)?.comparison).toBe(comparison);
    expect(compared(b, a)?.comparison).toBe(comparison);
  });

  it('shows the worst verdict of each side, and its message', () => {
    expect(compared(['pass', 'warn', 'fail', 'error'], ['pass', 'info'])).toMatchObject({
      a: { verdict: 'fail', message: 'said fail' },
      b: { verdict: 'info', message: 'said info' },
    });
  });

  it('has every rule of the contract once, and those that nothing outside shows are not testable', () => {
    const { rules, counts } = diffReports(sampleReport([]), sampleReport([]));
    expect(rules.map((one) => one.rule).toSorted()).toEqual(RULE_IDS.toSorted());
    for (const one of rules) {
      const isSeen = RULES[one.rule as (typeof RULE_IDS)[number]].verified === 'wire';
      expect(one.comparison).toBe(isSeen ? 'untested' : 'not testable');
    }
    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(rules.length);
  });

  it('compares rules that only a report of another kit has', () => {
    const other = sampleReport([{ verdict: 'pass' }]);
    const results = other.results.map((result) => ({ ...result, rule: 'future.rule' }));
    const found = diffReports({ ...other, results }, other).rules.find((one) => one.rule === 'future.rule');
    expect(found).toMatchObject({ comparison: 'untested', a: { verdict: 'pass' }, b: null });
  });
});

describe('rendered', () => {
  const diff = diffReports(sampleReport(WIRE_RULES.map((id) => ({ verdict: 'pass', rule: id }))), awkwardReport());

  it('for a terminal within its width, every rule named that does not simply agree', () => {
    const text = renderDiffTerminal(diff);
    expect(Math.max(...text.split('\n').map(columns))).toBeLessThanOrEqual(80);
    expect(text).not.toContain('\x1b');
    for (const one of diff.rules) if (one.comparison !== 'agree') expect(text).toContain(one.rule);
    expect(text).toContain(`${diff.counts.differ} differ`);
    expect(renderDiffTerminal(diff, { color: true })).toContain('\x1b[');
  });

  it('for Markdown with every rule, and no markup of a target', () => {
    const text = renderDiffMarkdown(diff);
    expect(text.match(/^\| <code>/gm)).toHaveLength(diff.rules.length);
    expect(text).not.toContain('<script');
    expect(text).toContain('&#60;script&#62;');
  });

  it('for machines as JSON', () => {
    expect(JSON.parse(diffToJson(diff))).toEqual(diff);
    expect(diff.rules.some(({ b }) => b?.message === AWKWARD.markup)).toBe(true);
  });
});
