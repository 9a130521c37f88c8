import { expect, it } from 'vitest';
import { renderBadgeJson, renderBadgeSvg } from '../../../conformance/report/badge.ts';
import type { Report } from '../../../conformance/report/report.ts';
import { sampleReport, WIRE_RULES } from './sample.ts';
import { parseXml } from './xml.ts';

const all = WIRE_RULES.map((rule) => ({ verdict: 'pass' as const, rule }));
const rule = 'truncate.minimum';

it.each<[string, Report]>([
  ['kimi-wire + session', sampleReport(all)],
  ['session', sampleReport([{ verdict: 'pass', rule }])],
  ['not conformant', sampleReport([...all, { verdict: 'fail', rule, id: 'x/y', message: 'm' }])],
  ['incomplete', sampleReport([...all, { verdict: 'error', rule, id: 'x/y', message: 'm' }])],
  ['not offered here', sampleReport([{ verdict: 'n/a', rule, message: 'm' }])],
  ['not selected', sampleReport([])],
  ['interrupted', sampleReport(all, { run: { ...sampleReport([]).run, interrupted: true } })],
  ['not green', sampleReport(all, { leaked: [{ kind: 'session', id: 'sess_1', account: 'A' }] })],
])('%s', (message, report) => {
  const badge = JSON.parse(renderBadgeJson(report)) as Record<string, string>;
  expect(badge).toMatchObject({ schemaVersion: 1, label: 'kimi conformance', message });
  expect(badge.color).toMatch(/^[0-9a-f]{6}$/);
  // Green is for what was shown, and for nothing else.
  expect(badge.color === '1a7f4b').toBe(report.exitCode === 0);
  const svg = renderBadgeSvg(report);
  expect(parseXml(`<?xml version="1.0" encoding="UTF-8"?>${svg.trim()}`).attributes['aria-label']).toContain(message);
  expect(svg).not.toMatch(/href|<script|url\((?!#)/);
});
