import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RULES } from '../../../conformance/areas/rules.ts';
import { renderHtml } from '../../../conformance/report/html.ts';
import { awkwardReport, sampleReport, WIRE_RULES } from './sample.ts';

const awkward = renderHtml(awkwardReport());

/** What the kit wrote itself into the page: its style and its script. */
function ownParts(page: string): { style: string; script: string; rest: string } {
  const [style = ''] = /(?<=<style>).*?(?=<\/style>)/s.exec(page) ?? [];
  const [script = ''] = /(?<=<script>).*?(?=<\/script>)/s.exec(page) ?? [];
  return { style, script, rest: page.replace(style, () => '').replace(script, () => '') };
}

/** Every tag of the page, without what is its own style and script. */
function tags(page: string): string[] {
  return ownParts(page).rest.match(/<[a-z!/][^>]*>/gi) ?? [];
}

describe('the HTML page', () => {
  it('is one file that refers to nothing outside', () => {
    const { style, script } = ownParts(awkward);
    for (const tag of tags(awkward)) {
      for (const [, name, value] of tag.matchAll(/\s(href|src|srcset|action|data|poster)="([^"]*)"/g)) {
        expect(`${name}=${value}`).toMatch(/^href=(#|data:,$)/);
      }
    }
    expect(style).not.toMatch(/@import|url\(/);
    expect(script).not.toMatch(/fetch|import\(|XMLHttp|innerHTML|eval|https?:/);
    expect(tags(awkward).filter((tag) => /^<(iframe|object|embed|img|base)/i.test(tag))).toEqual([]);
  });

  it('has no handlers and no styles in its tags, and a policy that lets run its own script alone', () => {
    for (const tag of tags(awkward)) expect(tag).not.toMatch(/\s(on\w+|style)=/i);
    const { style, script } = ownParts(awkward);
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    expect(awkward).toContain(`default-src 'none'`);
    expect(awkward).toContain(`style-src ${hash(style)}`);
    expect(awkward).toContain(`script-src ${hash(script)}`);
    expect(tags(awkward).filter((tag) => tag.startsWith('<script'))).toEqual(['<script>']);
  });

  it('shows texts of a target as they stand', () => {
    expect(awkward).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot; &#39;single&#39;');
    expect(awkward).not.toContain('<script>alert');
    expect(awkward).not.toMatch(/[^\P{Cc}\n]|[\u202E\u2028]/u);
    const forged = renderHtml(
      sampleReport([{ verdict: 'fail', id: 'a.b/"><img src=x onerror=alert(1)>', message: 'm' }]),
    );
    expect(tags(forged).some((tag) => tag.startsWith('<img'))).toBe(false);
  });

  it('escapes what a target says of itself', () => {
    const report = sampleReport([{ verdict: 'pass' }]);
    const target = { ...report.target, name: '<i>name</i>', model: '<i>model</i>', limits: { '<i>': 1 } };
    expect(renderHtml({ ...report, target })).not.toMatch(/<i>/);
  });

  it('has each check once, with its rule, level, evidence, message and exchanges', () => {
    const report = sampleReport(
      WIRE_RULES.map((rule, index) => ({
        verdict: 'fail',
        rule,
        message: `seen-${index}.`,
        exchanges: [`sent-${index}.`],
      })),
    );
    const page = renderHtml(report);
    const checks = page.split('<details class="check"').slice(1);
    expect(checks).toHaveLength(report.results.length);
    for (const [index, { id, rule, level, evidence }] of report.results.entries()) {
      const check = checks.find((text) => text.startsWith(` id="check:${id}"`)) ?? '';
      for (const part of [rule, level, `>${evidence}<`, `seen-${index}.`, `sent-${index}.`])
        expect(check).toContain(part);
    }
    expect(page).toContain(RULES['truncate.minimum'].text.split('`')[0]);
  });

  it.each([
    ['The emulator is conformant', sampleReport([{ verdict: 'pass' }])],
    ['The emulator breaks 1 rule', sampleReport([{ verdict: 'pass' }, { verdict: 'fail', message: 'm' }])],
    ['The emulator: incomplete', sampleReport([])],
  ])('says in one glance: %s', (words, report) => {
    expect(renderHtml(report)).toContain(`<h1>${words}</h1>`);
  });

  it('every link leads to a check that is there', () => {
    const ids = new Set([...awkward.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const links = [...awkward.matchAll(/href="#([^"]+)"/g)].map(([, link = '']) => decodeURIComponent(link));
    expect(links.length).toBeGreaterThan(5);
    for (const link of links) expect(ids).toContain(link);
  });
});
