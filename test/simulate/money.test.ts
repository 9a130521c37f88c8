import { describe, expect, it } from 'vitest';
import type { PolicyName, Run, Transcript } from '../../emulator/simulate/index.ts';
import { simulate } from '../../emulator/simulate/index.ts';
import { sized, throughServer } from './through-server.ts';

/** Rounds as they are worked out by hand: tokens of the prompt, of its cached part, of the answer, and the money. */
interface ByHand {
  title: string;
  transcript: Transcript;
  model: string;
  date: string;
  ttl?: '5m' | '1h';
  policy?: PolicyName;
  maxKeep?: number;
  preserveLen?: number;
  prompt: number[];
  cached: number[];
  output: number[];
  /** Tokens written into the cache at the price of that, of all rounds. */
  cacheWrite: number;
  /** Millionths of a dollar, each round. */
  cost: number[];
}

// K2: a message is its text and 4 tokens, a request adds 3. K3: a question has 11 more, an answer 17 and 6 for its empty
// reasoning, a request adds 74, and an answer is written with 16 around its text. The cache holds blocks of 256.
const HISTORIES: ByHand[] = [
  {
    title: 'a history that grows: each prompt is cached up to the last question before it',
    transcript: sized([
      [0, 300, 100],
      [20, 200, 100],
      [40, 50, 100],
    ]),
    model: 'kimi-k2-0905-preview',
    date: '2026-10-24',
    prompt: [304 + 3, 304 + 104 + 204 + 3, 612 + 104 + 54 + 3],
    cached: [0, 256, 512],
    output: [100, 100, 100],
    cacheWrite: 0,
    cost: [307 * 0.6 + 100 * 2.5, 359 * 0.6 + 256 * 0.15 + 100 * 2.5, 261 * 0.6 + 512 * 0.15 + 100 * 2.5],
  },
  {
    title: 'five minutes from the last use: renewed after four, gone after five',
    transcript: sized([
      [0, 300, 100],
      [240, 10, 100],
      [480, 10, 100],
      [780, 10, 100],
    ]),
    model: 'kimi-k2-0905-preview',
    date: '2026-10-24',
    prompt: [307, 304 + 104 + 14 + 3, 422 + 104 + 14 + 3, 540 + 104 + 14 + 3],
    cached: [0, 256, 256, 0],
    output: [100, 100, 100, 100],
    cacheWrite: 0,
    cost: [307 * 0.6 + 250, 169 * 0.6 + 256 * 0.15 + 250, 287 * 0.6 + 256 * 0.15 + 250, 661 * 0.6 + 250],
  },
  {
    title: 'an hour, at the price of writing: kept for 3,599 seconds, gone after 3,600',
    transcript: sized([
      [0, 300, 100],
      [600, 200, 100],
      [4_199, 50, 100],
      [7_799, 10, 100],
    ]),
    model: 'kimi-k3',
    date: '2026-10-24',
    ttl: '1h',
    prompt: [311 + 74, 311 + 123 + 211 + 74, 645 + 123 + 61 + 74, 829 + 123 + 21 + 74],
    cached: [0, 256, 512, 0],
    output: [116, 116, 116, 116],
    cacheWrite: 385 + 463 + 391 + 1_047,
    cost: [385 * 6 + 116 * 15, 463 * 6 + 256 * 0.3 + 116 * 15, 391 * 6 + 512 * 0.3 + 116 * 15, 1_047 * 6 + 116 * 15],
  },
  {
    title: 'a head cut: what is kept is a new prefix, and none of it is cached',
    transcript: sized([
      [0, 3_000, 100],
      [20, 3_000, 100],
      [40, 100, 100],
      [60, 100, 100],
    ]),
    model: 'kimi-k2-0905-preview',
    date: '2026-10-24',
    policy: 'truncate',
    maxKeep: 6_000,
    preserveLen: 4_096,
    // The cut leaves the first answer, the second question and its answer: 104 + 3,004 + 104.
    prompt: [3_007, 3_004 + 104 + 3_004 + 3, 3_212 + 104 + 3, 3_316 + 104 + 104 + 3],
    cached: [0, 2_816, 0, 3_072],
    output: [100, 100, 100, 100],
    cacheWrite: 0,
    cost: [3_007 * 0.6 + 250, 3_299 * 0.6 + 2_816 * 0.15 + 250, 3_319 * 0.6 + 250, 455 * 0.6 + 3_072 * 0.15 + 250],
  },
  {
    title: 'a day on which the price changes: an hour has no price before it',
    transcript: sized([
      [0, 300, 100],
      [86_400, 200, 100],
    ]),
    model: 'kimi-k3',
    date: '2026-09-30',
    ttl: '1h',
    prompt: [385, 719],
    cached: [0, 0],
    output: [116, 116],
    cacheWrite: 719,
    cost: [385 * 3 + 116 * 15, 719 * 6 + 116 * 15],
  },
];

async function simulated({
  transcript,
  model,
  date,
  ttl = '5m',
  policy = 'none',
  maxKeep,
  preserveLen,
}: Partial<ByHand> & Pick<ByHand, 'transcript' | 'model' | 'date'>): Promise<Run> {
  const { runs } = await simulate({
    transcripts: [transcript],
    policies: [policy],
    models: [model],
    dates: [date],
    ttl: [ttl],
    plant: 0,
    natural: 0,
    tokenizer: 'o200k_base',
    ...(maxKeep !== undefined && { maxKeep: [maxKeep] }),
    ...(preserveLen !== undefined && { preserveLen: [preserveLen] }),
  });
  const run = runs.find(({ setting }) => setting.policy === policy);
  if (!run) throw new Error(`no run of ${policy}`);
  return run;
}

describe.each(HISTORIES)('the money of $title', (history) => {
  const { prompt, cached, output, cacheWrite, cost } = history;
  const picodollars = cost.map((millionths) => BigInt(Math.round(millionths * 1_000)) * 1_000n);
  const total = picodollars.reduce((sum, part) => sum + part, 0n);

  it('is simulated as by hand, round by round, to the last digit', async () => {
    const run = await simulated(history);
    expect(run.series).toMatchObject({ prompt, cached, output });
    expect(run.series.cost.map(BigInt)).toEqual(picodollars);
    expect(BigInt(run.cost)).toBe(total);
    expect(run.tokens.cacheWrite).toBe(cacheWrite);
  });

  it('is what GET /_emulator/spend says of it, run by the client through the server', async () => {
    const { policy, maxKeep, preserveLen, ...rest } = history;
    const own = policy === 'truncate' ? { policy, maxKeep: maxKeep ?? 0, preserveLen: preserveLen ?? 0 } : {};
    const { spend } = await throughServer(history.transcript, { ...rest, ...own });
    const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
    expect(spend.cost).toBe(Number(total) / 1e12);
    expect(spend).toMatchObject({
      turns: prompt.length,
      cached_tokens: sum(cached),
      cache_write_1h_tokens: cacheWrite,
      input_tokens: sum(prompt) - sum(cached) - cacheWrite,
      output_tokens: sum(output),
    });
  });
});

it('a client without sessions pays the whole history each time, with cache and without', async () => {
  const [history] = HISTORIES;
  if (!history) throw new Error('no history');
  const withCache = await simulated({ ...history, policy: 'stateless+cache' });
  const without = await simulated({ ...history, policy: 'stateless' });
  expect(Number(withCache.cost)).toBe(1_421_400_000);
  expect(Number(without.cost)).toBe((307 + 615 + 773) * 600_000 + 300 * 2_500_000);
  expect(without.tokens).toMatchObject({ prompt: 1_695, cached: 0, sent: 1_695 });
  expect(without.series.cached).toEqual([0, 0, 0]);
  // What is read and written, at 2,473 and 36.17 tokens a second.
  expect(without.seconds).toBeCloseTo(1_695 / 2_473 + 300 / 36.17, 3);
  expect(withCache.seconds).toBeCloseTo((1_695 - 768) / 2_473 + 300 / 36.17, 3);
  const hour = HISTORIES.find(({ ttl }) => ttl === '1h');
  const uncached = hour && (await simulated({ ...hour, policy: 'stateless' }));
  expect(uncached?.tokens).toMatchObject({ cacheWrite: 0, cached: 0 });
  expect(Number(uncached?.cost)).toBe((385 + 719 + 903 + 1_047) * 3_000_000 + 4 * 116 * 15_000_000);
  // Its session is sent each message once, and costs the same: what is sent again costs nothing but the sending.
  const session = await simulated(history);
  expect(session.cost).toBe(withCache.cost);
  expect(session.tokens.sent).toBe(304 + 204 + 54);
});

it('the cheapest trigger is where the arithmetic has it: K + √(2·K·g·(miss − hit) ÷ hit)', async () => {
  const [kept, grown, miss, hit] = [8_000, 400, 0.6, 0.15];
  const best = kept + Math.sqrt((2 * kept * grown * (miss - hit)) / hit);
  const step = 800;
  const maxKeep = [-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 8, 10, 15].map((steps) => Math.round(best + steps * step));
  const rounds = Array.from({ length: 400 }, (_, round) => [round * 20, 292, 100] as const);
  const { rows } = await simulate({
    transcripts: [sized(rounds)],
    policies: ['truncate'],
    models: ['kimi-k2-0905-preview'],
    maxKeep,
    preserveLen: [kept],
    plant: 0,
    natural: 0,
    tokenizer: 'o200k_base',
  });
  const costs = rows.filter(({ setting }) => setting.policy === 'truncate');
  const cheapest = costs.reduce((one, other) => (other.cost < one.cost ? other : one));
  expect(Math.abs((cheapest.setting.maxKeep ?? 0) - best)).toBeLessThanOrEqual(step);
  expect(costs.at(0)?.cost).toBeGreaterThan(cheapest.cost);
  expect(costs.at(-1)?.cost).toBeGreaterThan(cheapest.cost);
});
