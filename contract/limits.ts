/**
 * Where a rule comes from. Honesty about this is part of the product.
 *
 * - `article`: stated by the article that defined the session dialect (October 2025)
 * - `kimi`: documented by Moonshot for this API, or captured from the live service
 * - `ours`: neither; decided by this project so that the dialect is complete and safe
 */
export type Evidence = 'article' | 'kimi' | 'ours';

/** One number that a user could question: what it is, where it comes from, and between what it may be set. */
export interface Limit {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly evidence: Evidence;
  readonly source: string;
  readonly meaning: string;
}

const ARTICLE = 'article "Kimi K2-0905: state management for long flows", 2025-10';
const KIMI = 'Kimi API documentation, collected 2026-11';
const OURS = 'kimi-emulator, 2026-11';

/** Every limit of the contract. K is 1024. Flags and error texts use these names. */
export const LIMITS = {
  sessions: limit(100, 1, 1_000_000, 'sessions', 'article', ARTICLE, 'sessions an account may hold'),
  append_tokens: limit(8_192, 16, 2 ** 24, 'tokens', 'article', ARTICLE, 'tokens of one write'),
  min_preserve_tokens: limit(4_096, 16, 2 ** 24, 'tokens', 'article', ARTICLE, 'smallest preserve_len'),
  window_tokens: limit(262_144, 64, 2 ** 24, 'tokens', 'kimi', KIMI, 'tokens a window may hold'),
  compress_ratio: limit(4, 1.01, 64, 'ratio', 'article', ARTICLE, 'default compress ratio'),
  compress_ratio_max: limit(64, 1.01, 1_024, 'ratio', 'ours', OURS, 'largest compress ratio'),
  snapshots: limit(1_000, 1, 1_000_000, 'snapshots', 'ours', OURS, 'snapshots an account may hold'),
  body_bytes: limit(4 * 2 ** 20, 1_024, 2 ** 28, 'bytes', 'ours', OURS, 'request body less its pictures and videos'),
  media_body_bytes: limit(
    100 * 2 ** 20,
    1_024,
    2 ** 30,
    'bytes',
    'kimi',
    KIMI,
    'request body with pictures and videos',
  ),
  files: limit(1_000, 1, 1_000_000, 'files', 'kimi', KIMI, 'files an account may hold'),
  file_bytes: limit(100 * 2 ** 20, 1, 2 ** 30, 'bytes', 'kimi', KIMI, 'bytes of one file'),
  files_bytes: limit(10 * 2 ** 30, 1, 2 ** 40, 'bytes', 'kimi', KIMI, 'bytes of all files of an account'),
  json_depth: limit(128, 8, 1_000, 'levels', 'ours', OURS, 'nesting of a request body'),
  json_values: limit(100_000, 64, 10_000_000, 'values', 'ours', OURS, 'values in a request body'),
  request_messages: limit(2_048, 1, 1_000_000, 'messages', 'ours', OURS, 'messages in one request'),
  page_size: limit(20, 1, 100, 'items', 'ours', OURS, 'default items of a page'),
  page_size_max: limit(100, 1, 10_000, 'items', 'ours', OURS, 'largest page'),
  metadata_pairs: limit(16, 0, 1_024, 'pairs', 'ours', OURS, 'metadata pairs of one object'),
  metadata_key_chars: limit(64, 1, 4_096, 'characters', 'ours', OURS, 'characters of a metadata key'),
  metadata_value_chars: limit(512, 1, 65_536, 'characters', 'ours', OURS, 'characters of a metadata value'),
  title_chars: limit(512, 1, 65_536, 'characters', 'ours', OURS, 'characters of a title or snapshot name'),
  idempotency_seconds: limit(86_400, 1, 31_536_000, 'seconds', 'ours', OURS, 'how long an idempotency key is kept'),
  stall_seconds: limit(30, 1, 3_600, 'seconds', 'ours', OURS, 'how long a client may stop reading a stream'),
  max_tokens: limit(1_024, 1, 2 ** 24, 'tokens', 'kimi', KIMI, 'default max_tokens of an answer'),
  choices: limit(5, 1, 128, 'choices', 'kimi', KIMI, 'largest n'),
  tools: limit(128, 1, 4_096, 'tools', 'kimi', KIMI, 'tools of a request or session'),
  stop_sequences: limit(5, 1, 128, 'strings', 'kimi', KIMI, 'stop strings of a request'),
  stop_bytes: limit(32, 1, 4_096, 'bytes', 'kimi', KIMI, 'bytes of one stop string'),
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;
export type Limits = Readonly<Record<LimitName, number>>;

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/**
 * The limits in force: the defaults, with `overrides` laid over them.
 * @throws RangeError that names the limit and its range
 */
export function resolveLimits(overrides: Partial<Record<LimitName, number>> = {}): Limits {
  return shared(withOverrides(overrides));
}

function withOverrides(overrides: Partial<Record<LimitName, number>>): Limits {
  const limits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, LIMITS[name].default])) as Record<
    LimitName,
    number
  >;
  for (const [name, value] of Object.entries(overrides)) {
    if (!isLimitName(name)) throw new RangeError(`unknown limit ${name}; limits: ${LIMIT_NAMES.join(', ')}`);
    const { min, max, unit } = LIMITS[name];
    const whole = unit === 'ratio' || Number.isInteger(value);
    if (!whole || !(value >= min && value <= max)) {
      throw new RangeError(`limit ${name} must be ${unit} from ${min} to ${max}, not ${value}`);
    }
    limits[name] = value;
  }
  return limits;
}

/** Sets of limits that were asked for: a process asks for few. */
const known = new Map<string, Limits>();
const MOST_KNOWN = 64;

/** The same object for the same limits, so that what is made of them can be shared. */
function shared(limits: Limits): Limits {
  const key = LIMIT_NAMES.map((name) => limits[name]).join();
  const found = known.get(key) ?? Object.freeze(limits);
  if (known.size < MOST_KNOWN) known.set(key, found);
  return found;
}

/**
 * Makes what depends on limits alone once for each set of them: of a second emulator of a process, schemas would take a third of
 * its start.
 */
export function oncePerLimits<Made extends object>(make: (limits: Limits) => Made): (limits: Limits) => Made {
  const made = new WeakMap<Limits, Made>();
  return (limits) => {
    const found = made.get(limits) ?? make(limits);
    made.set(limits, found);
    return found;
  };
}

function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name);
}

function limit(
  value: number,
  min: number,
  max: number,
  unit: string,
  evidence: Evidence,
  source: string,
  meaning: string,
): Limit {
  return { default: value, min, max, unit, evidence, source, meaning };
}

/** What an account may do at most. */
export interface Tier {
  /** Answers under way at once. */
  readonly concurrency: number;
  /** Requests a minute. */
  readonly rpm: number;
  /** Tokens a minute. */
  readonly tpm: number;
  /** Tokens a day; null where there is no such limit. */
  readonly tpd: number | null;
}

/** Where the table comes from. The live API applies it to an organisation. */
export const TIERS_SOURCE: { readonly evidence: Evidence; readonly source: string } = {
  evidence: 'kimi',
  source: 'Kimi API documentation, "Rate limits", collected 2026-11',
};

/** The rate tiers, by what an account has paid in: 0 has paid nothing yet. */
export const TIERS = {
  0: tier(1, 3, 500_000, 1_500_000),
  1: tier(50, 200, 2_000_000),
  2: tier(100, 500, 3_000_000),
  3: tier(200, 5_000, 3_000_000),
  4: tier(400, 5_000, 4_000_000),
  5: tier(1_000, 10_000, 5_000_000),
} as const;

export type TierNumber = keyof typeof TIERS;

export function isTier(number: unknown): number is TierNumber {
  return typeof number === 'number' && Object.hasOwn(TIERS, number);
}

function tier(concurrency: number, rpm: number, tpm: number, tpd: number | null = null): Tier {
  return { concurrency, rpm, tpm, tpd };
}
