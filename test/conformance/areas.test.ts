import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { RULE_IDS, RULES } from '../../conformance/areas/rules.ts';
import { checkId } from '../../conformance/core/case.ts';
import { profileOf } from '../../conformance/core/selection.ts';
import { BENIGN } from '../../conformance/proof/benign.ts';
import { MUTANTS } from '../../conformance/proof/mutants.ts';
import { NULL_TARGETS } from '../../conformance/proof/nulls.ts';
import { mustChecks } from '../../conformance/proof/prove.ts';
import { CAPABILITIES } from '../../contract/capabilities.ts';

const checks = CASES.flatMap((subject) =>
  Object.entries(subject.checks).map(([name, rule]) => ({ id: checkId(subject, name), rule, subject })),
);

it('every rule that can be seen from outside has a check', () => {
  const judged = new Set<string>(checks.map(({ rule }) => rule));
  expect(RULE_IDS.filter((id) => RULES[id].verified === 'wire' && !judged.has(id))).toEqual([]);
});

it('every check judges a rule that can be seen from outside', () => {
  expect(checks.filter(({ rule }) => RULES[rule]?.verified !== 'wire')).toEqual([]);
});

it('every other rule names the test file that shows it', () => {
  const files = RULE_IDS.map((id) => RULES[id].verified).filter((verified) => verified !== 'wire');
  expect([...new Set(files)].filter((file) => !existsSync(new URL(`../../${file}`, import.meta.url)))).toEqual([]);
});

it('ids are unique, and say where they belong', () => {
  const ids = checks.map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(150);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !/^[a-z][a-z0-9]*\.[a-z0-9-]+\/[a-z0-9-]+$/.test(id))).toEqual([]);
  expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
  expect(RULE_IDS.filter((id) => !/^[a-z][a-z0-9]*\.[a-z0-9-]+$/.test(id))).toEqual([]);
});

it('a case belongs to one profile, and needs what there is', () => {
  for (const subject of CASES) {
    const profile = profileOf(subject);
    expect(
      Object.values(subject.checks).filter((rule) => RULES[rule].profile !== profile),
      subject.id,
    ).toEqual([]);
    expect(
      subject.needs.filter((name) => !CAPABILITIES.includes(name)),
      subject.id,
    ).toEqual([]);
    expect(subject.needs.length, subject.id).toBeGreaterThan(0);
  }
});

it('every MUST check is named by a broken server that it has to catch', () => {
  const named = new Set(MUTANTS.flatMap(({ caughtBy }) => caughtBy));
  expect(mustChecks().filter((id) => !named.has(id))).toEqual([]);
  const known = new Set(checks.map(({ id }) => id));
  expect([...named].filter((id) => !known.has(id))).toEqual([]);
});

it('the proof is as large as it has to be', () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(90);
  expect(BENIGN.length).toBeGreaterThanOrEqual(20);
  expect(NULL_TARGETS.length).toBeGreaterThanOrEqual(12);
  for (const list of [MUTANTS, BENIGN, NULL_TARGETS]) {
    expect(new Set(list.map(({ id }: { id: string }) => id)).size).toBe(list.length);
  }
});
