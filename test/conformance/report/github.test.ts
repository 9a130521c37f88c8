import { describe, expect, it } from 'vitest';
import { renderGithub } from '../../../conformance/report/github.ts';
import { AWKWARD, awkwardReport, sampleReport } from './sample.ts';

const COMMAND = /^::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)$/;

/** As the runner of GitHub reads a log. */
function annotationsIn(text: string) {
  return text.split(/\r\n|\r|\n/).flatMap((line) => {
    if (line === '') return [];
    const [, kind = '', title = '', message = ''] = COMMAND.exec(line) ?? [];
    expect(line).toMatch(COMMAND);
    return [{ kind, title: decoded(title), message: decoded(message) }];
  });
}

function decoded(text: string): string {
  expect(text.replaceAll(/%(25|0D|0A|3A|2C)/g, '')).not.toContain('%');
  return text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');
}

describe('GitHub annotations', () => {
  it('are commands and nothing else: no message can forge one', () => {
    const annotations = annotationsIn(renderGithub(awkwardReport()));
    expect(annotations.length).toBeGreaterThan(10);
    expect(annotations.filter(({ message }) => message.startsWith('forged'))).toEqual([]);
  });

  it('escape what would end a message or a title', () => {
    const id = 'a.b/c, d: 100%';
    const [annotation] = annotationsIn(
      renderGithub(sampleReport([{ verdict: 'fail', id, message: AWKWARD.annotation, rule: 'truncate.minimum' }])),
    );
    expect(annotation).toMatchObject({ kind: 'error', title: `${id} does not hold` });
    expect(annotation?.message).toMatch(/^100%, a:b, c\n::error::forged\nA `preserve_len`/);
  });

  it.each([
    ['fail', 'error'],
    ['error', 'error'],
    ['warn', 'warning'],
  ] as const)('%s is an %s', (verdict, kind) => {
    const report = sampleReport([{ verdict: 'pass' }, { verdict, message: 'm' }]);
    expect(annotationsIn(renderGithub(report)).map((annotation) => annotation.kind)).toEqual([kind]);
  });

  it('say nothing of a run that is green', () => {
    expect(renderGithub(sampleReport([{ verdict: 'pass' }, { verdict: 'info', message: 'm' }]))).toBe('');
  });

  it('say something of every run that is not', () => {
    const left = sampleReport([{ verdict: 'pass' }, { verdict: 'not_run', message: 'm' }]);
    for (const report of [sampleReport([]), sampleReport([{ verdict: 'n/a', message: 'm' }]), left]) {
      expect(report.exitCode).not.toBe(0);
      expect(annotationsIn(renderGithub(report))).toMatchObject([{ kind: 'error' }]);
    }
  });

  it('are no more than GitHub shows, and the last says how many are missing', () => {
    const checks = Array.from({ length: 25 }, (_, index) => ({ verdict: 'fail' as const, message: `m${index}` }));
    const annotations = annotationsIn(renderGithub(sampleReport(checks)));
    expect(annotations).toHaveLength(10);
    expect(annotations.at(-1)?.message).toBe('16 more like these: see the report.');
  });
});
