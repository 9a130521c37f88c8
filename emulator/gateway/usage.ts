/** What the upstream says that a call took, in tokens. */
export interface UpstreamUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  /** Of the prompt, written into the cache; absent where the upstream does not tell. */
  readonly cacheWriteTokens?: number;
  /** Its figures as they came, with whatever else it counts. */
  readonly told?: Readonly<Record<string, unknown>>;
}

/** Beyond every window there is: a larger number is a mistake, and would be billed. */
const LARGEST = 2 ** 31;

/** The usage of an answer or of a chunk: at its top, or in its first choice. Undefined where there is none that can be. */
export function usageIn(answer: unknown): UpstreamUsage | undefined {
  const { usage, choices } = members(answer);
  const first = Array.isArray(choices) ? members(choices[0]).usage : undefined;
  return read(usage) ?? read(first);
}

function read(usage: unknown): UpstreamUsage | undefined {
  const { prompt_tokens, completion_tokens, cached_tokens, prompt_tokens_details } = members(usage);
  const promptTokens = count(prompt_tokens);
  const completionTokens = count(completion_tokens);
  if (promptTokens === undefined || completionTokens === undefined) return undefined;
  const details = members(prompt_tokens_details);
  const cached = count(cached_tokens) ?? count(details.cached_tokens) ?? 0;
  const cachedTokens = Math.min(cached, promptTokens);
  const written = count(details.cache_write_tokens);
  return {
    promptTokens,
    completionTokens,
    cachedTokens,
    told: figures(usage),
    ...(written !== undefined && { cacheWriteTokens: Math.min(written, promptTokens - cachedTokens) }),
  };
}

const MAX_FIGURES = 64;

/** The numbers of a value, and those of its members: what else stands there is not usage, and may be of any size. */
function figures(value: unknown, nested = true): Record<string, unknown> {
  const kept = Object.entries(members(value))
    .slice(0, MAX_FIGURES)
    .flatMap(([name, member]): [string, unknown][] => {
      if (typeof member === 'number') return [[name, member]];
      return nested && typeof member === 'object' && member !== null ? [[name, figures(member, false)]] : [];
    });
  return Object.fromEntries(kept);
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < LARGEST ? value : undefined;
}

/** The members of a value that may be anything. */
export function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
