import { type ChatMessage, contentText, type Tool } from '../../contract/messages.ts';

/** A hash of at most 52 bits. */
type Fingerprint = number;

const HIGH = 0x1_0000_0000;
const HIGH_MASK = 0xf_ffff;
/** Odd numbers with well mixed bits. */
const FIRST = 0x9e3779b1;
const SECOND = 0x85ebca6b;
/** Separates two fields; larger than any UTF-16 unit, so no text can imitate it. */
const SEPARATOR = 0x1_0000;

/** Two lanes of 32 bits. Not cryptographic: a collision would bill two messages wrongly, and nothing else. */
class Hash {
  #first = FIRST;
  #second = SECOND;

  text(text: string): void {
    // Private fields are slow in a loop over a million units.
    let first = this.#first;
    let second = this.#second;
    for (let place = 0; place < text.length; place += 1) {
      const unit = text.charCodeAt(place);
      first = Math.imul(first ^ unit, FIRST);
      const mixed = Math.imul(second ^ unit, SECOND);
      second = (mixed << 13) | (mixed >>> 19);
    }
    this.#first = Math.imul(first ^ SEPARATOR, FIRST);
    this.#second = Math.imul(second ^ SEPARATOR, SECOND);
  }

  /** Distinguishes an absent text from an empty one. */
  optional(text: string | null | undefined): void {
    if (text === undefined || text === null) this.text('\0absent');
    else this.text(text);
  }

  value(): Fingerprint {
    return joined(this.#first, this.#second);
  }
}

/** Hashes everything of a message that the model reads. Text parts count as their text. */
export function fingerprint({ role, name, content, ...rest }: ChatMessage): Fingerprint {
  const { tool_calls, tool_call_id, reasoning_content, tools } = rest;
  const hash = new Hash();
  hash.text(role);
  hash.optional(name);
  hash.optional(content === null ? null : contentText(content));
  for (const part of Array.isArray(content) ? content : []) if (part.type !== 'text') hash.text(JSON.stringify(part));
  hash.optional(tool_call_id);
  // What a prompt drops of it is gone by now.
  hash.optional(reasoning_content);
  if (tools) hash.text(JSON.stringify(tools));
  for (const { id, function: call } of tool_calls ?? []) {
    hash.text(id);
    hash.text(call.name);
    hash.text(call.arguments);
  }
  return hash.value();
}

function fingerprintTools(model: string, tools: readonly Tool[]): Fingerprint {
  const hash = new Hash();
  hash.text(model);
  if (tools.length > 0) hash.text(JSON.stringify(tools));
  return hash.value();
}

/** With what stands between the tools and the messages: the effort, where the model is told one. */
function fingerprintOpening(tools: Fingerprint, effort: string | undefined): Fingerprint {
  if (effort === undefined) return tools;
  const hash = new Hash();
  hash.text(effort);
  return chained(tools, hash.value());
}

/** The fingerprint of `before` followed by `next`. */
export function chained(before: Fingerprint, next: Fingerprint): Fingerprint {
  const first = Math.imul(Math.imul(before | 0, FIRST) ^ (next | 0), FIRST);
  const second = Math.imul(Math.imul((before / HIGH) | 0, SECOND) ^ (next / HIGH), SECOND);
  return joined(first, second);
}

function joined(first: number, second: number): Fingerprint {
  const high = stirred(first ^ Math.imul(second, FIRST));
  const low = stirred(second ^ Math.imul(first, SECOND));
  return (high & HIGH_MASK) * HIGH + (low >>> 0);
}

function stirred(lane: number): number {
  const once = Math.imul(lane ^ (lane >>> 16), SECOND);
  const twice = Math.imul(once ^ (once >>> 13), FIRST);
  return twice ^ (twice >>> 16);
}

/** A message and its tokens. Its body does not change while it is billed, so that its hash can be cached. */
export interface CountedMessage {
  body: ChatMessage;
  tokens: number;
  /** The body that this one leaves the reasoning out of, made anew for each prompt. */
  source?: ChatMessage;
}

/** All messages up to one, as a linked list that shares its start with others, so that keeping one is cheap. */
export interface Chain {
  readonly before: Chain | undefined;
  /** Of all messages up to this one. */
  readonly fingerprint: Fingerprint;
  /** Of all messages up to this one. */
  readonly tokens: number;
}

/** The prompt of a request: tools, the effort, then messages. */
export interface Prompt {
  /** Those of a model: each has a cache of its own. */
  tools: { fingerprint: Fingerprint; tokens: number };
  /** Of all that stands before the messages. */
  opening: Fingerprint;
  messages: Chain | undefined;
  /** Of the whole prompt: tools, messages and what the template adds. */
  tokens: number;
}

/** How a prompt begins, as hashes: two that begin in the same way share a cached prefix. */
export interface PromptStart {
  /** Of the model and its tools, which stand first. */
  tools: number;
  /** What the model is told of it behind the tools, if it is. */
  effort?: string;
  /** Of the messages up to the first of the user: the same of every prompt of one conversation. */
  messages: number;
  /** Messages in all. */
  length: number;
}

/** What a prompt begins with. */
interface Opening {
  model: string;
  tools: readonly Tool[];
  /** Of the tools. */
  tokens: number;
  effort?: string | undefined;
}

/** Builds chains. Caches the hashes of messages, because a window stands in the prompt of every turn. */
export class Chains {
  /** By the object itself: the row of a message that is gone may be another one's. */
  #known = new WeakMap<ChatMessage, Fingerprint>();
  /** Those without reasoning. */
  #knownWithout = new WeakMap<ChatMessage, Fingerprint>();

  grow(before: Chain | undefined, messages: readonly CountedMessage[]): Chain | undefined {
    let chain = before;
    for (const message of messages) {
      chain = {
        before: chain,
        fingerprint: chained(chain?.fingerprint ?? 0, this.#fingerprint(message)),
        tokens: (chain?.tokens ?? 0) + message.tokens,
      };
    }
    return chain;
  }

  open({ model, tools, tokens, effort }: Opening): Pick<Prompt, 'tools' | 'opening'> {
    const fingerprint = fingerprintTools(model, tools);
    return { tools: { fingerprint, tokens }, opening: fingerprintOpening(fingerprint, effort) };
  }

  clear(): void {
    this.#known = new WeakMap();
    this.#knownWithout = new WeakMap();
  }

  #fingerprint({ body, source }: CountedMessage): Fingerprint {
    const hashes = source ? this.#knownWithout : this.#known;
    const known = hashes.get(source ?? body);
    if (known !== undefined) return known;
    const made = fingerprint(body);
    hashes.set(source ?? body, made);
    return made;
  }
}

/** Settings of the prefix cache. */
export interface CacheRules {
  /** A prefix is cached in whole blocks of so many tokens. */
  blockTokens: number;
  /** A prompt of up to this many tokens is not cached as a prefix. */
  minPromptTokens: number;
  /** Whether a repeated prompt is cached in full, however short and whatever the block size. */
  wholePrompts: boolean;
  /** How long a prefix is cached after it was last sent, in milliseconds. */
  ttlMs: number;
  /** Maximum number of cached blocks and prompts over all accounts; those sent longest ago are evicted first. */
  maxEntries: number;
}

/**
 * The live API's settings. Blocks: reported by client authors, and measured by github.com/Leechael/pi-provider-kimi-code
 * (docs/caching.md) for prompts of 800 to 32,000 tokens. Minimum prompt: Kimi API documentation. Whole prompts: captured
 * (`cached_tokens` 8 of 8 prompt tokens), and measured there. Time to live: five minutes by default according to
 * forum.moonshot.ai/t/613 (of K3); measured there as at least 300 s and less than 1,800 s. That it counts from the last use,
 * and the maximum number of entries, are our choice.
 */
export const CACHE_RULES: CacheRules = {
  blockTokens: 256,
  minPromptTokens: 256,
  wholePrompts: true,
  ttlMs: 300_000,
  maxEntries: 131_072,
};

/** The end of a message that completes another block of the prompt. */
interface Mark {
  key: Fingerprint;
  /** Tokens of all complete blocks up to there. */
  tokens: number;
}

/** When each entry expires, those sent longest ago first. */
type Entries = Map<Fingerprint, number>;

/**
 * The cached part of a prompt, as the live API's automatic prefix cache would count it: whole blocks of the longest prefix
 * (tools, the effort, then messages) that an earlier prompt of the account to the same model shares. Replies are cached once they are sent again.
 * Departure: a prefix ends where a message ends. Two prompts that differ inside a message share nothing of that message; the
 * live cache would count its blocks before the difference.
 */
export class PrefixCache {
  readonly #rules: CacheRules;
  /** Never shared between accounts. The least recently active account is first. */
  readonly #accounts = new Map<string, Entries>();
  #size = 0;

  constructor(rules: Partial<CacheRules> = {}) {
    this.#rules = { ...CACHE_RULES, ...rules };
  }

  /** Number of cached entries. */
  get size(): number {
    return this.#size;
  }

  /**
   * Reads a prompt from the cache, and stores it there.
   * @param now milliseconds, of a clock that may be moved
   * @param ttlMs how long it is kept; what is kept longer already stays so
   * @returns how many of its tokens were cached
   */
  readAndStore(account: string, prompt: Prompt, now: number, ttlMs = this.#rules.ttlMs): number {
    const { minPromptTokens, wholePrompts } = this.#rules;
    const entries = this.#entriesOf(account);
    const isLive = (key: Fingerprint) => now < (entries.get(key) ?? Number.NEGATIVE_INFINITY);
    const expiresAt = now + ttlMs;
    const marks = prompt.tokens > minPromptTokens ? this.#marks(prompt) : [];
    const whole = wholeKey(prompt);
    const found = marks.find(({ key }) => isLive(key))?.tokens ?? 0;
    const cached = wholePrompts && isLive(whole) ? prompt.tokens : found;
    if (wholePrompts) this.#touch(entries, whole, expiresAt);
    // Longest prefixes first: of those sent together, they are evicted first.
    for (const { key } of marks) this.#touch(entries, key, expiresAt);
    this.#shrink();
    return cached;
  }

  clear(): void {
    this.#accounts.clear();
    this.#size = 0;
  }

  /** Longest first. Only messages that complete a block: others add nothing that could be cached. */
  #marks({ tools, opening, messages, tokens }: Prompt): Mark[] {
    const { blockTokens } = this.#rules;
    const marks: Mark[] = [];
    const add = (start: number, end: number, key: () => Fingerprint) => {
      const whole = end - (end % blockTokens);
      // A partial answer lacks its end tokens: it can complete a block that the prompt does not.
      if (whole > start && whole <= tokens) marks.push({ key: key(), tokens: whole });
    };
    for (let chain = messages; chain; chain = chain.before) {
      const last = chain;
      const start = tools.tokens + (chain.before?.tokens ?? 0);
      const end = tools.tokens + chain.tokens;
      add(start, end, () => chained(opening, last.fingerprint));
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

  #touch(entries: Entries, key: Fingerprint, expiresAt: number): void {
    const before = entries.get(key);
    if (!entries.delete(key)) this.#size += 1;
    entries.set(key, Math.max(expiresAt, before ?? expiresAt));
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

function wholeKey({ opening, messages, tokens }: Prompt): Fingerprint {
  return chained(chained(opening, messages?.fingerprint ?? 0), tokens);
}

/** Puts an entry at the end of a map, and drops the first ones beyond `max`. */
export function putNewest<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.size > max ? map.keys() : [];
  if (oldest !== undefined) map.delete(oldest);
}
