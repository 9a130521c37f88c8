import { type ApiError, invalid } from '../../errors.ts';
import type { RequestFacts } from './request-facts.ts';
import type { RunningRule } from './running-rule.ts';

/** For a request that no rule answers where every one has to be: says which rule came closest, and what it lacked. */
export function unmatched(rules: readonly RunningRule[], facts: RequestFacts): ApiError {
  const tried = rules.map((rule) => ({ rule, misses: rule.misses(facts) }));
  const [closest] = tried.sort((a, b) => lacking(a) - lacking(b) || held(b) - held(a));
  const request = 'no rule of the script answers this request';
  const problem = closest
    ? `${request}; closest rule ${closest.rule.title}: ${closest.misses.join('; and ')}`
    : `${request}: it has none`;
  return invalid(problem, undefined, 'no_script_rule');
}

interface Tried {
  rule: RunningRule;
  misses: readonly string[];
}

/** What of its conditions does not hold. One that fits, and only may not again, is closer than any that does not fit. */
function lacking({ rule, misses }: Tried): number {
  return misses.length - (rule.spent ? 1 : 0);
}

function held(tried: Tried): number {
  return tried.rule.conditions - lacking(tried);
}
