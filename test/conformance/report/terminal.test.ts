import { describe, expect, it } from 'vitest';
import type { Report } from '../../../conformance/report/report.ts';
import { renderTerminal } from '../../../conformance/report/terminal.ts';
import { columns } from '../../../emulator/terminal/text.ts';
import { awkwardReport, sampleReport, WIRE_RULES } from './sample.ts';

const RUN = sampleReport([]).run;

function widest(text: string): number {
  return Math.max(...text.split('\n').map(columns));
}

describe('the end of a run, in a terminal', () => {
  it('keeps within 80 columns, and within fewer where asked, whatever is in it', () => {
    expect(widest(renderTerminal(awkwardReport()))).toBeLessThanOrEqual(80);
    expect(widest(renderTerminal(awkwardReport(), { width: 72 }))).toBeLessThanOrEqual(72);
  });

  it('has no escape sequence unless colours are asked for, not even from a message', () => {
    expect(renderTerminal(awkwardReport())).not.toContain('\x1b');
    const coloured = renderTerminal(awkwardReport(), { color: true });
    expect(coloured).toContain('\x1b[31m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(coloured.replaceAll(/\x1b\[\d+m/g, '')).toBe(renderTerminal(awkwardReport()));
  });

  it('tells what does not hold with its rule, level, evidence and message', () => {
    const text = renderTerminal(
      sampleReport([
        { verdict: 'pass' },
        { verdict: 'fail', rule: 'truncate.minimum', id: 'truncate.minimum/named', message: 'got 200' },
      ]),
    );
    expect(text).toMatch(/Failed rules\n {2}fail +truncate\.minimum\/named\n +MUST, article, truncate\.minimum: A/);
    expect(text).toContain('got 200');
    expect(text).toContain('Exit code 1: not conformant.');
  });

  it('tells once why many failed', () => {
    const checks = Array.from({ length: 40 }, () => ({
      verdict: 'fail' as const,
      message: 'sessions is declared, but absent',
    }));
    const text = renderTerminal(sampleReport(checks));
    expect(text.split('sessions is declared, but absent')).toHaveLength(2);
    expect(text).toContain('40 checks, for one reason');
    expect(text).toContain('case-0/check-1');
  });

  it('groups what was not tried by its reason', () => {
    const rule = 'truncate.minimum';
    const text = renderTerminal(
      sampleReport([
        { verdict: 'n/a', rule, message: 'sessions is not offered here' },
        { verdict: 'n/a', rule, message: 'sessions is not offered here' },
        { verdict: 'not_run', rule, message: 'needs a second account' },
      ]),
    );
    expect(text).toContain('2 checks (truncate 2): sessions is not offered here');
    expect(text).toContain('1 check (truncate 1): needs a second account');
  });

  it('tells retries, leaks, spending and a wrong list of known failures', () => {
    const text = renderTerminal(
      awkwardReport({ spending: { currency: 'USD', cap: 0.5, spent: 0.25, exhausted: true, priceSource: 'tables' } }),
    );
    for (const words of [
      'Retries (2 times)',
      'the session sess_1 of account A',
      '0.2500 USD',
      '0.5 USD',
      'passes now',
    ]) {
      expect(text).toContain(words);
    }
    expect(text).toContain('The budget was exhausted');
  });

  it('counts a known failure as such, and not as broken', () => {
    const known: Partial<Report> = { baseline: { known: ['a.b/c'], problems: [] } };
    const text = renderTerminal(
      sampleReport([{ verdict: 'pass' }, { verdict: 'fail', id: 'a.b/c', message: 'old' }], known),
    );
    expect(text).not.toContain('Failed rules');
    expect(text).toContain('Known failures');
    expect(text).toContain('1 known failure');
    expect(text).not.toContain('1 broken');
  });

  it.each<[string, Report, string]>([
    ['all holds', sampleReport(WIRE_RULES.map((rule) => ({ verdict: 'pass', rule }))), 'Exit code 0: conformant.'],
    ['nothing ran', sampleReport([]), 'not selected: none of its checks was run'],
    ['only errors', sampleReport([{ verdict: 'error', message: 'no answer' }]), 'Exit code 3: incomplete.'],
    [
      'interrupted',
      sampleReport([{ verdict: 'pass' }], { run: { ...RUN, interrupted: true } }),
      'Exit code 130: interrupted.',
    ],
  ])('%s', (_, report, words) => {
    expect(renderTerminal(report)).toContain(words);
  });
});
