import { REPLACED } from './labels.ts';
import type { Pacer } from './pacer.ts';
import type { Unit } from './unit.ts';

/** A name with more values than this is an attribute of many things rather than one thing that changes. */
const MAX_VALUES = 3;
const REPLACED_WEIGHT = 0.08;

interface Told {
  value: string;
  /** All values so far, from the second on. */
  values: Set<string> | undefined;
}

/**
 * Lets the latest value of a fact win: units whose every fact was given another value later are marked and weigh next to nothing, so that they come back
 * only where there is room for history.
 */
export async function markReplaced(units: readonly Unit[], pacer: Pacer): Promise<void> {
  const latest = new Map<string, Told>();
  for (const unit of units) {
    if (pacer.due()) await pacer.rest();
    for (const { key, plain, value } of unit.facts) {
      note(latest, key, value);
      if (plain !== key) note(latest, plain, value);
    }
  }
  for (const unit of units) {
    if (pacer.due()) await pacer.rest();
    if (unit.note === REPLACED || unit.facts.length === 0) continue;
    if (unit.facts.every(({ key, value }) => isReplaced(latest.get(key), value))) replace(unit);
  }
}

function note(latest: Map<string, Told>, key: string, value: string): void {
  const told = latest.get(key);
  if (told === undefined) latest.set(key, { value, values: undefined });
  else if (told.value !== value) {
    told.values ??= new Set([told.value]);
    if (told.values.size <= MAX_VALUES) told.values.add(value);
    told.value = value;
  }
}

function isReplaced(told: Told | undefined, value: string): boolean {
  return told?.values !== undefined && told.value !== value && told.values.size <= MAX_VALUES;
}

function replace(unit: Unit): void {
  unit.weight *= REPLACED_WEIGHT;
  unit.note = REPLACED;
  unit.line = -unit.line;
}
