import { CLAUSES, type Profile } from '../../contract/clauses.ts';
import { CASES } from '../cases/index.ts';
import type { Case } from './case.ts';

/** What was asked for is not there. */
export class SelectionError extends Error {}

export interface Selection {
  /** Every profile where absent. */
  profiles?: readonly Profile[];
  /** Cases by id, or areas (`append`), or single checks (`append.limit/exact-accepted`); every case where absent. */
  cases?: readonly string[];
}

/**
 * The cases of a selection, in running order. A case runs whole, so a check brings the rest of its case along.
 * @throws SelectionError for a name that fits nothing
 */
export function select({ profiles, cases }: Selection): Case[] {
  const ofProfiles = CASES.filter((subject) => !profiles || profiles.includes(profileOf(subject)));
  if (!cases) return ofProfiles;
  for (const name of cases) {
    if (!CASES.some((subject) => fits(subject, name))) {
      throw new SelectionError(`no case ${name}; \`kimi-emulator conformance list\` shows all`);
    }
  }
  const chosen = ofProfiles.filter((subject) => cases.some((name) => fits(subject, name)));
  if (chosen.length === 0) throw new SelectionError('no case is of that profile');
  return chosen;
}

/** The profile of the rules that a case judges. */
export function profileOf({ checks }: Case): Profile {
  const [clause] = Object.values(checks);
  if (clause === undefined) throw new Error('a case without checks');
  return CLAUSES[clause].profile;
}

function fits({ id, checks }: Case, name: string): boolean {
  return id === name || id.startsWith(`${name}.`) || Object.keys(checks).some((check) => `${id}/${check}` === name);
}
