import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Limits, resolveLimits } from '../../contract/limits.ts';
import { RULES } from '../areas/rules.ts';
import type { Target } from '../targets/target.ts';
import { Api, type ApiOptions } from '../wire/api.ts';
import { Connection } from '../wire/connection.ts';
import { Exchanges } from '../wire/exchanges.ts';
import { SizedTexts } from '../wire/sized-texts.ts';
import { accountsOf, MAIN } from './accounts.ts';
import { type Case, checkId } from './case.ts';
import { cleanUp } from './clean-up.ts';
import { type Created, Ledger, ledgerName } from './ledger.ts';
import { preflight, Unreachable } from './preflight.ts';
import { priceOf } from './price.ts';
import { type Capabilities, probe } from './probe.ts';
import { Purse } from './purse.ts';
import { redactor } from './redact.ts';
import type { CheckResult } from './result.ts';
import { isScored, score } from './score.ts';
import { believable } from './stated-limits.ts';
import { messageOf, NOT_REACHED, Trial } from './trial.ts';
import { Fault, Mismatch, NotApplicable, NotRun } from './verdict.ts';

/** A run that costs money was asked for without a limit of it. */
export class CapMissing extends Error {}

export interface RunnerOptions {
  /** Folder for the ledger, for targets that outlive the run; in memory where absent. */
  ledgerFolder?: string;
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
  readonly ledger: Ledger;
  readonly purse: Purse;
  readonly leaked: Created[] = [];
  limits: Limits;
  /** What the target states of its limits and cannot be believed. */
  readonly refusedLimits: string[] = [];
  #capabilities: Capabilities | undefined;
  readonly #keys = new Map<string, string>();
  readonly #signal: AbortSignal;
  readonly #texts: SizedTexts;
  readonly #capped: boolean;

  constructor(target: Target, { ledgerFolder, maxSpend = Number.POSITIVE_INFINITY, signal }: RunnerOptions = {}) {
    this.target = target;
    this.limits = resolveLimits(target.limits);
    this.connection = new Connection({ fetch: target.fetch, deadlineMs: target.deadlineMs });
    const file = ledgerFolder === undefined ? {} : { file: join(ledgerFolder, ledgerName(this.run)) };
    this.ledger = new Ledger({ run: this.run, target: target.name, ...file });
    this.purse = new Purse(priceOf(target.model), maxSpend, () => this.limits);
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
   * @throws Unreachable where it cannot be judged at all; CapMissing where it costs money and nobody said how much it may
   */
  async prepare(): Promise<void> {
    if (this.target.paid && !this.#capped)
      throw new CapMissing(`${this.target.name} costs money: say with maxSpend how much`);
    const capabilities = await this.probe();
    if (capabilities.sessions.standing !== 'offered') return;
    const api = this.#open(this.target.keys.a, MAIN);
    // A session of another shape, or none, is for the cases to judge: it must not keep them from running.
    const reply = await api.post('/sessions', { metadata: api.mark }).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error;
    });
    const { limits } = (reply?.json ?? {}) as { limits?: unknown };
    const { used, refused } = believable(limits, this.limits);
    this.limits = { ...this.limits, ...used };
    this.refusedLimits.push(...refused.map(this.redactor()));
    await this.#cleanUp();
  }

  /** What the target offers. Creates nothing. @throws Unreachable where it cannot be judged at all */
  async probe(): Promise<Capabilities> {
    await this.greet();
    this.#capabilities = await probe(this.target, this.#open(this.target.keys.a, MAIN));
    return this.#capabilities;
  }

  /** Sees that the target is there and lets the key in. @throws Unreachable */
  async greet(): Promise<void> {
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
    const trial = new Trial({ accounts, exchanges, limits, target, texts: this.#texts });
    let ending: unknown = new Mismatch(NOT_REACHED);
    try {
      if (this.connection.gone !== undefined) throw new NotRun(this.connection.gone);
      this.#requireOffered(subject);
      this.purse.requireRoom(subject.cost(this.limits));
      this.#signal.throwIfAborted();
      await subject.run(trial);
    } catch (error) {
      ending = this.#signal.aborted ? new NotRun('interrupted') : unreached(error);
    }
    await this.#cleanUp();
    const redact = this.redactor();
    return Object.entries(subject.checks).map(([name, clause]) => {
      const outcome = trial.outcomes.get(name) ?? { held: false as const, error: ending, exchanges: [] };
      const { profile, level, evidence } = RULES[clause];
      const verdict = score(outcome.held ? undefined : outcome.error, level, isScored(this.target, RULES[clause]));
      const result = { id: checkId(subject, name), case: subject.id, clause, profile, level, evidence, verdict };
      if (outcome.held) return result;
      return { ...result, message: redact(messageOf(outcome.error)), exchanges: outcome.exchanges.map(redact) };
    });
  }

  /** Takes out of a text what nobody else may read. */
  redactor(): (text: string) => string {
    return redactor(this.#keys.values(), this.ledger.shares);
  }

  /** What is left when all is done. A ledger with nothing open is removed. */
  close(): void {
    this.ledger.close();
  }

  /** @throws NotApplicable, Mismatch, Fault by the standing of what the case needs */
  #requireOffered({ needs }: Case): void {
    for (const name of needs) {
      const { standing } = this.capabilities[name];
      if (standing === 'absent') throw new NotApplicable(`${name} is not offered here`);
      if (standing === 'broken-promise') throw new Mismatch(`${name} is claimed, and absent`);
      if (standing === 'unclear') throw new Fault(`whether ${name} is offered could not be seen`);
    }
  }

  #open(key: string, account: string, own: Partial<Pick<ApiOptions, 'exchanges' | 'signal'>> = {}): Api {
    this.#keys.set(account, key);
    const { connection, target, ledger, purse } = this;
    const usual = { exchanges: new Exchanges(MAIN), signal: this.#signal };
    return new Api({ connection, baseURL: target.baseURL, key, account, ledger, purse, ...usual, ...own });
  }

  /** Never interrupted, and free of charge. */
  async #cleanUp(): Promise<void> {
    const never = new AbortController().signal;
    const left = await cleanUp(this.ledger, (account) =>
      this.#open(this.#keys.get(account) ?? '', account, { signal: never }),
    );
    for (const created of left) {
      if (!this.leaked.some(({ id }) => id === created.id)) this.leaked.push(created);
    }
  }
}

/** What ends a case before a check does not speak of that check's own rule, and has to say so. */
function unreached(error: unknown): unknown {
  if (!(error instanceof Mismatch) || error.message.startsWith(NOT_REACHED)) return error;
  return new Mismatch(`${NOT_REACHED}: ${error.message}`);
}
