/** One way to make a window smaller. */
export type ShrinkAction =
  | { kind: 'truncate'; preserve_len: number }
  | { kind: 'compress'; ratio?: number; format?: 'outline' | 'json' | 'text'; preserve_len?: number };

/** How a window is made smaller: by one of the built-in ways, or by what a function answers. */
export type Policy = 'truncate' | 'compress' | 'compress-then-truncate' | PolicyFunction;

/** The actions to take, in order, until the window is no more than half of what triggers; none leaves it as it is. */
export type PolicyFunction = (situation: Situation) => readonly ShrinkAction[];

/** All that the decision depends on. Sizes in tokens. */
export interface Situation {
  /** What stands in the window. */
  tokens: number;
  windowTokens: number;
  /** The largest write. */
  appendTokens: number;
  /** The longest answer. */
  maxTokens: number;
  /** What the window should not be over after a round. */
  maxKeep: number;
  /** What a cut leaves. */
  preserveLen: number;
  /** What is about to be written, where that is more than one write. */
  incoming: number;
  /** True between the rounds. Within one only the window's end counts, so that a turn is not cut while it is written. */
  betweenRounds: boolean;
  /** True while tool calls wait for their results: then nothing can be compressed. */
  openCalls: boolean;
  /** What the last shrinking left, and how many in a row gained next to nothing. */
  settled: { tokens: number; weak: number };
}

type Decision =
  | { kind: 'keep' }
  | { kind: 'shrink'; actions: readonly ShrinkAction[]; enough: number }
  | { kind: 'stop' };

/** A shrinking that gains less than this share is weak. */
const WEAK_GAIN = 0.05;
/** So many weak shrinkings in a row, and no further one is tried. */
const MOST_WEAK = 2;
/** What a request adds to its prompt, and an answer to its text: the most that a model of today takes, in tokens. */
export const TURN_OVERHEAD = 128;

/** Where shrinking begins: over `soft` it should happen, over `hard` the next write and answer might not fit. */
export function thresholds(situation: Omit<Situation, 'settled' | 'tokens' | 'betweenRounds' | 'openCalls'>) {
  const { windowTokens, appendTokens, maxTokens, maxKeep, preserveLen, incoming } = situation;
  const hard = (next: number) => windowTokens - next - maxTokens - TURN_OVERHEAD;
  const always = hard(appendTokens);
  return { soft: Math.min(maxKeep, always), hard: Math.min(always, Math.max(preserveLen, hard(incoming))) };
}

/**
 * Whether to shrink, and how. A window that a shrinking left over `soft` has to grow by some before the next is tried, unless
 * there is no room; after two that gained next to nothing in a row, no further one is.
 */
export function decide(situation: Situation, policy: Policy): Decision {
  const { tokens, betweenRounds, settled } = situation;
  const { soft, hard } = thresholds(situation);
  const cramped = tokens > hard;
  const over = betweenRounds && tokens > soft && tokens > settled.tokens * (1 + WEAK_GAIN);
  if (!cramped && !over) return { kind: 'keep' };
  const actions = chooseActions(situation, policy, cramped);
  if (actions.length === 0) return { kind: 'keep' };
  if (settled.weak >= MOST_WEAK) return { kind: 'stop' };
  return { kind: 'shrink', actions, enough: Math.floor(soft / 2) };
}

function chooseActions(situation: Situation, policy: Policy, cramped: boolean): readonly ShrinkAction[] {
  const wanted = typeof policy === 'function' ? policy(situation) : builtIn(situation, policy);
  if (!situation.openCalls) return wanted;
  const possible = wanted.filter((action) => action.kind === 'truncate');
  if (possible.length > 0 || wanted.length === 0 || !cramped) return possible;
  return [{ kind: 'truncate', preserve_len: situation.preserveLen }];
}

function builtIn({ preserveLen }: Situation, policy: Exclude<Policy, PolicyFunction>): readonly ShrinkAction[] {
  const truncate = { kind: 'truncate', preserve_len: preserveLen } as const;
  const compress = { kind: 'compress', preserve_len: preserveLen } as const;
  if (policy === 'truncate') return [truncate];
  return policy === 'compress' ? [compress] : [compress, truncate];
}

/** How many shrinkings in a row were weak, after one from `before` to `after` tokens. */
export function countWeak(weak: number, before: number, after: number): number {
  return before - after < before * WEAK_GAIN ? weak + 1 : 0;
}

/** What the refusal of an action names that would do: the largest feasible ratio, or the least preserve_len. */
export interface Remedy {
  largestRatio?: number | undefined;
  leastPreserveLen?: number | undefined;
}

/**
 * The action to take instead of one that was refused. Undefined where the refusal names none, or one that would gain next to
 * nothing.
 * @param tokens of the window
 */
export function amend(
  action: ShrinkAction,
  { largestRatio, leastPreserveLen }: Remedy,
  tokens: number,
): ShrinkAction | undefined {
  if (action.kind === 'compress' && largestRatio !== undefined) {
    const isLess = largestRatio < (action.ratio ?? Number.POSITIVE_INFINITY);
    return isLess && largestRatio > 1 + WEAK_GAIN ? { ...action, ratio: largestRatio } : undefined;
  }
  if (leastPreserveLen === undefined) return undefined;
  const isMore = leastPreserveLen > (action.preserve_len ?? 0);
  return isMore && leastPreserveLen < tokens * (1 - WEAK_GAIN)
    ? { ...action, preserve_len: leastPreserveLen }
    : undefined;
}
