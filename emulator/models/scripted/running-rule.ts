import { type Condition, conditionsOf } from './conditions.ts';
import type { RequestFacts } from './request-facts.ts';
import type { CheckedReply, CheckedRule } from './schema.ts';

/** A rule at work: counts how often it has answered. */
export class RunningRule {
  /** `"greet" (line 12)`, or its number where it has no name. */
  readonly title: string;
  readonly conditions: number;
  readonly #conditions: readonly Condition[];
  readonly #replies: readonly CheckedReply[];
  readonly #times: number | undefined;
  #used = 0;

  /**
   * @param number its place in the script, from 1
   * @param line of the file that it stands in
   */
  constructor({ name, when, replies, times }: CheckedRule, number: number, line?: number) {
    this.title = name === undefined ? String(number) : JSON.stringify(name);
    if (line !== undefined) this.title += ` (line ${line})`;
    else if (name !== undefined) this.title += ` (rule ${number})`;
    this.#conditions = conditionsOf(when);
    this.conditions = this.#conditions.length;
    this.#replies = replies;
    this.#times = times;
  }

  get used(): number {
    return this.#used;
  }

  /** Whether it has answered as often as it may. */
  get spent(): boolean {
    return this.#times !== undefined && this.#used >= this.#times;
  }

  /** Why it does not answer; empty where it does. */
  misses(facts: RequestFacts): string[] {
    const misses = this.#conditions.map((condition) => condition(facts)).filter((miss) => miss !== undefined);
    if (!this.spent) return misses;
    return [...misses, `it has answered ${this.#times === 1 ? 'once' : `${this.#times} times`}, and may not again`];
  }

  /** The next reply; the last one again where there is no next. */
  take(): CheckedReply {
    const reply = this.#replies[Math.min(this.#used, this.#replies.length - 1)];
    this.#used += 1;
    return reply ?? '';
  }

  reset(): void {
    this.#used = 0;
  }
}
