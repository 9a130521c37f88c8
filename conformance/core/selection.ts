import type { Limits } from '../../contract/limits.ts';
import { CASES } from '../areas/cases.ts';
import { type Profile, RULES } from '../areas/rules.ts';
import { modelUnderTest } from '../wire/model.ts';
import { type Budget, type Cost, withOverhead } from './budget.ts';
import type { Case } from './case.ts';
import { isOfModel } from './verdict.ts';

/** What was asked for is not there. */
export class SelectionError extends Error {}

export interface Selection {
  /** Every profile where absent. */
  profiles?: readonly Profile[];
  /** Cases by id, or areas (`append`), or single checks (`append.limit-single/plain-exact`); every case where absent. */
  cases?: readonly string[];
  /** Cases, areas or checks that are left out of these, however they were chosen. */
  exclude?: readonly string[];
}

/** Whether nothing is left out, so that a check that is not there does not exist. */
export function isComplete({ profiles, cases, exclude = [] }: Selection): boolean {
  return profiles === undefined && cases === undefined && exclude.length === 0;
}

/**
 * The cases of a selection, in running order. A case runs whole, so a check brings the rest of its case along, and where it
 * is left out takes it along.
 * @param model the model that is tested; cases of another model alone are left out. Without it all are there
 * @throws SelectionError for a name that fits nothing
 */
export function select({ profiles, cases, exclude = [] }: Selection, model?: string): Case[] {
  for (const name of [...(cases ?? []), ...exclude]) {
    if (!CASES.some((subject) => matches(subject, name))) {
      throw new SelectionError(`no case ${name}; \`kimi-emulator conformance list\` shows all`);
    }
  }
  const ofProfiles = CASES.filter((subject) => !profiles || profiles.includes(profileOf(subject)));
  const chosen = cases ? ofProfiles.filter((subject) => matchesAny(subject, cases)) : ofProfiles;
  if (chosen.length === 0) throw new SelectionError('no case is of that profile');
  const judged = chosen.filter(({ checks }) =>
    Object.values(checks).some((rule) => !model || isOfModel(model, RULES[rule])),
  );
  if (judged.length === 0) throw new SelectionError(`no case of the selection is for the model ${model}`);
  const left = judged.filter((subject) => !matchesAny(subject, exclude));
  if (left.length === 0) throw new SelectionError('the selection is empty');
  return left;
}

/** The profile of the rules that a case judges. */
export function profileOf({ checks }: Case): Profile {
  const [rule] = Object.values(checks);
  if (rule === undefined) throw new Error('a case without checks');
  return RULES[rule].profile;
}

function matchesAny(subject: Case, names: readonly string[]): boolean {
  return names.some((name) => matches(subject, name));
}

function matches({ id, checks }: Case, name: string): boolean {
  return id === name || id.startsWith(`${name}.`) || Object.keys(checks).some((check) => `${id}/${check}` === name);
}

/** The most that a selection of cases could send and cost. */
export interface Plan extends Cost {
  cases: number;
  checks: number;
  /** In the currency of the price, as if nothing were cached. */
  money: number;
}

/** @param model the model that is tested, whose answers may take more than their texts */
export function planOf(cases: readonly Case[], limits: Limits, budget: Budget, model: string): Plan {
  const overhead = modelUnderTest(model).overhead.answer;
  const plan: Plan = { cases: cases.length, checks: 0, requests: 0, promptTokens: 0, completionTokens: 0, money: 0 };
  for (const subject of cases) {
    const cost = withOverhead(subject.cost(limits), overhead);
    plan.checks += Object.keys(subject.checks).length;
    plan.requests += cost.requests;
    plan.promptTokens += cost.promptTokens;
    plan.completionTokens += cost.completionTokens;
  }
  return { ...plan, money: budget.priceOf(plan) };
}
