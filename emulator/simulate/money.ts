import { cacheTerms } from '../billing/billing.ts';
import { addTurn, costOf, type Money, newTally, PriceTable, type TokenPrices, type Usage } from '../billing/ledger.ts';
import { PrefixCache, type Prompt } from '../billing/prefix-cache.ts';
import type { Latency } from './result.ts';
import { CURRENCY, type Setting } from './settings.ts';

/**
 * How long an answer takes: what is not cached is read, the answer is written, and what is cached takes no time. Nobody at Moonshot
 * tells these figures; they are of another host, and a model, not a measurement.
 */
export const LATENCY: Latency = {
  prefillTokensPerSecond: 2_473,
  decodeTokensPerSecond: 36.17,
  source:
    'lambda.ai/inference-models/moonshotai/kimi-k2.7-code, read 2026-11: vLLM on eight B200, 8,192 tokens in, 2,048 out, 32 requests at once: first token after 3.31 s, 36.17 tokens a second each',
};

const ACCOUNT = 'simulated';

/** Bills the rounds of one run, under one time to live and from one day on. */
export class Meter {
  readonly #table = new PriceTable();
  readonly #cache = new PrefixCache();
  readonly #usage = new Map<TokenPrices, Usage>();
  readonly setting: Setting;
  readonly #start: number;
  /** Whether the prompt is billed as if nothing were ever cached. */
  readonly #isUncached: boolean;
  /** Of each round: cached tokens, and the cost in 10⁻¹² of the currency unit. */
  readonly cached: number[] = [];
  readonly cost: string[] = [];
  seconds = 0;

  constructor(setting: Setting) {
    this.setting = setting;
    this.#start = Date.parse(`${setting.date}T00:00:00Z`);
    this.#isUncached = setting.policy === 'stateless';
  }

  /** @param at milliseconds after the first round */
  bill(prompt: Prompt, outputTokens: number, at: number): void {
    const now = this.#start + at;
    const prices = this.#table.find(this.setting.model, CURRENCY, now);
    if (!prices) throw new RangeError(`no price of ${this.setting.model} in ${CURRENCY} is known`);
    const terms = cacheTerms(prices, this.setting.ttl);
    const read = this.#cache.readAndStore(ACCOUNT, prompt, now, terms.ttlMs);
    const cachedTokens = this.#isUncached ? 0 : read;
    const isLongWrite = terms.isLongWrite && !this.#isUncached;
    const turn = { prompt: prompt.tokens, cached: cachedTokens, output: outputTokens, isLongWrite };
    const total = this.#usage.get(prices) ?? newTally(prices).own;
    this.#usage.set(prices, total);
    addTurn(total, turn);
    const { own } = newTally(prices);
    addTurn(own, turn);
    this.cost.push(String(costOf(own, prices)));
    this.cached.push(cachedTokens);
    this.seconds +=
      (prompt.tokens - cachedTokens) / LATENCY.prefillTokensPerSecond + outputTokens / LATENCY.decodeTokensPerSecond;
  }

  get total(): Money {
    let sum = 0n;
    for (const [prices, usage] of this.#usage) sum += costOf(usage, prices);
    return sum;
  }

  /** Tokens of all rounds. */
  get usage(): Usage {
    const sum = { turns: 0, input: 0, cached: 0, written: 0, output: 0 };
    for (const usage of this.#usage.values()) {
      for (const key of Object.keys(sum) as (keyof Usage)[]) sum[key] += usage[key];
    }
    return sum;
  }
}
