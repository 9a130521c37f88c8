import { CompletionUsage } from '../../contract/chat.ts';
import type { Limits } from '../../contract/limits.ts';
import { MODEL_ID, MODEL_NAMES } from '../../contract/model-names.ts';
import { PRICES, type Price } from '../../contract/prices.ts';
import type { Reply } from '../wire/reply.ts';
import { NotRun } from './verdict.ts';

/** The most that a case may cost. Tokens are those of chat, the only thing that is billed. */
export interface Cost {
  requests: number;
  promptTokens: number;
  /** Of the answers' texts. What a model spends of an answer besides its text comes on top. */
  completionTokens: number;
  /** Answers that these tokens are of, each of several choices counted; as many as there are requests where absent. */
  answers?: number;
}

/**
 * A cost with what each answer takes besides its text.
 * @param overhead tokens: the budget of each answer holds that too
 */
export function withOverhead({ answers, ...cost }: Cost, overhead: number): Cost {
  const { requests, completionTokens } = cost;
  return completionTokens === 0
    ? cost
    : { ...cost, completionTokens: completionTokens + (answers ?? requests) * overhead };
}

/** The next request could cost more than is left. */
export class BudgetExhausted extends NotRun {}

interface OutgoingRequest {
  method: string;
  path: string;
  content: unknown;
  body: unknown;
}

interface Reservation {
  /** Gives back what was set aside for a request that was never sent. */
  release(): void;
  /** Replaces the worst case by what the answer says to have been used. */
  settle(reply: Reply): void;
}

interface Tokens {
  prompt: number;
  completion: number;
}

/** What the template adds to a prompt besides the bytes of its JSON. */
const TEMPLATE_TOKENS = 64;
const NOTHING: Reservation = { release: () => undefined, settle: () => undefined };

/**
 * What a run may spend. The worst that a request can cost is set aside before it is sent; a request for which there is not
 * enough left is never sent. What was used is counted down from the answer; where none came, the worst is taken as spent.
 */
export class Budget {
  #spent = 0;
  #reserved = 0;
  #exhausted = false;
  readonly #price: Price;
  readonly #limits: () => Limits;
  readonly #cap: number;

  /** @param cap in the currency of the price; Infinity where nothing has to be paid */
  constructor(price: Price, cap: number, limits: () => Limits) {
    this.#price = price;
    this.#cap = cap;
    this.#limits = limits;
  }

  /** The most that may have been spent: a chat whose answer was lost counts with its worst. */
  get spent(): number {
    return this.#spent + this.#reserved;
  }

  /** For the report. */
  toReport(): { currency: string; cap: number | null; spent: number; exhausted: boolean; priceSource: string } {
    const { currency, source } = this.#price;
    const cap = Number.isFinite(this.#cap) ? this.#cap : null;
    return { currency, cap, spent: this.spent, exhausted: this.#exhausted, priceSource: source };
  }

  /** @throws BudgetExhausted */
  reserve({ method, path, content, body }: OutgoingRequest): Reservation {
    if (method !== 'POST' || path !== '/chat/completions') return NOTHING;
    const worst = this.#cost(maxTokensOf(content, body, this.#limits()));
    if (this.#spent + this.#reserved + worst > this.#cap) {
      this.#exhausted = true;
      throw new BudgetExhausted(
        `the next chat could cost ${worst.toFixed(4)} ${this.#price.currency}, more than the remaining budget`,
      );
    }
    this.#reserved += worst;
    return {
      release: () => {
        this.#reserved -= worst;
      },
      settle: (reply) => {
        this.#reserved -= worst;
        this.#spent += Math.min(worst, this.#costOf(reply));
      },
    };
  }

  /** The money that tokens cost at most: as if nothing were cached. */
  priceOf({ promptTokens, completionTokens }: Cost): number {
    return this.#cost({ prompt: promptTokens, completion: completionTokens });
  }

  /** @throws NotRun for what could cost more than the whole budget, and so is left out from the start */
  requireCoverage(cost: Cost): void {
    const worst = this.priceOf(cost);
    if (worst <= this.#cap) return;
    this.#exhausted = true;
    throw new NotRun(`could cost ${worst.toFixed(4)} ${this.#price.currency}, more than the whole budget`);
  }

  /** A refusal is free. A breakdown may have come after the work was done. */
  #costOf(reply: Reply): number {
    if (reply.status >= 400 && reply.status < 500) return 0;
    return this.#cost(usedTokens(reply) ?? { prompt: Number.POSITIVE_INFINITY, completion: 0 });
  }

  #cost({ prompt, completion }: Tokens): number {
    return (prompt * this.#price.input + completion * this.#price.output) / 1_000_000;
  }
}

/** A text has at most as many tokens as bytes. In a session the window comes on top, and nothing is known of it here. */
function maxTokensOf(content: unknown, body: unknown, limits: Limits): Tokens {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : limits.body_bytes;
  const window = typeof fields.session_id === 'string' ? limits.window_tokens : 0;
  const choices = count(fields.n) ?? 1;
  const most = count(fields.max_completion_tokens) ?? count(fields.max_tokens) ?? limits.max_tokens;
  return { prompt: window + bytes + TEMPLATE_TOKENS, completion: choices * most };
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}

function usedTokens(reply: Reply): Tokens | undefined {
  const bodies = reply.json === undefined ? reply.events.map(parse) : [reply.json];
  const usage = bodies.map(usageOf).findLast((found) => found !== undefined);
  return usage && { prompt: usage.prompt_tokens, completion: usage.completion_tokens };
}

function usageOf(body: unknown): { prompt_tokens: number; completion_tokens: number } | undefined {
  const { usage, choices } = (body ?? {}) as { usage?: unknown; choices?: { usage?: unknown }[] };
  return CompletionUsage.safeParse(usage ?? choices?.[0]?.usage).data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * What a model costs in dollars, by whichever of its names. A cap that was set in dollars has to hold for a model of which no price is known too, so that one is taken to cost what
 * the dearest does.
 */
export function priceOf(model: string): Price {
  const dollars = PRICES.filter(({ currency }) => currency === 'USD');
  const name = MODEL_NAMES.includes(model) ? MODEL_ID : model;
  const own = dollars.filter((price) => price.model === name);
  const latest = own.toSorted((one, other) => one.since.localeCompare(other.since)).at(-1);
  return latest ?? dearest(model, dollars);
}

function dearest(model: string, prices: readonly Price[]): Price {
  const most = (figure: 'cachedInput' | 'input' | 'output') => Math.max(...prices.map((price) => price[figure]));
  const taken = `${most('input')} USD per million input tokens and ${most('output')} USD per million output tokens`;
  return {
    model,
    currency: 'USD',
    cachedInput: most('cachedInput'),
    input: most('input'),
    output: most('output'),
    since: prices.map(({ since }) => since).reduce((one, other) => (one > other ? one : other), ''),
    source: `the price of ${model} is unknown, so that of the most expensive model is assumed: ${taken}. If the model costs more, lower --max-spend accordingly`,
  };
}
