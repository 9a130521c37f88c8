import type { Limits } from '../../contract/limits.ts';
import type { Tool } from '../../contract/messages.ts';
import type { Effort } from '../../contract/models/profile.ts';
import type { Balance as BalanceAnswer } from '../../contract/models.ts';
import type { Currency, Price } from '../../contract/prices.ts';
import { ApiError } from '../api-error.ts';
import type { Clock } from '../clock.ts';
import { holderOf } from '../ids.ts';
import {
  type Amount,
  addTurn,
  costOf,
  type Ledger,
  Ledgers,
  type Money,
  moneyNumber,
  newTally,
  PriceTable,
  parseAmount,
  type TokenPrices,
} from './ledger.ts';
import {
  type CacheRules,
  type Chain,
  Chains,
  type CountedMessage,
  PrefixCache,
  type Prompt,
  type PromptStart,
  putNewest,
} from './prefix-cache.ts';
import type { BillingSettings } from './settings.ts';
import { type Spend, type SpendOptions, spendOf } from './spend.ts';

const BALANCE_DECIMALS = 5;
const HOUR_MS = 3_600_000;
const MAX_BALANCES = 65_536;
const MAX_SESSIONS = 4_096;
const MAX_SNAPSHOTS = 65_536;

/** The settings of an emulator's billing, and the billing itself once it is open. */
export interface BillingSlot {
  readonly settings: BillingSettings;
  open?: Billing;
}

/** What the billing of an emulator needs of its services. */
interface BillingHost {
  readonly billing: BillingSlot;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly state: Record<'onReset' | 'onSaveBaseline', (() => void)[]>;
}

/** The billing of an emulator. Opened by its first use, so that starting a server loads none of it. */
export function billingOf({ billing: slot, clock, limits, state }: BillingHost): Billing {
  if (slot.open) return slot.open;
  const { balance, ...settings } = slot.settings;
  const start = typeof balance === 'string' ? parseAmount(balance) : balance;
  const billing = new Billing({
    ...settings,
    ...(start && { balance: start }),
    clock,
    windowTokens: limits.window_tokens,
  });
  slot.open = billing;
  // Every test must find the same prefix cache.
  for (const calls of [state.onReset, state.onSaveBaseline]) calls.push(() => billing.reset());
  return billing;
}

export interface BillingOptions {
  clock: Clock;
  windowTokens: number;
  /** Replace the built-in prices of their model and currency. */
  prices?: readonly Price[];
  /** Starting balance of each account; without it chat is never refused. Its currency is used for everything billed. */
  balance?: Amount;
  /** USD by default; the balance's currency wins. */
  currency?: Currency;
  cache?: Partial<CacheRules>;
}

/** A request that is about to be answered. */
interface BilledRequest {
  account: string;
  session?: string;
  model: string;
  tools: { tools: readonly Tool[]; tokens: number };
  /** What the model is told of it before the messages, if it is. */
  effort?: Effort | undefined;
  /** Messages of the session's window before the request; empty without a session. */
  window: readonly CountedMessage[];
  /** Messages of the request itself. */
  written: readonly CountedMessage[];
  /** Tokens of the whole prompt, including what the template adds. */
  promptTokens: number;
  maxTokens: number;
  /** How long the prompt is cached; as the cache's own rule has it where absent. */
  cacheTtl?: '5m' | '1h' | undefined;
}

export interface OpenBill {
  /** How the prompt begins. */
  readonly start: PromptStart;
  /** Prompt tokens that were cached. */
  readonly cachedTokens: number;
  /** Prompt tokens that were written into the cache, where the model's price tells of that; else 0. */
  readonly cacheWriteTokens: number;
  readonly currency: Currency;
  /** The most that the turn can cost; undefined where no price of its model is known. */
  readonly most: Money | undefined;
  /**
   * Charges the turn, once it has taken effect. A failed turn costs nothing, though its prompt is cached.
   * @param measured what another server says that its prompt took, in place of what was counted here
   * @returns what it cost
   */
  settle(outputTokens: number, measured?: PromptUsage): Money;
}

/** One turn with its cost, in units of the currency. */
export interface TurnCost {
  /** Counts the turns of all sessions. */
  n: number;
  at: number;
  session: string | null;
  model: string;
  prompt_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost: number;
  /** The same turn with the whole uncut history sent; null where that would not have fitted the window. */
  stateless: { prompt_tokens: number; with_cache: number; without_cache: number } | null;
}

/** Tokens of a prompt, and those of it that were cached. */
export interface PromptUsage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

/**
 * Cache, prices, usage and balances, in memory only: they start with the process. Departures: only chat is billed, compress is
 * not. The same usage is also billed as if the client had no sessions and sent its whole uncut history each time (`Histories`).
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
  readonly #ledgers = new Ledgers();
  readonly #free = new Map<string, TokenPrices>();

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
   * Opens the bill of a request that has passed every check, before the model is called.
   * @throws ApiError `quota_exceeded` if the account has nothing left
   */
  open(request: BilledRequest): OpenBill {
    const { account, session, model, tools, effort, promptTokens } = request;
    this.balance?.requireFunds(account);
    const now = this.#clock.now();
    const prices = this.#pricesOf(model, now);
    const prompt: Prompt = {
      // The model by the name that its prices have, whichever it was asked by.
      ...this.#chains.open({ ...tools, model: prices.row.model, effort }),
      messages: this.#chains.grow(this.#chains.grow(undefined, request.window), request.written),
      tokens: promptTokens,
    };
    const { isPriced, isLongWrite, ttlMs } = cacheTerms(prices, request.cacheTtl);
    const cachedTokens = this.#cache.readAndStore(account, prompt, now, ttlMs);
    const stateless = this.#statelessUsage(request, prompt, now, ttlMs);
    return {
      start: startOf(prompt, request),
      cachedTokens,
      currency: this.currency,
      cacheWriteTokens: isPriced ? promptTokens - cachedTokens : 0,
      most: this.#isKnown(prices) ? mostOf(prices, promptTokens, request.maxTokens) : undefined,
      settle: (outputTokens, measured) => {
        const tokens = { promptTokens, cachedTokens, ...measured, outputTokens, isLongWrite };
        this.#ledgers.record({ account, at: now, session, prices, ...tokens, stateless });
        const turn = newTally(prices).own;
        addTurn(turn, { prompt: tokens.promptTokens, cached: tokens.cachedTokens, output: outputTokens, isLongWrite });
        const cost = costOf(turn, prices);
        this.balance?.charge(account, cost);
        return cost;
      },
    };
  }

  /** Charges a call that another server answered, and whose usage it told. @returns what it cost */
  record(account: string, model: string, { outputTokens, ...prompt }: PromptUsage & { outputTokens: number }): Money {
    const now = this.#clock.now();
    const prices = this.#pricesOf(model, now);
    const usage = { ...prompt, outputTokens, isLongWrite: false };
    this.#ledgers.record({ account, at: now, session: undefined, prices, ...usage, stateless: prompt });
    const turn = newTally(prices).own;
    addTurn(turn, {
      prompt: prompt.promptTokens,
      cached: prompt.cachedTokens,
      output: outputTokens,
      isLongWrite: false,
    });
    const cost = costOf(turn, prices);
    this.balance?.charge(account, cost);
    return cost;
  }

  /** The most that a call can cost; undefined where no price of the model is known. */
  most(model: string, promptTokens: number, maxTokens: number): Money | undefined {
    const prices = this.#pricesOf(model, this.#clock.now());
    return this.#isKnown(prices) ? mostOf(prices, promptTokens, maxTokens) : undefined;
  }

  #isKnown({ row }: TokenPrices): boolean {
    return this.#free.get(row.model)?.row !== row;
  }

  /** Messages were written to a session: by an append, or by a turn together with its reply. */
  wrote(session: string, messages: readonly CountedMessage[]): void {
    if (this.#histories.has(session)) {
      this.#histories.set(session, this.#chains.grow(this.#histories.get(session), messages));
    }
  }

  /** An empty session was created. Its first messages are reported by `wrote`. */
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
    this.#histories.delete(session);
  }

  /** Of one account, or of all. */
  spend(account?: string, options: SpendOptions = {}): Spend {
    const question = { ...options, currency: this.currency, windowTokens: this.#windowTokens };
    return spendOf(this.#ledgers, account === undefined ? question : { ...question, account });
  }

  /** Number of the oldest turn that is still remembered. */
  get firstTurn(): number {
    return this.#ledgers.firstTurn;
  }

  /**
   * What the last turns cost, one by one, beside the same turns without a session; of one session, or of all.
   * @param options.since only those behind it
   */
  turns({ session: wanted, since = 0 }: { session?: string; since?: number } = {}): TurnCost[] {
    const found = this.#ledgers.turnsSince(since).filter(({ session }) => wanted === undefined || session === wanted);
    return found.map(({ n, at, session, prices, promptTokens, cachedTokens, outputTokens, isLongWrite, stateless }) => {
      const cost = (prompt: number, cached: number): number => {
        const { own } = newTally(prices);
        addTurn(own, { prompt, cached, output: outputTokens, isLongWrite });
        return moneyNumber(costOf(own, prices));
      };
      return {
        n,
        at,
        session: session ?? null,
        model: prices.row.model,
        prompt_tokens: promptTokens,
        cached_tokens: cachedTokens,
        output_tokens: outputTokens,
        cost: cost(promptTokens, cachedTokens),
        stateless: stateless
          ? {
              prompt_tokens: stateless.promptTokens,
              with_cache: cost(stateless.promptTokens, stateless.cachedTokens),
              without_cache: cost(stateless.promptTokens, 0),
            }
          : null,
      };
    });
  }

  /** What sessions cost so far: one, or each. */
  costs(only?: string): Map<string, number> {
    const sum = (ledger: Ledger) =>
      [...ledger.values()].reduce((cost, { own, prices }) => cost + costOf(own, prices), 0n);
    const found = only === undefined ? this.#ledgers.sessions() : this.#ledgers.ofSession(only);
    return new Map(found.map(({ session, ledger }) => [session, moneyNumber(sum(ledger))]));
  }

  /** What a turn of that size costs on a day. @param at milliseconds since the Unix epoch */
  cost(
    model: string,
    at: number,
    { promptTokens, cachedTokens, outputTokens }: PromptUsage & { outputTokens: number },
  ) {
    const prices = this.#pricesOf(model, at);
    const { own } = newTally(prices);
    addTurn(own, { prompt: promptTokens, cached: cachedTokens, output: outputTokens, isLongWrite: false });
    return moneyNumber(costOf(own, prices));
  }

  /** Clears caches, usage and balances. */
  reset(): void {
    this.#cache.clear();
    this.#statelessCache.clear();
    this.#chains.clear();
    this.#histories.clear();
    this.#ledgers.clear();
    this.balance?.clear();
  }

  /** The same request by a client without sessions; undefined if the window would no longer fit its history. */
  #statelessUsage(
    { account, session, window, written, maxTokens }: BilledRequest,
    prompt: Prompt,
    now: number,
    ttlMs: number | undefined,
  ) {
    const messages =
      session === undefined ? prompt.messages : this.#chains.grow(this.#historyOf(session, window), written);
    const tokens = prompt.tokens + (messages?.tokens ?? 0) - (prompt.messages?.tokens ?? 0);
    if (tokens + maxTokens > this.#windowTokens) return undefined;
    const cachedTokens = this.#statelessCache.readAndStore(account, { ...prompt, messages, tokens }, now, ttlMs);
    return { promptTokens: tokens, cachedTokens };
  }

  /** Of a session that is older than this process, only the window is known. */
  #historyOf(session: string, window: readonly CountedMessage[]): Chain | undefined {
    if (!this.#histories.has(session)) this.#histories.set(session, this.#chains.grow(undefined, window));
    return this.#histories.get(session);
  }

  /** Usage of a model without a known price is counted at no cost. */
  #pricesOf(model: string, now: number): TokenPrices {
    const known = this.#prices.find(model, this.currency, now) ?? this.#free.get(model);
    if (known) return known;
    const figures = { cachedInput: 0, input: 0, output: 0 };
    const row: Price = { model, currency: this.currency, ...figures, since: 'ever', source: 'no price is known' };
    const prices = { row, cachedInput: 0n, input: 0n, output: 0n, cacheWrite: 0n };
    this.#free.set(model, prices);
    return prices;
  }
}

function startOf({ tools, messages }: Prompt, { window, written, effort }: BilledRequest): PromptStart {
  const length = window.length + written.length;
  let chain = messages;
  for (let behind = length - 1 - firstOfUser(window, written); behind > 0; behind -= 1) chain = chain?.before;
  return {
    tools: tools.fingerprint,
    ...(effort !== undefined && { effort }),
    messages: chain?.fingerprint ?? 0,
    length,
  };
}

/** The place of the first message of the user; the last place where there is none. */
function firstOfUser(window: readonly CountedMessage[], written: readonly CountedMessage[]): number {
  const isUser = ({ body }: CountedMessage) => body.role === 'user';
  const inWindow = window.findIndex(isUser);
  if (inWindow !== -1) return inWindow;
  const inWritten = written.findIndex(isUser);
  return window.length + (inWritten === -1 ? written.length - 1 : inWritten);
}

/** What a time to live means at a price: an hour only where its write has a price. */
export function cacheTerms({ row }: TokenPrices, ttl: '5m' | '1h' | undefined) {
  const isPriced = row.cacheWrite1h !== undefined;
  const isLongWrite = isPriced && ttl === '1h';
  return { isPriced, isLongWrite, ttlMs: isLongWrite ? HOUR_MS : undefined };
}

function mostOf({ input, cacheWrite, output }: TokenPrices, promptTokens: number, maxTokens: number): Money {
  const prompt = BigInt(promptTokens) * (cacheWrite > input ? cacheWrite : input);
  return prompt + BigInt(maxTokens) * output;
}

/**
 * The prepaid balance of each account. A turn that has begun is charged even if it costs more than is left; the next one is
 * refused. Of more than 65,536 accounts, the one charged longest ago starts again with a full balance.
 */
export class Balance {
  readonly #start: Money;
  readonly #maxAccounts: number;
  readonly #spent = new Map<string, Money>();

  constructor(start: Money, maxAccounts = MAX_BALANCES) {
    this.#start = start;
    this.#maxAccounts = maxAccounts;
  }

  left(account: string): Money {
    return this.#start - (this.#spent.get(account) ?? 0n);
  }

  charge(account: string, cost: Money): void {
    putNewest(this.#spent, account, (this.#spent.get(account) ?? 0n) + cost, this.#maxAccounts);
  }

  /** @throws ApiError `quota_exceeded` with the live text if nothing is left */
  requireFunds(account: string): void {
    if (this.left(account) <= 0n) throw new ApiError('quota_exceeded', { holder: holderOf(account) });
  }

  /** The members of the live answer, with its digits. All of it is cash; a debt leaves nothing available. */
  figures(account: string): BalanceAnswer['data'] {
    const cash = moneyNumber(this.left(account), BALANCE_DECIMALS);
    return { available_balance: Math.max(0, cash), voucher_balance: 0, cash_balance: cash };
  }

  clear(): void {
    this.#spent.clear();
  }
}

/**
 * The histories that a client without sessions would have had to keep: everything ever written to each session, uncut. Truncate
 * and compress remove nothing. A snapshot marks a place; a rollback or a fork continues from it, because either client abandons
 * the later messages there. Of a session that this process has not seen from its start, nothing is known.
 */
class Histories {
  readonly #sessions = new Map<string, Chain | undefined>();
  readonly #snapshots = new Map<string, Chain | undefined>();

  has(session: string): boolean {
    return this.#sessions.has(session);
  }

  get(session: string): Chain | undefined {
    return this.#sessions.get(session);
  }

  set(session: string, history: Chain | undefined): void {
    putNewest(this.#sessions, session, history, MAX_SESSIONS);
  }

  mark(session: string, snapshot: string): void {
    if (this.has(session)) putNewest(this.#snapshots, snapshot, this.get(session), MAX_SNAPSHOTS);
  }

  /** @param snapshot of the session itself or of another */
  continueFrom(session: string, snapshot: string): void {
    if (this.#snapshots.has(snapshot)) this.set(session, this.#snapshots.get(snapshot));
    else this.#sessions.delete(session);
  }

  delete(session: string): void {
    this.#sessions.delete(session);
  }

  clear(): void {
    this.#sessions.clear();
    this.#snapshots.clear();
  }
}
