import { CASES } from '../areas/cases.ts';
import { RULES } from '../areas/rules.ts';
import { checkId } from '../core/case.ts';
import { emulatorTarget } from '../targets/emulator.ts';
import { BENIGN } from './benign.ts';
import { type BenignResult, judgeBenign, judgeMutant, judgeNull, type MutantResult, type NullResult } from './judge.ts';
import { MUTANTS } from './mutants.ts';
import { NULL_TARGETS } from './nulls.ts';

/** What shows that the kit can be trusted. */
export interface Proof {
  mutants: MutantResult[];
  benign: BenignResult[];
  nulls: NullResult[];
  /** Scored MUST checks that no broken server makes fail, so that nobody knows whether they can. */
  toothless: string[];
}

interface ProveOptions {
  /** Only mutants of these areas; all where absent. Checks of other areas are then not looked for. */
  areas?: readonly string[];
  onProgress?: (what: string, done: number, all: number) => void;
}

/** Judges every broken server, every harmless variant and every null target. Takes minutes. */
export async function prove({ areas, onProgress = () => undefined }: ProveOptions = {}): Promise<Proof> {
  const subjects = MUTANTS.filter(({ area }) => !areas || areas.includes(area));
  const shared = await emulatorTarget();
  const mutants = await each(
    subjects,
    (subject) => judgeMutant(subject, shared),
    (done) => onProgress('broken servers', done, subjects.length),
  );
  await shared.close?.();
  const benign = await each(
    BENIGN,
    (variant) => judgeBenign(variant),
    (done) => onProgress('harmless variants', done, BENIGN.length),
  );
  const nulls = await each(NULL_TARGETS, judgeNull, (done) => onProgress('null targets', done, NULL_TARGETS.length));
  return { mutants, benign, nulls, toothless: areas ? [] : toothless(mutants) };
}

/** Whether the proof holds. */
export function holdsUp({ mutants, benign, nulls, toothless }: Proof): boolean {
  const survived = mutants.some((result) => result.survived.length > 0);
  const blamed = benign.some((result) => result.blamed.length > 0);
  const fooled = nulls.some((result) => result.fooled.length > 0);
  return !survived && !blamed && !fooled && toothless.length === 0;
}

/** MUST checks by their ids. */
export function mustChecks(): string[] {
  return CASES.flatMap((subject) =>
    Object.entries(subject.checks)
      .filter(([, rule]) => RULES[rule].level === 'MUST')
      .map(([name]) => checkId(subject, name)),
  );
}

function toothless(mutants: readonly MutantResult[]): string[] {
  const biting = new Set(mutants.flatMap(({ killed }) => killed));
  return mustChecks().filter((check) => !biting.has(check));
}

async function each<Subject, Result>(
  subjects: readonly Subject[],
  judge: (subject: Subject) => Promise<Result>,
  onDone: (done: number) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const subject of subjects) {
    results.push(await judge(subject));
    onDone(results.length);
  }
  return results;
}
