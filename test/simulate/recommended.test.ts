import { describe, expect, it } from 'vitest';
import { type Row, simulate } from '../../emulator/simulate/index.ts';
import { talk } from './talk.ts';
import { sized } from './through-server.ts';

const SWEEP = { transcripts: [{ name: 'talk', messages: talk(50) }], tokenizer: 'o200k_base' };
const SIZES = { maxKeep: [12_000, 20_000, 30_000], preserveLen: [5_000] };

it('a saving is the share of each baseline’s cost that is not paid, as worked out by hand', async () => {
  // Of the prompts 3,007, 6,115, 6,323 and 6,531 that a client without sessions sends, 0, 2,816, 5,888 and 6,144 are cached.
  const baseline = { uncached: 21_976 * 0.6 + 1_000, cached: 7_128 * 0.6 + 14_848 * 0.15 + 1_000 };
  const own = 10_080 * 0.6 + 5_888 * 0.15 + 1_000;
  const { rows } = await simulate({
    transcripts: [
      sized([
        [0, 3_000, 100],
        [20, 3_000, 100],
        [40, 100, 100],
        [60, 100, 100],
      ]),
    ],
    models: ['kimi-k2-0905-preview'],
    policies: ['truncate'],
    maxKeep: [6_000],
    preserveLen: [4_096],
    plant: 0,
    natural: 0,
    tokenizer: 'o200k_base',
  });
  const row = rows.find(({ setting }) => setting.policy === 'truncate');
  const dollars = (millionths: number) => Number((millionths / 1e6).toFixed(10));
  expect(row?.savings).toEqual([
    {
      baseline: 'stateless',
      rounds: 4,
      baselineCost: dollars(baseline.uncached),
      ownCost: dollars(own),
      share: expect.closeTo((baseline.uncached - own) / baseline.uncached, 5),
    },
    {
      baseline: 'stateless+cache',
      rounds: 4,
      baselineCost: dollars(baseline.cached),
      ownCost: dollars(own),
      // A head cut makes a short history dearer.
      share: expect.closeTo((baseline.cached - own) / baseline.cached, 5),
    },
  ]);
  expect(row?.savings[0]?.share).toBeGreaterThan(0.4);
  expect(row?.savings[1]?.share).toBeLessThan(-0.05);
});

describe('what is recommended', () => {
  const leastOf = ({ recall }: Row) => Math.min(recall.planted.mean ?? 1, recall.natural.mean ?? 1);
  const choices = (rows: readonly Row[]) => rows.filter(({ setting }) => setting.policy !== 'stateless');

  it('is on the front: the settings than which no other is cheaper and knows as much', async () => {
    const { rows } = await simulate({ ...SWEEP, ...SIZES });
    const isBetter = (one: Row, other: Row) =>
      (one.cost < other.cost && leastOf(one) >= leastOf(other)) ||
      (one.cost <= other.cost && leastOf(one) > leastOf(other));
    for (const row of rows) expect(row.leastRecall).toBe(leastOf(row));
    const front = rows.filter(({ onFront }) => onFront);
    for (const row of choices(rows)) {
      const isBeaten = choices(rows).some((other) => isBetter(other, row));
      const isTwin = front.some((other) => other !== row && other.cost === row.cost && leastOf(other) === leastOf(row));
      expect([row.text, row.onFront]).toEqual([row.text, !isBeaten && !isTwin]);
    }
    expect(front.length).toBeGreaterThan(2);
    expect(front.length).toBeLessThan(choices(rows).length);
    expect(front.map(({ setting }) => setting.policy)).not.toContain('stateless');
  });

  it.each([0.2, 0.4, 0.99])('is the cheapest that keeps a share of %d, where one does', async (recall) => {
    const { rows, recommendation } = await simulate({ ...SWEEP, ...SIZES, recall });
    const enough = choices(rows).filter((row) => leastOf(row) >= recall);
    const cheapest = enough.reduce((one, other) => (other.cost < one.cost ? other : one));
    const row = rows[recommendation?.row ?? -1];
    expect(row?.text).toBe(cheapest.text);
    expect(recommendation?.text).toContain(
      `${cheapest.text}: the lowest cost among the settings under which ${100 * recall} % of the facts`,
    );
  });

  it('is the one that knows most, where none keeps enough', async () => {
    // Without room for the whole history the uncut policies do not finish.
    const { rows, recommendation } = await simulate({
      ...SWEEP,
      ...SIZES,
      policies: ['truncate', 'none'],
      models: ['kimi-k2-0905-preview'],
      windowTokens: 40_000,
    });
    const finished = choices(rows).filter(({ ended }) => ended.length === 0);
    const knowing = finished.reduce((one, other) => (leastOf(other) > leastOf(one) ? other : one));
    expect(rows[recommendation?.row ?? -1]?.text).toBe(knowing.text);
    expect(recommendation?.text).toBe(
      `${knowing.text}: the highest recall; no setting that finishes keeps 90 % of the facts in the window`,
    );
  });
});
