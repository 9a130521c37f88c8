import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countWeak, decide, type Policy, type Situation, thresholds } from '../../client/rolling/decide-shrink.ts';

const USUAL: Situation = {
  tokens: 0,
  windowTokens: 262_144,
  appendTokens: 8_192,
  maxTokens: 4_000,
  maxKeep: 180_000,
  preserveLen: 8_000,
  incoming: 0,
  betweenRounds: true,
  openCalls: false,
  settled: { tokens: 0, weak: 0 },
};
const CUT = { kind: 'truncate', preserve_len: 8_000 };
const COMPRESS = { kind: 'compress', preserve_len: 8_000 };

type Row = [what: string, situation: Partial<Situation>, policy: Policy, expected: 'keep' | 'stop' | object[]];

const ROWS: Row[] = [
  ['nothing to do', { tokens: 179_999 }, 'truncate', 'keep'],
  ['at maxKeep itself', { tokens: 180_000 }, 'truncate', 'keep'],
  ['over maxKeep', { tokens: 180_001 }, 'truncate', [CUT]],
  ['over maxKeep within a turn', { tokens: 180_001, betweenRounds: false }, 'truncate', 'keep'],
  ['no room for the next write and answer', { tokens: 249_825, maxKeep: 262_144 }, 'truncate', [CUT]],
  ['just room for them', { tokens: 249_824, maxKeep: 262_144 }, 'truncate', 'keep'],
  ['no room within a turn', { tokens: 249_825, betweenRounds: false }, 'truncate', [CUT]],
  ['a long turn ahead', { tokens: 100_000, incoming: 200_000 }, 'truncate', [CUT]],
  ['a turn ahead that no cut would make fit', { tokens: 8_000, incoming: 10 ** 9 }, 'truncate', 'keep'],
  ['compress', { tokens: 180_001 }, 'compress', [COMPRESS]],
  ['compress, then truncate', { tokens: 180_001 }, 'compress-then-truncate', [COMPRESS, CUT]],
  ['compress with open calls', { tokens: 180_001, openCalls: true }, 'compress', 'keep'],
  ['compress with open calls and no room', { tokens: 250_000, openCalls: true }, 'compress', [CUT]],
  ['both with open calls', { tokens: 180_001, openCalls: true }, 'compress-then-truncate', [CUT]],
  [
    'a policy of the user’s',
    { tokens: 180_001 },
    ({ tokens }) => [{ kind: 'compress', ratio: tokens }],
    [{ kind: 'compress', ratio: 180_001 }],
  ],
  ['a policy that wants nothing', { tokens: 180_001 }, () => [], 'keep'],
  [
    'hardly more than the last cut left',
    { tokens: 185_000, settled: { tokens: 184_000, weak: 1 } },
    'truncate',
    'keep',
  ],
  ['some more than the last cut left', { tokens: 194_000, settled: { tokens: 184_000, weak: 1 } }, 'truncate', [CUT]],
  ['hardly more, but no room', { tokens: 250_000, settled: { tokens: 249_900, weak: 1 } }, 'truncate', [CUT]],
  ['no gain twice in a row', { tokens: 250_000, settled: { tokens: 249_900, weak: 2 } }, 'truncate', 'stop'],
  [
    'no gain twice in a row, and room again',
    { tokens: 90_000, settled: { tokens: 249_900, weak: 2 } },
    'truncate',
    'keep',
  ],
];

describe('the decision to shrink', () => {
  it.each(ROWS)('%s', (_, situation, policy, expected) => {
    const decision = decide({ ...USUAL, ...situation }, policy);
    if (typeof expected === 'string') expect(decision).toEqual({ kind: expected });
    else expect(decision).toEqual({ kind: 'shrink', actions: expected, enough: expect.any(Number) });
  });

  it('always leaves room for one more write and its answer', () => {
    const sizes = fc.record({
      windowTokens: fc.integer({ min: 40_000, max: 2_000_000 }),
      appendTokens: fc.integer({ min: 16, max: 16_000 }),
      maxTokens: fc.integer({ min: 1, max: 16_000 }),
      maxKeep: fc.integer({ min: 1, max: 3_000_000 }),
      tokens: fc.nat(2_000_000),
      betweenRounds: fc.boolean(),
    });
    fc.assert(
      fc.property(sizes, (given) => {
        const situation = { ...USUAL, ...given };
        const kept = decide(situation, 'truncate').kind === 'keep';
        const { windowTokens, appendTokens, maxTokens, tokens } = situation;
        // A prompt takes three tokens more than its messages, and a turn one more than its answer.
        if (kept) expect(tokens + appendTokens + 3 + maxTokens + 1).toBeLessThanOrEqual(windowTokens);
        expect(thresholds(situation).soft).toBeLessThanOrEqual(situation.maxKeep);
      }),
    );
  });

  it('counts shrinkings that gain next to nothing', () => {
    expect(countWeak(0, 1_000, 951)).toBe(1);
    expect(countWeak(1, 1_000, 1_000)).toBe(2);
    expect(countWeak(1, 1_000, 950)).toBe(0);
  });
});
