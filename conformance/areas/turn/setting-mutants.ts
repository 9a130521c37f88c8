import { isDeepStrictEqual } from 'node:util';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import type { Json } from '../../proof/proxy.ts';
import { onTurn } from './mutant-support.ts';
import { OBEYED, REFUSED } from './setting-cases.ts';

/** Servers that hand a turn on without one of its settings. */

const mutant = mutantsOf('turn', { without });
const MODES = ['whole', 'streamed'] as const;

/** Takes the settings out of a turn that has exactly these. */
function without(streamed: boolean, settings: object) {
  const asSent = JSON.parse(JSON.stringify(settings)) as Json;
  const hasOthers = Object.keys(asSent).some((field) => field !== 'max_tokens');
  return onTurn((body, forward) => {
    const isIt =
      (body.stream === true) === streamed &&
      Object.entries(asSent).every(([field, value]) => isDeepStrictEqual(body[field], value));
    if (!isIt) return forward();
    const left = Object.entries(body).filter(([field]) => !(field in asSent) || (hasOthers && field === 'max_tokens'));
    return forward({ body: Object.fromEntries(left) });
  });
}

/** The chunk that `stream_options` asks for does not come. */
function withoutOptions() {
  return onTurn(({ stream_options: _, ...body }, forward) => forward({ body }));
}

const USAGE_CHUNK = mutant('usage-chunk-missing', 'a streamed turn has no chunk of usage where one is asked for')
  .caughtBy('turn.features-streamed-with-usage/text-stored')
  .proxy(withoutOptions);

export const SETTING_MUTANTS: readonly Mutant[] = [
  USAGE_CHUNK,
  ...MODES.flatMap((mode) => [
    ...Object.entries(OBEYED).map(([name, { more }]) =>
      mutant(`${name}-not-obeyed-${mode}`, `a turn answered ${mode} does not obey ${name}`)
        .caughtBy(`turn.settings-${mode}/${name}`)
        .without(mode === 'streamed', more),
    ),
    ...Object.entries(REFUSED).map(([name, fields]) =>
      mutant(`${name}-taken-${mode}`, `a turn answered ${mode} takes a ${name} that is refused outside of a session`)
        .caughtBy(`turn.settings-${mode}/${name}-refused`)
        .without(mode === 'streamed', fields),
    ),
  ]),
];
