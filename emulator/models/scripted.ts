import type { Model, ModelDelta, ModelRequest } from './model.ts';
import { factsOf } from './scripted/conditions.ts';
import { deltasOf, RunningRule, unmatched } from './scripted/running-rule.ts';
import { type Script, scriptAsJson } from './scripted/script.ts';

export type { ReplyFunction, ScriptedCall, ScriptedReply, ScriptRule, TextMatch, When } from './scripted/rule.ts';
export { type Script, scriptFrom, scriptOf } from './scripted/script.ts';

/**
 * Answers by the first rule that fits, and leaves the rest to another model. The same rule may answer requests that overlap: it is
 * chosen, and counted, when a request reaches it.
 */
export class ScriptedModel implements Model {
  readonly name: string;
  readonly #next: Model;
  #script: Script = { rules: [] };
  #rules: readonly RunningRule[] = [];
  /** Answers that each session was given in full. */
  readonly #answered = new Map<string, number>();

  /** Without a script it is the next model. */
  constructor(next: Model) {
    this.name = next.name;
    this.#next = next;
  }

  /** Replaces the script, if any; all counts begin anew. */
  load(script: Script): void {
    this.#rules = script.rules.map(({ rule, line }, index) => new RunningRule(rule, index + 1, line));
    this.#script = script;
    this.#answered.clear();
  }

  /** The script as JSON, for those who look at it from outside. */
  describe(): { strict: boolean; rules: unknown[] } {
    return scriptAsJson(this.#script);
  }

  /** Titles of the rules that have not answered yet. */
  unused(): string[] {
    return this.#rules.filter(({ used }) => used === 0).map(({ title }) => title);
  }

  /** As if the script had just been loaded. */
  reset(): void {
    for (const rule of this.#rules) rule.reset();
    this.#answered.clear();
  }

  /** @throws ApiError for a reply that is an error, and in a strict script where no rule fits, before anything is delivered */
  async *complete(request: ModelRequest): AsyncGenerator<ModelDelta> {
    const answering = this.#answer(request);
    let given = false;
    try {
      for await (const delta of answering) {
        // Whoever takes no more after this one has all that was wanted.
        given = true;
        yield delta;
        given = false;
      }
      given = true;
    } finally {
      if (given && request.session && !request.signal.aborted) this.#count(request.session.id);
    }
  }

  #answer(request: ModelRequest): AsyncIterable<ModelDelta> | Iterable<ModelDelta> {
    const { strict = false } = this.#script;
    if (this.#rules.length === 0 && !strict) return this.#next.complete(request);
    const facts = factsOf(request, this.#answered.get(request.session?.id ?? '') ?? 0);
    const rule = this.#rules.find((one) => one.misses(facts).length === 0);
    if (rule) return deltasOf(rule.nextReply(facts), request);
    if (strict) throw unmatched(this.#rules, facts);
    return this.#next.complete(request);
  }

  #count(session: string): void {
    this.#answered.set(session, (this.#answered.get(session) ?? 0) + 1);
  }
}
