import { inMode } from '../../proof/cells.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { answer, type Handler } from '../../proof/proxy.ts';
import { PARAM_CASES } from './param-cases.ts';

/** Refusals of messages written in one way name no field. */
function blamesNothing(mode: string): Handler {
  return inMode(mode, async (_, forward) => {
    const response = await forward();
    return answer(response, (await response.text()).replace(/,"param":"[^"]*"/g, ''));
  });
}

const mutant = mutantsOf('versions', { blamesNothing });

export const PARAM_MUTANTS: readonly Mutant[] = PARAM_CASES.map(({ id, checks }) => {
  const mode = id.replace('versions.param-', '');
  return mutant(`no-param-${mode}`, `a refusal of messages written as ${mode} has no \`param\``)
    .caughtBy(`${id}/${Object.keys(checks).join(' ')}`)
    .blamesNothing(mode);
});
