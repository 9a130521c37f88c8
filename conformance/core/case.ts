import type { Capability } from '../../contract/capabilities.ts';
import type { Limits } from '../../contract/limits.ts';
import type { WireRuleId } from '../areas/rules.ts';
import type { Trial } from './trial.ts';

/** The most that a case may cost. Tokens are those of chat, the only thing that is billed. */
export interface Cost {
  requests: number;
  promptTokens: number;
  completionTokens: number;
}

/** One scenario and the checks that it makes. The checks are declared, so that one that is not reached is seen. */
export interface Case {
  /** Permanent, e.g. `append.limit`. */
  readonly id: string;
  readonly title: string;
  readonly needs: readonly Capability[];
  /**
   * What it disturbs: `session`: nothing but sessions of its own; `account`: it needs an account to itself, because it counts or fills
   * what the account holds.
   */
  readonly scope: 'session' | 'account';
  /** True where it needs a second account. */
  readonly twoAccounts: boolean;
  /** Each check, by its name in the case, with the rule that it judges. */
  readonly checks: Readonly<Record<string, WireRuleId>>;
  cost(limits: Limits): Cost;
  run(trial: Trial<string>): Promise<void>;
}

/** A case as it is written: what is usual may be left out. */
export interface CaseSpec<Name extends string> {
  id: string;
  title: string;
  needs: readonly Capability[];
  scope?: Case['scope'];
  twoAccounts?: boolean;
  checks: Readonly<Record<Name, WireRuleId>>;
  /** Without it: free of charge, at most 40 requests. */
  cost?: (limits: Limits) => Partial<Cost>;
  run: (trial: Trial<Name>) => Promise<void>;
}

const USUAL_REQUESTS = 40;

/** Makes a case. Its checks can be named in `run` by their declared names only. */
export function defineCase<Name extends string>(spec: CaseSpec<Name>): Case {
  const { id, title, needs, checks, scope = 'session', twoAccounts = false } = spec;
  return {
    id,
    title,
    needs,
    scope,
    twoAccounts,
    checks,
    cost: (limits) => ({ requests: USUAL_REQUESTS, promptTokens: 0, completionTokens: 0, ...spec.cost?.(limits) }),
    run: (trial) => spec.run(trial as Trial<Name>),
  };
}

/** The permanent id of a check, e.g. `append.limit/exact-accepted`. */
export function checkId(owner: Pick<Case, 'id'>, name: string): string {
  return `${owner.id}/${name}`;
}
