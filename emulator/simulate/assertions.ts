import type { Row, Simulation } from './result.ts';
import { CURRENCY } from './settings.ts';

/** A condition that every setting has to meet. */
interface Assertion {
  readonly text: string;
  readonly metric: Metric;
  readonly sign: '<' | '<=' | '>' | '>=';
  readonly limit: number;
}

/** What fails, and the setting that is furthest from it. */
export interface AssertionFault {
  readonly assertion: string;
  readonly failed: number;
  readonly settings: number;
  readonly worst: string;
  readonly value: string;
}

const METRICS = {
  cost: { unit: CURRENCY, of: (row: Row) => row.cost, show: (value: number) => `${value.toFixed(6)} ${CURRENCY}` },
  recall: { unit: '%', of: (row: Row) => row.leastRecall, show: share },
  planted: { unit: '%', of: (row: Row) => row.recall.planted.mean, show: share },
  natural: { unit: '%', of: (row: Row) => row.recall.natural.mean, show: share },
  latency: { unit: 's', of: (row: Row) => row.seconds, show: (value: number) => `${value.toFixed(1)} s` },
} as const;
type Metric = keyof typeof METRICS;

const FORM = /^\s*(\w+)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*(%|[A-Za-z]*)\s*$/;

/** @throws RangeError in one line */
export function parseAssertion(text: string): Assertion {
  const [, name = '', sign, figure, unit = ''] = FORM.exec(text) ?? [];
  const metric = Object.keys(METRICS).find((known): known is Metric => known === name);
  const isUnit = metric !== undefined && (unit === '' || unit.toLowerCase() === METRICS[metric].unit.toLowerCase());
  if (!isUnit || sign === undefined)
    throw new RangeError(
      `--assert takes a condition such as cost<1.20USD or recall>0.95, of ${Object.keys(METRICS).join(', ')}, not ${text === '' ? 'nothing' : text}`,
    );
  const share = METRICS[metric].unit === '%' ? Number(figure) / (unit === '%' ? 100 : 1) : 0;
  if (share > 1) throw new RangeError(`--assert ${name} takes a share up to 1, or up to 100 %, not ${text}`);
  return {
    text: text.trim(),
    metric,
    sign: sign as Assertion['sign'],
    limit: Number(figure) / (unit === '%' ? 100 : 1),
  };
}

/** Conditions hold for every setting that was asked for. A run that could not finish meets none. */
export function checkAssertions(
  assertions: readonly Assertion[],
  { rows }: Pick<Simulation, 'rows'>,
): AssertionFault[] {
  const judged = rows.filter(({ asked }) => asked);
  return assertions.flatMap(({ text, metric, sign, limit }): AssertionFault[] => {
    const { of, show } = METRICS[metric];
    const away = (row: Row) => {
      const value = of(row);
      if (row.ended.length > 0 || value === null) return Number.POSITIVE_INFINITY;
      if (sign === '<' ? value < limit : sign === '<=' ? value <= limit : sign === '>' ? value > limit : value >= limit)
        return -1;
      return Math.abs(value - limit);
    };
    const failed = judged.filter((row) => away(row) >= 0);
    if (failed.length === 0)
      return judged.length > 0
        ? []
        : [{ assertion: text, failed: 0, settings: 0, worst: 'nothing', value: 'no setting was finished' }];
    const worst = failed.reduce((far, row) => (away(row) > away(far) ? row : far));
    const value = of(worst);
    const shown = worst.ended[0] ?? (value === null ? 'nothing can be asked for' : show(value));
    return [{ assertion: text, failed: failed.length, settings: judged.length, worst: worst.text, value: shown }];
  });
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
