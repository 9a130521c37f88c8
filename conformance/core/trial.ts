import { randomBytes } from 'node:crypto';
import type { Limits } from '../../contract/limits.ts';
import type { Target } from '../targets/target.ts';
import type { Api } from '../wire/api.ts';
import type { Exchanges } from '../wire/exchanges.ts';
import type { SizedTexts } from '../wire/sized-texts.ts';
import { Fault, Mismatch, NotApplicable, NotRun } from './verdict.ts';

/** What was seen of a check. `held`: it holds; otherwise why not. */
export type Outcome = { held: true } | { held: false; error: unknown; exchanges: string[] };

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
const SAID = [Mismatch, NotRun, NotApplicable, Fault];

/** One run of a case: what it may use, and where it says what it saw. */
export class Trial<Name extends string> {
  readonly api: Api;
  readonly limits: Limits;
  readonly target: Target;
  readonly texts: SizedTexts;
  readonly outcomes = new Map<string, Outcome>();
  readonly #accounts: Accounts;
  readonly #exchanges: Exchanges;

  constructor(options: {
    accounts: Accounts;
    exchanges: Exchanges;
    limits: Limits;
    target: Target;
    texts: SizedTexts;
  }) {
    this.api = options.accounts.main;
    this.limits = options.limits;
    this.target = options.target;
    this.texts = options.texts;
    this.#accounts = options.accounts;
    this.#exchanges = options.exchanges;
  }

  /** Another account. @throws NotRun where there is none */
  second(): Api {
    return this.#accounts.second();
  }

  /** An account that holds nothing. @throws NotRun where none may be emptied */
  empty(): Promise<Api> {
    return this.#accounts.empty();
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
    try {
      await body();
      this.outcomes.set(name, { held: true });
      return true;
    } catch (error) {
      this.outcomes.set(name, { held: false, error, exchanges: this.#exchanges.shown });
      if (!(error instanceof Mismatch)) throw error;
      return false;
    }
  }

  /** The same for a check without which the rest of the case means nothing: where it fails, the rest fails with it. */
  async need(name: Name, body: () => unknown): Promise<void> {
    if (!(await this.check(name, body))) throw new Mismatch(`${NOT_REACHED}, because ${name} failed`);
  }
}

export function messageOf(error: unknown): string {
  if (SAID.some((kind) => error instanceof kind)) return (error as Error).message;
  return `the kit itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
