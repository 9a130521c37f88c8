import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Limits, resolveLimits } from '../../contract/limits.ts';
import { RULES } from '../areas/rules.ts';
import type { Target } from '../targets/target.ts';
import { Api, type ApiOptions } from '../wire/api.ts';
import { Connection } from '../wire/connection.ts';
import { Exchanges, redactor } from '../wire/exchanges.ts';
import { modelUnderTest } from '../wire/model.ts';
import { SizedTexts } from '../wire/tokens.ts';
import { Budget, priceOf, withOverhead } from './budget.ts';
import { type Accounts, type Case, CaseContext, checkId, messageOf, NOT_REACHED } from './case.ts';
import { cleanUp, deleteEverything } from './clean-up.ts';
import { type CreatedResource, CreatedResources, resourceFileName } from './created-resources.ts';
import { type Capabilities, plausibleLimits, preflight, probe, Unreachable } from './probe.ts';
import {
  type CheckResult,
  Inconclusive,
  isOfModel,
  isScored,
  Mismatch,
  NotApplicable,
  NotRun,
  score,
} from './verdict.ts';

/** A run that costs money was asked for without a limit of it. */
export class MaxSpendMissing extends Error {}

export interface RunnerOptions {
  /** Folder for the resources, for targets that outlive the run; in memory where absent. */
  resourcesFolder?: string;
  /** The most that may be spent, in USD. A target that costs money is not judged without it. */
  maxSpend?: number;
  /** Interrupts the run. Clean-up is done all the same. */
  signal?: AbortSignal;
}

/** Runs cases against one target, one after the other, and cleans up after each. */
export class Runner {
  readonly target: Target;
  readonly run = randomUUID();
  readonly connection: Connection;
  readonly resources: CreatedResources;
  readonly budget: Budget;
  readonly leaked: CreatedResource[] = [];
  limits: Limits;
  /** What the target states of its limits and cannot be believed. */
  readonly refusedLimits: string[] = [];
  #capabilities: Capabilities | undefined;
  readonly #keys = new Map<string, string>();
  readonly #signal: AbortSignal;
  readonly #texts: SizedTexts;
  readonly #capped: boolean;

  constructor(target: Target, { resourcesFolder, maxSpend = Number.POSITIVE_INFINITY, signal }: RunnerOptions = {}) {
    this.target = target;
    this.limits = resolveLimits(target.limits);
    this.connection = new Connection({ fetch: target.fetch, deadlineMs: target.deadlineMs });
    const file = resourcesFolder === undefined ? {} : { file: join(resourcesFolder, resourceFileName(this.run)) };
    this.resources = new CreatedResources({ run: this.run, target: target.name, ...file });
    this.budget = new Budget(priceOf(target.model), maxSpend, () => this.limits);
    this.#capped = Number.isFinite(maxSpend);
    this.#signal = signal ?? new AbortController().signal;
    this.#texts = new SizedTexts(this.#open(target.keys.a, MAIN), target.model);
  }

  get capabilities(): Capabilities {
    if (!this.#capabilities) throw new Error('prepare() comes first');
    return this.#capabilities;
  }

  /**
   * Probes the target and reads the limits that its sessions name.
   * @throws Unreachable where it cannot be judged at all; MaxSpendMissing where it costs money and nobody said how much it may
   */
  async prepare(): Promise<void> {
    if (this.target.paid && !this.#capped) throw new MaxSpendMissing(`${this.target.name} costs money: set maxSpend`);
    const capabilities = await this.probe();
    if (capabilities.sessions.status !== 'offered') return;
    const api = this.#open(this.target.keys.a, MAIN);
    // A session of another shape, or none, is for the cases to judge: it must not keep them from running.
    const reply = await api.post('/sessions', { metadata: api.mark }).catch((error: unknown) => {
      if (!(error instanceof Inconclusive)) throw error;
    });
    const { limits } = (reply?.json ?? {}) as { limits?: unknown };
    const { used, refused } = plausibleLimits(limits, this.limits);
    this.limits = { ...this.limits, ...used };
    this.refusedLimits.push(...refused.map(this.redactor()));
    await this.#cleanUp();
  }

  /** What the target offers. Creates nothing. @throws Unreachable where it cannot be judged at all */
  async probe(): Promise<Capabilities> {
    await this.requireReachable();
    this.#capabilities = await probe(this.target, this.#open(this.target.keys.a, MAIN));
    return this.#capabilities;
  }

  /** Sees that the target is there and lets the key in. @throws Unreachable */
  async requireReachable(): Promise<void> {
    await preflight(this.#open(this.target.keys.a, MAIN), this.target.baseURL).catch((error: unknown) => {
      if (!(error instanceof Unreachable)) throw error;
      throw new Unreachable(this.redactor()(error.message), error.exitCode);
    });
  }

  /** Every declared check of the case has a result, whatever happens. */
  async runCase(subject: Case): Promise<CheckResult[]> {
    const { target, limits } = this;
    const exchanges = new Exchanges(MAIN);
    const accounts = accountsOf(target, (key, account) => this.#open(key, account, { exchanges }));
    const checks = Object.entries(subject.checks);
    const skipped = new Set(checks.flatMap(([name, rule]) => (isOfModel(target.model, RULES[rule]) ? [] : [name])));
    const context = new CaseContext({ accounts, exchanges, limits, target, texts: this.#texts, skipped });
    let ending: unknown;
    try {
      if (this.connection.unresponsive !== undefined) throw new NotRun(this.connection.unresponsive);
      this.#requireOffered(subject);
      this.budget.requireCoverage(withOverhead(subject.cost(this.limits), this.#texts.overhead.answer));
      this.#signal.throwIfAborted();
      if (skipped.size < checks.length) await subject.run(context);
      ending = context.unreached();
    } catch (error) {
      ending = this.#signal.aborted ? new NotRun('interrupted') : unreached(error);
    }
    await this.#cleanUp();
    const redact = this.redactor();
    return checks.map(([name, rule]) => {
      const unseen = { held: false as const, error: ending, exchanges: [], durationMs: 0 };
      const outcome = context.outcomes.get(name) ?? unseen;
      const { profile, level, evidence } = RULES[rule];
      const ofAnother = skipped.has(name);
      const verdict = ofAnother
        ? 'info'
        : score(outcome.held ? undefined : outcome.error, level, isScored(this.target, RULES[rule]));
      const { durationMs } = outcome;
      const result = {
        id: checkId(subject, name),
        case: subject.id,
        rule,
        profile,
        level,
        evidence,
        verdict,
        durationMs,
      };
      if (ofAnother) return { ...result, message: OTHER_MODEL };
      if (outcome.held) return result;
      return { ...result, message: redact(messageOf(outcome.error)), exchanges: outcome.exchanges.map(redact) };
    });
  }

  /** Takes out of a text what nobody else may read. */
  redactor(): (text: string) => string {
    return redactor(this.#keys.values(), this.resources.shares);
  }

  /** What is left when all is done. A resources with nothing open is removed. */
  close(): void {
    this.resources.close();
  }

  /** @throws NotApplicable, Mismatch, Inconclusive by the status of what the case needs */
  #requireOffered({ needs }: Case): void {
    for (const name of needs) {
      const { status } = this.capabilities[name];
      if (status === 'absent') throw new NotApplicable(`${name} is not offered here`);
      if (status === 'broken-promise') throw new Mismatch(`${name} is declared, but absent`);
      if (status === 'unclear') throw new Inconclusive(`could not determine whether ${name} is offered`);
    }
  }

  #open(key: string, account: string, own: Partial<Pick<ApiOptions, 'exchanges' | 'signal'>> = {}): Api {
    this.#keys.set(account, key);
    const { connection, target, resources, budget } = this;
    const usual = { exchanges: new Exchanges(MAIN), signal: this.#signal };
    const { sessionFields, chatFields } = modelUnderTest(target.model);
    const defaults = { '/sessions': sessionFields, '/chat/completions': chatFields };
    return new Api({
      connection,
      baseURL: target.baseURL,
      key,
      account,
      resources,
      budget,
      defaults,
      ...usual,
      ...own,
    });
  }

  /** Never interrupted, and free of charge. */
  async #cleanUp(): Promise<void> {
    const never = new AbortController().signal;
    const left = await cleanUp(this.resources, (account) =>
      this.#open(this.#keys.get(account) ?? '', account, { signal: never }),
    );
    for (const created of left) {
      if (!this.leaked.some(({ id }) => id === created.id)) this.leaked.push(created);
    }
  }
}

/** What a check says whose rule binds another model. */
export const OTHER_MODEL = 'a rule of another model';

/** What ends a case before a check does not speak of that check's own rule, and has to say so. */
function unreached(error: unknown): unknown {
  if (!(error instanceof Mismatch) || error.message.startsWith(NOT_REACHED)) return error;
  return new Mismatch(`${NOT_REACHED}: ${error.message}`);
}

/** How the main account is called in records and reports. */
const MAIN = 'A';

/** The accounts of a target, one set for each case. */
function accountsOf(target: Target, open: (key: string, account: string) => Api): Accounts {
  const main = open(target.keys.a, MAIN);
  return {
    main,
    second() {
      if (target.keys.b === undefined) throw new NotRun('needs a second account (KIMI_API_KEY_B)');
      return open(target.keys.b, 'B');
    },
    async empty() {
      if (target.newKey) {
        // Records and reports name accounts, and must not name keys.
        return open(target.newKey(), `new-${randomUUID()}`);
      }
      if (!target.dedicated) throw new NotRun('fills and empties the account: needs --dedicated-account');
      await deleteEverything(main);
      return main;
    },
  };
}
