import { type ApiError, injectedError, invalid } from '../../api-error.ts';
import type { Match } from '../../engines/patterns/pattern.ts';
import type { ModelDelta, ModelRequest } from '../model.ts';
import { type Condition, conditionsOf, type RequestFacts } from './conditions.ts';
import { fillIn } from './references.ts';
import type { ReplyFunction } from './rule.ts';
import { type CheckedAnswer, type CheckedReply, type CheckedRule, checkReply } from './script.ts';

/** A rule at work: counts how often it has answered. */
export class RunningRule {
  /** `"greet" (line 12)`, or its number where it has no name. */
  readonly title: string;
  readonly conditions: number;
  readonly #conditions: readonly Condition[];
  readonly #replies: readonly CheckedAnswer[];
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
    const misses = this.#conditions.map(({ miss }) => miss(facts)).filter((miss) => miss !== undefined);
    if (!this.spent) return misses;
    return [...misses, `it has answered ${this.#times === 1 ? 'once' : `${this.#times} times`}, and may not again`];
  }

  /** The next reply; the last one again where there is no next. It is counted at the call, not once its function has answered. */
  nextReply(facts: RequestFacts): CheckedReply | Promise<CheckedReply> {
    const reply = this.#replies[Math.min(this.#used, this.#replies.length - 1)] ?? '';
    this.#used += 1;
    const found = this.#conditions.find(({ find }) => find)?.find?.(facts);
    if (typeof reply === 'function') return this.#ask(reply, facts, found?.groups ?? []);
    return found ? fillIn(reply, found) : reply;
  }

  async #ask(reply: ReplyFunction, { ownRequest }: RequestFacts, groups: Match['groups']): Promise<CheckedReply> {
    try {
      return checkReply(await reply(ownRequest(), groups));
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      throw invalid(`rule ${this.title} of the script: ${said}`, undefined, 'no_script_rule');
    }
  }

  reset(): void {
    this.#used = 0;
  }
}

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

/** What a reply delivers. @throws ApiError where it is an error */
export async function* deltasOf(
  given: CheckedReply | Promise<CheckedReply>,
  { model, session }: ModelRequest,
): AsyncGenerator<ModelDelta> {
  const reply = await given;
  if (typeof reply === 'string') return yield { type: 'text', text: reply };
  const { reasoning, text, json, tool_calls = [], error } = reply;
  if (error !== undefined)
    throw injectedError(error, { model, ...(session && { session: session.id }) }, 'a rule of the script');
  if (reasoning !== undefined) yield { type: 'reasoning', text: reasoning };
  if (text !== undefined) yield { type: 'text', text };
  if (json !== undefined) yield { type: 'text', text: JSON.stringify(json) };
  for (const { name, arguments: values = {} } of tool_calls) {
    yield { type: 'tool_call', name, arguments: typeof values === 'string' ? values : JSON.stringify(values) };
  }
}
