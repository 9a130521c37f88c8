import type { Limits } from '../../contract/limits.ts';
import type { Case, Cost } from './case.ts';
import type { Purse } from './purse.ts';

/** The most that a selection of cases could send and cost. */
export interface Plan extends Cost {
  cases: number;
  checks: number;
  /** In the currency of the price, as if nothing were cached. */
  money: number;
}

export function planOf(cases: readonly Case[], limits: Limits, purse: Purse): Plan {
  const plan: Plan = { cases: cases.length, checks: 0, requests: 0, promptTokens: 0, completionTokens: 0, money: 0 };
  for (const subject of cases) {
    const cost = subject.cost(limits);
    plan.checks += Object.keys(subject.checks).length;
    plan.requests += cost.requests;
    plan.promptTokens += cost.promptTokens;
    plan.completionTokens += cost.completionTokens;
  }
  return { ...plan, money: purse.priceOf(plan) };
}
