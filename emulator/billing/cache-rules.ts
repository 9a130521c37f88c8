/** How a prefix cache behaves. */
export interface CacheRules {
  /** A prefix counts in whole blocks. */
  blockTokens: number;
  /** A prompt of no more than this leaves no prefix behind. */
  minPromptTokens: number;
  /** The very same prompt again is read whole, however short, whatever the blocks. */
  wholePrompts: boolean;
  /** How long a prefix is kept after it was last sent. */
  ttlMs: number;
  /** Blocks and prompts that are remembered over all accounts; those that were sent longest ago go first. */
  maxEntries: number;
}

/**
 * Those of the live API. Blocks: reported by client authors, and measured by github.com/Leechael/pi-provider-kimi-code
 * (docs/caching.md) for prompts of 800 to 32,000 tokens. Least prompt: Kimi API documentation. Whole prompts: captured (`cached_tokens`
 * 8 of 8 prompt tokens), and measured there. Time to live: five minutes by default, says forum.moonshot.ai/t/613 (of K3); measured
 * there as at least 300 s and less than 1,800 s. That it counts from the last use, and how much is remembered, is ours.
 */
export const CACHE_RULES: CacheRules = {
  blockTokens: 256,
  minPromptTokens: 256,
  wholePrompts: true,
  ttlMs: 300_000,
  maxEntries: 131_072,
};
