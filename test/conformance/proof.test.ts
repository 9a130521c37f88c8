import { expect, it } from 'vitest';
import { BENIGN } from '../../conformance/proof/benign.ts';
import { judgeBenign, judgeMutant, judgeNull } from '../../conformance/proof/judge.ts';
import { MUTANTS } from '../../conformance/proof/mutants.ts';
import { NULL_TARGETS } from '../../conformance/proof/nulls.ts';

/** All of them with KIMI_PROOF=all, as `npm run prove` does; otherwise some of every area. */
const EVERY = process.env.KIMI_PROOF === 'all' ? 1 : 10;

function some<Item>(items: readonly Item[]): Item[] {
  return items.filter((_, index) => index % EVERY === 0);
}

const areas = [...new Set(MUTANTS.map(({ area }) => area))];
const mutants = areas.flatMap((area) => some(MUTANTS.filter((mutant) => mutant.area === area)));

it.each(mutants.map((mutant) => [mutant.id, mutant] as const))('the broken server %s is caught', async (_, mutant) => {
  const { survived } = await judgeMutant(mutant);
  expect(survived.map(({ id, verdict, message }) => `${id} says ${verdict}: ${message}`)).toEqual([]);
});

it.each(some(BENIGN).map((variant) => [variant.id, variant] as const))(
  'the harmless variant %s is not blamed',
  async (_, variant) => {
    const { blamed } = await judgeBenign(variant);
    expect(blamed.map(({ id, verdict, message }) => `${id} says ${verdict}: ${message}`)).toEqual([]);
  },
);

it.each(NULL_TARGETS.map((subject) => [subject.id, subject] as const))('%s does not pass', async (_, subject) => {
  expect((await judgeNull(subject)).fooled).toEqual([]);
});
