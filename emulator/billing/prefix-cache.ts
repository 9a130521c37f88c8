import { CACHE_RULES, type CacheRules } from './cache-rules.ts';
import { chained, type Fingerprint } from './fingerprint.ts';
import type { Prompt } from './prompt-chain.ts';

/** The end of a message behind which another block of the prompt is whole. */
interface Mark {
  key: Fingerprint;
  /** Of the whole blocks up to there. */
  tokens: number;
}

/** When each entry was last sent, those sent longest ago first. */
type Entries = Map<Fingerprint, number>;

/**
 * What of a prompt is cached, as the live API's automatic prefix cache would say: whole blocks of the longest beginning (tools, then
 * messages) that an earlier prompt of the account shares. Replies are not in it until they are sent again.
 * Departure: a beginning ends where a message ends. Two prompts that differ inside a message share nothing of that message, where
 * the live cache would count its blocks before the difference.
 */
export class PrefixCache {
  readonly #rules: CacheRules;
  /** Never shared between accounts. The account that was active longest ago comes first. */
  readonly #accounts = new Map<string, Entries>();
  #size = 0;

  constructor(rules: Partial<CacheRules> = {}) {
    this.#rules = { ...CACHE_RULES, ...rules };
  }

  /** Entries that are held, for those who watch memory. */
  get size(): number {
    return this.#size;
  }

  /**
   * The tokens of the prompt that are read from the cache; afterwards the prompt is in it.
   * @param now milliseconds, of a clock that may be moved
   */
  take(account: string, prompt: Prompt, now: number): number {
    const { minPromptTokens, wholePrompts, ttlMs } = this.#rules;
    const entries = this.#entriesOf(account);
    const isLive = (key: Fingerprint) => now - (entries.get(key) ?? Number.NEGATIVE_INFINITY) < ttlMs;
    const marks = prompt.tokens > minPromptTokens ? this.#marks(prompt) : [];
    const whole = wholeKey(prompt);
    const found = marks.find(({ key }) => isLive(key))?.tokens ?? 0;
    const cached = wholePrompts && isLive(whole) ? prompt.tokens : found;
    if (wholePrompts) this.#touch(entries, whole, now);
    // Longest beginnings first: of what was sent together they are the first to go.
    for (const { key } of marks) this.#touch(entries, key, now);
    this.#shrink();
    return cached;
  }

  clear(): void {
    this.#accounts.clear();
    this.#size = 0;
  }

  /** Longest first. Only where a block fills up: a message within a block adds nothing that could be cached. */
  #marks({ tools, messages, tokens }: Prompt): Mark[] {
    const { blockTokens } = this.#rules;
    const marks: Mark[] = [];
    const add = (start: number, end: number, key: () => Fingerprint) => {
      const whole = end - (end % blockTokens);
      // An answer that is begun lacks its end: it can fill a block that the prompt does not.
      if (whole > start && whole <= tokens) marks.push({ key: key(), tokens: whole });
    };
    for (let chain = messages; chain; chain = chain.before) {
      const last = chain;
      const start = tools.tokens + (chain.before?.tokens ?? 0);
      const end = tools.tokens + chain.tokens;
      add(start, end, () => chained(tools.fingerprint, last.fingerprint));
    }
    add(0, tools.tokens, () => tools.fingerprint);
    return marks;
  }

  #entriesOf(account: string): Entries {
    const entries: Entries = this.#accounts.get(account) ?? new Map();
    this.#accounts.delete(account);
    this.#accounts.set(account, entries);
    return entries;
  }

  #touch(entries: Entries, key: Fingerprint, now: number): void {
    if (!entries.delete(key)) this.#size += 1;
    entries.set(key, now);
  }

  #shrink(): void {
    for (const [account, entries] of this.#accounts) {
      for (const key of entries.keys()) {
        if (this.#size <= this.#rules.maxEntries) return;
        entries.delete(key);
        this.#size -= 1;
      }
      this.#accounts.delete(account);
    }
  }
}

function wholeKey({ tools, messages, tokens }: Prompt): Fingerprint {
  return chained(chained(tools.fingerprint, messages?.fingerprint ?? 0), tokens);
}
