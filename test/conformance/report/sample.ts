import { RULE_IDS, RULES, type RuleId } from '../../../conformance/areas/rules.ts';
import { exitCodeOf, summarise } from '../../../conformance/core/summary.ts';
import { VERDICTS, type Verdict } from '../../../conformance/core/verdict.ts';
import type { Report } from '../../../conformance/report/report.ts';

/** Rules that a check can be of. */
export const WIRE_RULES = RULE_IDS.filter((id) => RULES[id].verified === 'wire');

/** Messages that have broken renderers: markup, control characters, other scripts, pictures, length. */
export const AWKWARD = {
  markup: '<script>alert(1)</script> & "quotes" \'single\' <b>| `tick` *star* _line_ [link](http://x.test) ]]> -->',
  control: 'a\x00b\x1b[31mred\x07\r\nnext\tline\u2028sep\u202Eturned\uFFFE end',
  wide: '会话窗口 𠮷野家 👩‍👩‍👧 é ｆｕｌｌ',
  half: 'half \uD83D pair',
  long: `${'word '.repeat(200)}${'x'.repeat(5_000)}`,
  annotation: '100%, a:b, c\r\n::error::forged',
} as const;

interface SampleCheck {
  verdict: Verdict;
  message?: string;
  exchanges?: string[];
  rule?: RuleId;
  id?: string;
}

/** A report of these checks, adding up as a run's own does. */
export function sampleReport(checks: readonly SampleCheck[], over: Partial<Report> = {}): Report {
  const results = checks.map(resultOf);
  const summary = summarise(results, new Set(over.baseline?.known));
  const report: Omit<Report, 'exitCode'> & Partial<Report> = {
    report: 'kimi-conformance/2',
    kit: '0.1.0',
    run: {
      id: '6984bdba-83f4-4325-92d4-ba9ff45b3ec5',
      startedAt: '2026-11-22T12:59:56.745Z',
      durationMs: 1_234,
      profiles: [],
      cases: null,
      interrupted: false,
    },
    target: {
      name: 'emulator',
      model: 'kimi-k2-0905-preview',
      limits: { sessions: 6, window_tokens: 4_096 },
      capabilities: { sessions: { declared: 'yes', probed: 'present', status: 'offered' } },
    },
    results,
    profiles: summary,
    spending: { currency: 'USD', cap: null, spent: 0.0123, exhausted: false, priceSource: 'price tables' },
    retries: [],
    reliability: { requests: 40, failed: 0, allowed: 3, refused: 0, allowedRefused: 10 },
    leaked: [],
    baseline: null,
    completeness: { declared: results.length, reported: results.length },
    ...over,
  };
  return { exitCode: exitCodeOf(report, report.run.profiles), ...report };
}

function resultOf({ verdict, message, exchanges, rule, id }: SampleCheck, index: number): Report['results'][number] {
  const judged: RuleId = rule ?? WIRE_RULES[(index * 7) % WIRE_RULES.length] ?? 'truncate.minimum';
  const { profile, level, evidence } = RULES[judged];
  const owner = `${judged.split('.')[0]}.case-${Math.floor(index / 3)}`;
  return {
    id: id ?? `${owner}/check-${index}`,
    case: id?.split('/')[0] ?? owner,
    rule: judged,
    profile,
    level,
    evidence,
    verdict,
    ...(message !== undefined && { message }),
    ...(exchanges && { exchanges }),
  };
}

/** Every verdict, and every awkward message under each that has one. */
export function awkwardReport(over: Partial<Report> = {}): Report {
  const checks = VERDICTS.flatMap((verdict): SampleCheck[] =>
    verdict === 'pass'
      ? Array.from({ length: 12 }, () => ({ verdict }))
      : Object.values(AWKWARD).map((message) => ({ verdict, message, exchanges: [`POST /v1/x 400 ${message}`] })),
  );
  return sampleReport(checks, {
    retries: [
      { request: `GET /v1/models`, reason: 'status 503' },
      { request: `GET /v1/models`, reason: AWKWARD.markup },
    ],
    leaked: [{ kind: 'session', id: 'sess_1', account: 'A' }],
    baseline: { known: [], problems: [`append.limit/x: passes now: ${AWKWARD.annotation}`] },
    ...over,
  });
}
