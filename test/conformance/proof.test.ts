import { afterAll, expect, it } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { BENIGN } from '../../conformance/proof/benign.ts';
import { judgeBenign, judgeMutant, judgeNull } from '../../conformance/proof/judge.ts';
import { MUTANTS } from '../../conformance/proof/mutants.ts';
import { NULL_TARGETS } from '../../conformance/proof/nulls.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import { slice } from '../support/slice.ts';

/** One in so many at each commit; `npm run test:all` takes all, as `npm run prove` does. */
const EVERY = { mutant: 40, benign: 5, case: 15, null: 4 };

/** Broken servers stand before one emulator, each with accounts of its own there. */
const shared = await emulatorTarget();
afterAll(() => shared.close?.());

it.each(slice(MUTANTS, EVERY.mutant).map((mutant) => [mutant.id, mutant] as const))(
  'the broken server %s is caught',
  async (_, mutant) => {
    const { survived } = await judgeMutant(mutant, shared);
    expect(survived.map(({ id, verdict, message }) => `${id} says ${verdict}: ${message}`)).toEqual([]);
  },
);

it.each(slice(BENIGN, EVERY.benign).map((variant) => [variant.id, variant] as const))(
  'the harmless variant %s is not blamed',
  async (_, variant) => {
    const { blamed } = await judgeBenign(variant, { cases: slice(CASES, EVERY.case).map(({ id }) => id) });
    expect(blamed.map(({ id, verdict, message }) => `${id} says ${verdict}: ${message}`)).toEqual([]);
  },
);

it.each(slice(NULL_TARGETS, EVERY.null).map((subject) => [subject.id, subject] as const))(
  '%s does not pass',
  async (_, subject) => {
    expect((await judgeNull(subject)).fooled).toEqual([]);
  },
);
