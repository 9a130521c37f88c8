import type { Role } from '../../../contract/messages.ts';
import type { Pacer } from './pacer.ts';
import type { TermIndex } from './term-index.ts';
import type { Unit } from './unit.ts';

/** The share of a question's worth that what follows must take up for it to count as answered. */
const ANSWERED = 0.15;
const OPEN_WEIGHT = 1.3;

/**
 * Moves questions that nobody took up to the open ones: what a user asked and no later message before the user's next
 * speaks of, and what an assistant asked in the end without a user speaking again.
 */
export async function markOpenQuestions(
  units: readonly Unit[],
  roleOf: (unit: Unit) => Role,
  index: TermIndex,
  pacer: Pacer,
): Promise<void> {
  const isNow = (unit: Unit) => unit.ref.snapshot === -1;
  let asked: number[] = [];
  let answered = new Set<number>();
  let answers = 0;
  const settle = () => {
    for (const at of asked) {
      const unit = units[at];
      if (unit !== undefined && index.overlap(at, answered) < ANSWERED) open(unit);
    }
    asked = [];
    answered = new Set();
  };
  for (const [at, unit] of units.entries()) {
    if (pacer.due()) await pacer.rest();
    if (!isNow(unit)) continue;
    const role = roleOf(unit);
    if (role === 'user') {
      if (answers > 0) settle();
      answers = 0;
      if (unit.asks) asked.push(at);
    } else {
      answers++;
      if (asked.length > 0) index.addTerms(at, answered);
    }
  }
  settle();
}

function open(unit: Unit): void {
  if (unit.section === 'task') return;
  unit.section = 'open';
  unit.weight *= OPEN_WEIGHT;
}
