import type { Tool } from '../../contract/messages.ts';
import type { Currency, Price } from '../../contract/prices.ts';
import type { Clock } from '../clock.ts';
import { Balance } from './balance.ts';
import type { CacheRules } from './cache-rules.ts';
import { Histories } from './histories.ts';
import { Ledger } from './ledger.ts';
import type { Amount } from './money.ts';
import { PrefixCache } from './prefix-cache.ts';
import { PriceTable, type Rates } from './price-table.ts';
import { type Chain, Chains, type CountedMessage, type Prompt } from './prompt-chain.ts';
import { type Spend, type SpendOptions, spendOf } from './spend.ts';
import { addTurn, costOf, newTally } from './work.ts';

export interface BillingOptions {
  clock: Clock;
  windowTokens: number;
  /** Rows that stand in for the built-in ones of their model and currency. */
  prices?: readonly Price[];
  /** What each account begins with; without it nothing is ever refused. Its currency is that of all that is billed. */
  balance?: Amount;
  /** USD where neither this nor a balance says otherwise. */
  currency?: Currency;
  cache?: Partial<CacheRules>;
}

/** A request that is about to be answered. */
export interface BilledRequest {
  account: string;
  session?: string;
  model: string;
  tools: { tools: readonly Tool[]; tokens: number };
  /** What stands in the session before the request; empty without a session. */
  window: readonly CountedMessage[];
  /** What the request brings. */
  written: readonly CountedMessage[];
  /** Of the whole prompt, what the template adds included. */
  promptTokens: number;
  maxTokens: number;
}

export interface OpenBill {
  /** What of the prompt was cached. */
  readonly cachedTokens: number;
  /** Charges the turn, once it has taken effect. A turn that fails costs nothing, though its prompt is cached. */
  settle(outputTokens: number): void;
}

/**
 * All that has to do with money, in memory: it begins with the process. Departures: compress is not billed, and only chat is.
 * Beside it the same work is billed as if the client had no sessions and sent its whole uncut history each time (`Histories`).
 */
export class Billing {
  readonly currency: Currency;
  readonly balance: Balance | undefined;
  readonly #clock: Clock;
  readonly #windowTokens: number;
  readonly #prices: PriceTable;
  readonly #cache: PrefixCache;
  readonly #statelessCache: PrefixCache;
  readonly #chains = new Chains();
  readonly #histories = new Histories();
  readonly #ledger = new Ledger();
  readonly #free = new Map<string, Rates>();

  constructor({ clock, windowTokens, prices, balance, currency, cache }: BillingOptions) {
    this.#clock = clock;
    this.#windowTokens = windowTokens;
    this.#prices = new PriceTable(prices);
    this.currency = balance?.currency ?? currency ?? 'USD';
    this.balance = balance && new Balance(balance.money);
    this.#cache = new PrefixCache(cache);
    this.#statelessCache = new PrefixCache(cache);
  }

  /**
   * Opens the bill of a request that has passed every check, before the model is asked.
   * @throws ApiError `quota_exceeded` where the account has nothing left
   */
  open(request: BilledRequest): OpenBill {
    const { account, session, model, tools, promptTokens } = request;
    this.balance?.requireFunds(account);
    const now = this.#clock.now();
    const prompt: Prompt = {
      tools: this.#chains.tools(tools.tools, tools.tokens),
      messages: this.#chains.grow(this.#chains.grow(undefined, request.window), request.written),
      tokens: promptTokens,
    };
    const cachedTokens = this.#cache.take(account, prompt, now);
    const stateless = this.#takeStateless(request, prompt, now);
    const rates = this.#ratesOf(model, now);
    return {
      cachedTokens,
      settle: (outputTokens) => {
        this.#ledger.record({ account, session, rates, promptTokens, cachedTokens, outputTokens, stateless });
        const turn = newTally(rates).own;
        addTurn(turn, { prompt: promptTokens, cached: cachedTokens, output: outputTokens });
        this.balance?.charge(account, costOf(turn, rates));
      },
    };
  }

  /** Messages were written to a session: by an append, or by a turn together with its reply. */
  wrote(session: string, messages: readonly CountedMessage[]): void {
    if (this.#histories.knows(session)) {
      this.#histories.set(session, this.#chains.grow(this.#histories.of(session), messages));
    }
  }

  /** An empty session was created. What it begins with is written to it. */
  created(session: string): void {
    this.#histories.set(session, undefined);
  }

  snapshotted(session: string, snapshot: string): void {
    this.#histories.mark(session, snapshot);
  }

  /** A session was rolled back to a snapshot, or forked from one. */
  continued(session: string, snapshot: string): void {
    this.#histories.continueFrom(session, snapshot);
  }

  deleted(session: string): void {
    this.#histories.drop(session);
  }

  /** Of one account, or of all. */
  spend(account?: string, options: SpendOptions = {}): Spend {
    const question = { ...options, currency: this.currency, windowTokens: this.#windowTokens };
    return spendOf(this.#ledger, account === undefined ? question : { ...question, account });
  }

  /** Back to the beginning: nothing cached, nothing spent. */
  reset(): void {
    this.#cache.clear();
    this.#statelessCache.clear();
    this.#chains.forget();
    this.#histories.clear();
    this.#ledger.clear();
    this.balance?.clear();
  }

  /** The same request by a client without sessions; undefined where the window would not take its history any more. */
  #takeStateless({ account, session, window, written, maxTokens }: BilledRequest, prompt: Prompt, now: number) {
    const messages =
      session === undefined ? prompt.messages : this.#chains.grow(this.#historyOf(session, window), written);
    const tokens = prompt.tokens + tokensOf(messages) - tokensOf(prompt.messages);
    if (tokens + maxTokens > this.#windowTokens) return undefined;
    return {
      promptTokens: tokens,
      cachedTokens: this.#statelessCache.take(account, { ...prompt, messages, tokens }, now),
    };
  }

  /** Where a session began before this process did, its window is all that is known of its history. */
  #historyOf(session: string, window: readonly CountedMessage[]): Chain | undefined {
    if (!this.#histories.knows(session)) this.#histories.set(session, this.#chains.grow(undefined, window));
    return this.#histories.of(session);
  }

  /** Work of a model whose price is not known is counted, at no cost. */
  #ratesOf(model: string, now: number): Rates {
    const known = this.#prices.of(model, this.currency, now) ?? this.#free.get(model);
    if (known) return known;
    const figures = { cachedInput: 0, input: 0, output: 0 };
    const row: Price = { model, currency: this.currency, ...figures, since: 'ever', source: 'no price is known' };
    const rates = { row, cachedInput: 0n, input: 0n, output: 0n };
    this.#free.set(model, rates);
    return rates;
  }
}

function tokensOf(chain: Chain | undefined): number {
  return chain?.tokens ?? 0;
}
