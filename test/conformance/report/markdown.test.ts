import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../conformance/report/markdown.ts';
import { awkwardReport, sampleReport, WIRE_RULES } from './sample.ts';

describe('Markdown', () => {
  it('takes every text of a target as it stands', () => {
    const text = renderMarkdown(awkwardReport());
    expect(text).not.toContain('<script');
    expect(text).not.toContain('[link]');
    expect(text).not.toContain('http://');
    expect(text).not.toMatch(/^::/m);
    expect(text).not.toContain('\x1b');
  });

  it('has tables whose rows all have as many cells as their heading', () => {
    let cells = 0;
    for (const line of renderMarkdown(awkwardReport()).split('\n')) {
      if (!line.startsWith('|')) cells = 0;
      else if (cells === 0) cells = line.split('|').length;
      else expect(line.split('|')).toHaveLength(cells);
    }
  });

  it('links and mentions nobody, whatever a message says', () => {
    const message = '@octocat see https://evil.test, www.evil.test and me@evil.test';
    const text = renderMarkdown(sampleReport([{ verdict: 'fail', message }]));
    expect(text).not.toMatch(/@|:\/\/|www\./);
    expect(text).toContain('<code>&#64;octocat see https&#58;//evil.test');
  });

  it('tells what holds, what does not, and why', () => {
    const report = sampleReport([
      { verdict: 'pass' },
      { verdict: 'fail', rule: 'truncate.minimum', id: 'truncate.minimum/named', message: 'got 200' },
    ]);
    const text = renderMarkdown(report);
    expect(text).toContain('| **session** | ❌ not conformant');
    expect(text).toContain('**fail** <code>truncate.minimum/named</code>');
    expect(text).toContain('> <code>got 200</code>');
  });

  it('fits a job summary, however much is broken', () => {
    // Each of these takes six bytes to write.
    const message = '|'.repeat(1_000);
    const checks = WIRE_RULES.flatMap((rule, index) =>
      [1, 2, 3].map((n) => ({
        verdict: 'fail' as const,
        rule,
        id: `c.${index}/${n}`,
        message: `${index} ${n} ${message}`,
      })),
    );
    const text = renderMarkdown(sampleReport(checks));
    expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
    expect(text).toMatch(/And \d+ more: see the whole report/);
  });
});
