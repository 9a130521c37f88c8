import { randomBytes } from 'node:crypto';
import type { Capability } from '../../contract/capabilities.ts';
import type { Limits } from '../../contract/limits.ts';
import type { WireRuleId } from '../areas/rules.ts';
import type { Target } from '../targets/target.ts';
import type { Api } from '../wire/api.ts';
import type { Exchanges } from '../wire/exchanges.ts';
import type { SizedTexts } from '../wire/tokens.ts';
import type { Cost } from './budget.ts';
import { Inconclusive, Mismatch, NotApplicable, NotRun } from './verdict.ts';

/** One scenario and the checks that it makes. The checks are declared, so that one that is not reached is seen. */
export interface Case {
  /** Permanent, e.g. `append.limit-single`. */
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
  run(context: CaseContext<string>): Promise<void>;
}

/** Names that stand in one text, with spaces between. */
type Words<Text extends string> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text;

/** A case as it is written: what is usual may be left out. */
interface CaseSpec<Names extends string> {
  id: string;
  title: string;
  needs: readonly Capability[];
  scope?: Case['scope'];
  twoAccounts?: boolean;
  /** Each check with its rule; checks of one rule may share a key, with spaces between their names. */
  checks: Readonly<Record<Names, WireRuleId>>;
  /** Without it: free of charge, at most 40 requests. */
  cost?: (limits: Limits) => Partial<Cost>;
  /** @param parts what it uses of the context, @param context the same as a whole, to hand on */
  run: (parts: CaseContext<Words<Names>>, context: CaseContext<Words<Names>>) => Promise<void>;
}

const USUAL_REQUESTS = 40;

/** Makes a case. Its checks can be named in `run` by their declared names only. */
export function defineCase<Names extends string>(spec: CaseSpec<Names>): Case {
  const { id, title, needs, scope = 'session', twoAccounts = false } = spec;
  const checks = Object.entries<WireRuleId>(spec.checks).flatMap(([names, rule]) =>
    names.split(' ').map((name) => [name, rule]),
  );
  return {
    id,
    title,
    needs,
    scope,
    twoAccounts,
    checks: Object.fromEntries(checks),
    cost: (limits) => ({ requests: USUAL_REQUESTS, promptTokens: 0, completionTokens: 0, ...spec.cost?.(limits) }),
    run: (context) => spec.run(context as CaseContext<Words<Names>>, context as CaseContext<Words<Names>>),
  };
}

/** The permanent id of a check, e.g. `append.limit-single/plain-exact`. */
export function checkId(owner: Pick<Case, 'id'>, name: string): string {
  return `${owner.id}/${name}`;
}

/** What was seen of a check. `held`: it holds; otherwise why not. */
type Outcome = { durationMs: number } & ({ held: true } | { held: false; error: unknown; exchanges: string[] });

/** The accounts that a case may use. */
export interface Accounts {
  main: Api;
  /** @throws NotRun */
  second(): Api;
  /** One that holds nothing, and that nobody else uses meanwhile. @throws NotRun */
  empty(): Promise<Api>;
}

/** How the message of a check begins that fails because the case never came to it: it has shown nothing of its own rule. */
export const NOT_REACHED = 'not reached';
/** What a check may end with; anything else is a defect of the kit. */
const KNOWN_ERRORS = [Mismatch, NotRun, NotApplicable, Inconclusive];

/** One run of a case: what it may use, and where it says what it saw. */
export class CaseContext<Name extends string> {
  readonly api: Api;
  readonly limits: Limits;
  readonly target: Target;
  readonly texts: SizedTexts;
  /** Checks of rules that another model is bound by: what they send is not sent. */
  readonly skipped: ReadonlySet<string>;
  readonly outcomes = new Map<string, Outcome>();
  readonly #accounts: Accounts;
  readonly #exchanges: Exchanges;
  #judgedAt = performance.now();

  constructor(options: {
    accounts: Accounts;
    exchanges: Exchanges;
    limits: Limits;
    target: Target;
    texts: SizedTexts;
    skipped: ReadonlySet<string>;
  }) {
    this.api = options.accounts.main;
    this.limits = options.limits;
    this.target = options.target;
    this.texts = options.texts;
    this.skipped = options.skipped;
    this.#accounts = options.accounts;
    this.#exchanges = options.exchanges;
    // So that a case may take them out of its context.
    this.check = this.check.bind(this);
    this.require = this.require.bind(this);
    this.secondAccount = this.secondAccount.bind(this);
    this.emptyAccount = this.emptyAccount.bind(this);
    this.as = this.as.bind(this);
  }

  /** Another account. @throws NotRun where there is none */
  secondAccount(): Api {
    return this.#accounts.second();
  }

  /** An account that holds nothing. @throws NotRun where none may be emptied */
  emptyAccount(): Promise<Api> {
    return this.#accounts.empty();
  }

  /** The same, to lay out and send requests in the name of another account. Checks are made by the first. */
  as(api: Api): CaseContext<string> {
    return Object.create(this, { api: { value: api } });
  }

  /** A word that stands nowhere else: 10 capitals and digits. */
  nonce(): string {
    return `K${randomBytes(5).toString('hex').toUpperCase().slice(1)}`;
  }

  /**
   * Judges one declared check: it holds unless `body` throws. What throws anything but a Mismatch ends the case, since nothing can
   * be concluded any more.
   * @returns whether it holds
   */
  async check(name: Name, body: () => unknown): Promise<boolean> {
    if (this.skipped.has(name)) return true;
    try {
      await body();
      this.outcomes.set(name, { held: true, durationMs: this.#sinceLast() });
      return true;
    } catch (error) {
      const durationMs = this.#sinceLast();
      this.outcomes.set(name, { held: false, error, exchanges: this.#exchanges.recent, durationMs });
      if (!(error instanceof Mismatch)) throw error;
      return false;
    }
  }

  /** What a check took: the requests that led to it are sent before it. */
  #sinceLast(): number {
    const now = performance.now();
    const milliseconds = now - this.#judgedAt;
    this.#judgedAt = now;
    return Math.round(milliseconds * 1_000) / 1_000;
  }

  /** The same for a check without which the rest of the case means nothing: where it fails, the rest fails with it. */
  async require(name: Name, body: () => unknown): Promise<void> {
    if (!(await this.check(name, body))) throw this.unreached();
  }

  /** Why a check was not come to: what failed first in the case, where anything did. */
  unreached(): Mismatch {
    const [first] = [...this.outcomes].filter(([, { held }]) => !held);
    if (!first) return new Mismatch(`${NOT_REACHED}: the case ended before it`);
    const [name, outcome] = first;
    const why = outcome.held ? '' : messageOf(outcome.error);
    return new Mismatch(`${NOT_REACHED}, because ${name} failed: ${why}`);
  }
}

export function messageOf(error: unknown): string {
  if (KNOWN_ERRORS.some((kind) => error instanceof kind)) return (error as Error).message;
  return `the kit itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
