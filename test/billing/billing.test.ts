import { describe, expect, test } from 'vitest';
import { Billing, type BillingOptions } from '../../emulator/billing/billing.ts';
import type { CountedMessage } from '../../emulator/billing/prefix-cache.ts';
import { GENERATION_TOKENS, message } from './prompts.ts';

const MODEL = 'kimi-k2-0905-preview';

/** Takes turns as chat would, and tells the billing what a store would. */
class Bench {
  readonly billing: Billing;
  readonly window: CountedMessage[] = [];
  now = Date.parse('2026-11-01T00:00:00Z');

  constructor(options: Partial<BillingOptions> = {}) {
    this.billing = new Billing({ clock: { now: () => this.now }, windowTokens: 262_144, ...options });
    this.billing.created('s');
  }

  append(...messages: CountedMessage[]): void {
    this.window.push(...messages);
    this.billing.wrote('s', messages);
  }

  /** A turn in the session: the question, and a reply of so many tokens. @returns its cached tokens */
  turn(name: string, tokens: number, output: number): number {
    const written = [message(name, tokens)];
    const bill = this.open('s', this.window, written);
    bill.settle(output);
    this.append(...written, message(`reply to ${name}`, output + 4));
    return bill.cachedTokens;
  }

  open(
    session: string | undefined,
    window: readonly CountedMessage[],
    written: readonly CountedMessage[],
    account = 'a',
  ) {
    const tokens = [...window, ...written].reduce((sum, { tokens: size }) => sum + size, GENERATION_TOKENS);
    const place = session === undefined ? {} : { session };
    const tools = { tools: [], tokens: 0 };
    return this.billing.open({
      account,
      ...place,
      model: MODEL,
      tools,
      window: [...window],
      written,
      promptTokens: tokens,
      maxTokens: 1_000,
    });
  }

  get total() {
    return this.billing.spend().total;
  }
}

test('the price of two turns, worked out by hand', () => {
  const bench = new Bench();
  // Turn 1: 1,997 + 3 = 2,000 tokens of prompt, none cached, 100 of output.
  expect(bench.turn('one', 1_997, 100)).toBe(0);
  // Turn 2: 1,997 + 104 + 96 + 3 = 2,200; the 1,997 of turn 1 are shared: 7 blocks of 256 = 1,792 cached, 408 not; 50 of output.
  expect(bench.turn('two', 96, 50)).toBe(1_792);
  // (2,408 × 0.60 + 1,792 × 0.15 + 150 × 2.50) ÷ 10⁶ = (1,444.8 + 268.8 + 375) ÷ 10⁶ = 0.0020886.
  expect(bench.total).toMatchObject({
    turns: 2,
    input_tokens: 2_408,
    cached_tokens: 1_792,
    output_tokens: 150,
    cost: 0.0020886,
  });
  // Without a cut the client without sessions sends the same: (4,200 × 0.60 + 150 × 2.50) ÷ 10⁶ = 0.002895 without cache.
  expect(bench.total.stateless).toMatchObject({
    turns: 2,
    turns_beyond_window: 0,
    prompt_tokens: 4_200,
    cached_tokens: 1_792,
    cost_without_cache: 0.002895,
    cost_with_cache: 0.0020886,
    saved_without_cache: 0.0008064,
    saved_with_cache: 0,
  });
});

test('a balance in CNY bills the same turns at the prices in CNY', () => {
  const bench = new Bench({ currency: 'CNY' });
  bench.turn('one', 1_997, 100);
  // (2,000 × 4 + 100 × 16) ÷ 10⁶ = 0.0096.
  expect(bench.billing.spend()).toMatchObject({ currency: 'CNY', total: { cost: 0.0096 } });
});

describe('what a client without sessions would have sent', () => {
  test('after truncate: the uncut history, appends included', () => {
    const bench = new Bench();
    bench.append(message('log', 5_000));
    bench.turn('one', 997, 96);
    bench.window.splice(0, 1);
    bench.turn('two', 400, 96);
    // As it was: 6,000, and then 997 + 100 + 400 + 3 = 1,500, of which the beginning is new: nothing cached.
    expect(bench.total).toMatchObject({ input_tokens: 7_500, cached_tokens: 0 });
    // Uncut: 6,000, and then 5,000 + 997 + 100 + 400 + 3 = 6,500, of which 5,997 are shared: 23 blocks = 5,888.
    expect(bench.total.stateless).toMatchObject({ prompt_tokens: 12_500, cached_tokens: 5_888 });
    // As it was (7,500 × 0.60 + 192 × 2.50) = 4,980; uncut (6,612 × 0.60 + 5,888 × 0.15 + 192 × 2.50) = 5,330.4, all ÷ 10⁶.
    expect(bench.total.stateless).toMatchObject({
      own_cost: 0.00498,
      cost_with_cache: 0.0053304,
      saved_with_cache: 0.0003504,
    });
  });

  test('after rollback: what there was at the snapshot, uncut', () => {
    const bench = new Bench();
    bench.append(message('log', 5_000), message('rest', 1_000));
    bench.window.splice(0, 1);
    bench.billing.snapshotted('s', 'snap');
    const kept = [...bench.window];
    bench.turn('wrong way', 2_000, 96);
    bench.window.splice(0, bench.window.length, ...kept);
    bench.billing.continued('s', 'snap');
    bench.turn('again', 100, 96);
    // 5,000 + 1,000 + 2,000 + 3 and 5,000 + 1,000 + 100 + 3.
    expect(bench.total.stateless.prompt_tokens).toBe(8_003 + 6_103);
  });

  test('a fork goes on from its snapshot, and leaves its source alone', () => {
    const bench = new Bench();
    bench.append(message('log', 5_000));
    bench.billing.snapshotted('s', 'snap');
    bench.billing.continued('fork', 'snap');
    bench.open('fork', [], [message('asked', 100)]).settle(10);
    bench.billing.wrote('fork', [message('asked', 100)]);
    bench.open('s', bench.window, [message('other', 200)]).settle(10);
    const [fork, source] = bench.billing.spend().sessions;
    expect(fork).toMatchObject({ session_id: 'fork', stateless: { prompt_tokens: 5_103 } });
    expect(source).toMatchObject({ session_id: 's', stateless: { prompt_tokens: 5_203 } });
  });

  test('of a session whose beginning is not known: its window', () => {
    const bench = new Bench();
    bench.billing.wrote('old', [message('unheard of', 9_000)]);
    bench.open('old', [message('window', 500)], [message('asked', 100)]).settle(10);
    expect(bench.total.stateless.prompt_tokens).toBe(603);
  });

  test('of a session that went back to a snapshot from before: its window', () => {
    const bench = new Bench();
    bench.append(message('log', 5_000));
    bench.billing.continued('s', 'snap of yesterday');
    bench.open('s', [message('restored', 500)], [message('asked', 100)]).settle(10);
    expect(bench.total.stateless.prompt_tokens).toBe(603);
  });

  test('turns whose history exceeds the window are counted separately, and reported', () => {
    const bench = new Bench({ windowTokens: 8_000 });
    bench.append(message('log', 5_000));
    bench.turn('fits', 1_000, 96);
    bench.window.splice(0, 1);
    // 5,000 + 1,000 + 100 + 1,000 + 3 and 1,000 of reply asked for: more than 8,000.
    bench.turn('does not', 1_000, 96);
    expect(bench.total).toMatchObject({
      turns: 2,
      stateless: { turns: 1, turns_beyond_window: 1, prompt_tokens: 6_003 },
    });
    expect(bench.total.arithmetic).toContain('1 turn left out below: the uncut history no longer fitted 8,000 tokens');
  });
});

test('a turn that is not settled costs nothing, though its prompt is cached', () => {
  const bench = new Bench();
  bench.open(undefined, [], [message('asked', 600)]);
  expect(bench.total).toMatchObject({ turns: 0, cost: 0 });
  expect(bench.open(undefined, [], [message('asked', 600), message('more', 1)]).cachedTokens).toBe(512);
});

test('accounts share neither prefix cache nor ledger', () => {
  const bench = new Bench();
  bench.open(undefined, [], [message('asked', 600)], 'a').settle(1);
  const other = bench.open(undefined, [], [message('asked', 600)], 'b');
  other.settle(1);
  expect(other.cachedTokens).toBe(0);
  expect(bench.billing.spend('b')).toMatchObject({ total: { turns: 1 }, accounts: [{ account: 'b' }] });
  expect(bench.billing.spend('c')).toMatchObject({ total: { turns: 0 }, accounts: [], sessions: [] });
});

test('a reset clears prefix cache and ledger', () => {
  const bench = new Bench();
  bench.turn('one', 1_000, 10);
  bench.billing.reset();
  expect(bench.billing.spend()).toMatchObject({ prices: [], total: { turns: 0 }, accounts: [], sessions: [] });
  expect(bench.open(undefined, [], [message('one', 1_000)]).cachedTokens).toBe(0);
});
