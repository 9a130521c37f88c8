import { REPLACED } from './labels.ts';
import type { Pacer } from './pacer.ts';
import type { Ref, Unit } from './unit.ts';

/** A name with more values than this is an attribute of many things rather than one thing that changes. */
const MAX_VALUES = 3;
const REPLACED_WEIGHT = 0.08;
/** News of a fact whose name has many values. */
const GENERIC_NEWS = 0.25;

interface Told {
  value: string;
  at: Ref;
  /** All values so far, from the second on. */
  values: Set<string> | undefined;
  /** One message gave it two values: it belongs to several things. */
  several: boolean;
}

/**
 * Lets the latest value of a fact win: units whose every fact was given another value by a later message are marked
 * and weigh next to nothing, so that they come back only where there is room for history. What is told of many things
 * under one name is less news each time.
 */
export async function weighFacts(units: readonly Unit[], pacer: Pacer): Promise<void> {
  const latest = new Map<string, Told>();
  for (const unit of units) {
    if (pacer.due()) await pacer.rest();
    for (const { key, plain, value } of unit.facts) {
      note(latest, key, value, unit.ref);
      if (plain !== key) note(latest, plain, value, unit.ref);
    }
  }
  for (const unit of units) {
    if (pacer.due()) await pacer.rest();
    if (unit.note === REPLACED || unit.facts.length === 0) continue;
    if (unit.facts.every(({ key, value }) => isReplaced(latest.get(key), value))) replace(unit);
    if (unit.facts.every(({ plain }) => isGeneric(latest.get(plain)))) unit.news *= GENERIC_NEWS;
  }
}

function note(latest: Map<string, Told>, key: string, value: string, at: Ref): void {
  const told = latest.get(key);
  if (told === undefined) latest.set(key, { value, at, values: undefined, several: false });
  else if (told.value !== value) {
    told.several ||= told.at.place === at.place && told.at.snapshot === at.snapshot;
    told.values ??= new Set([told.value]);
    if (told.values.size <= MAX_VALUES) told.values.add(value);
    told.value = value;
  }
  if (told !== undefined) told.at = at;
}

function isReplaced(told: Told | undefined, value: string): boolean {
  return told !== undefined && told.value !== value && !told.several && !isGeneric(told);
}

function isGeneric(told: Told | undefined): boolean {
  return told?.values !== undefined && told.values.size > MAX_VALUES;
}

function replace(unit: Unit): void {
  unit.weight *= REPLACED_WEIGHT;
  unit.note = REPLACED;
  unit.line = -unit.line;
}
