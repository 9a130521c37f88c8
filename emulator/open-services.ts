import { resolveLimits } from '../contract/limits.ts';
import { findProfile } from '../contract/models/profiles.ts';
import { MovableClock, SEEDED_START_MS, stillClock, systemClock } from './clock.ts';
import { O200K_BASE } from './engines/tokens/vocabulary-files.ts';
import { Faults } from './faults/faults.ts';
import { randomIds, SeededIds } from './ids.ts';
import { Journal } from './journal/journal.ts';
import { type Model, withOwnPrompt } from './models/model.ts';
import { Profiles } from './models/profiles.ts';
import { lookupModel, ScriptableModel } from './models/scriptable.ts';
import { type EmulatorOptions, hintPlace } from './options.ts';
import type { Services } from './services.ts';
import { State } from './state/state.ts';
import { MEMORY } from './store/database.ts';
import { Store } from './store/store.ts';
import { openTokenizer } from './tokenizer.ts';

/** Past windows of each session. */
export const DEFAULT_HISTORY = 500;

interface Surroundings {
  /** Aborted when the emulator closes. */
  closing: AbortSignal;
  /** Whether models are served that this project does not know. */
  takesOthers?: boolean;
}

/** What the rules work with: an emulator without its server. */
export function openServices(
  options: EmulatorOptions,
  { closing, takesOthers = false }: Surroundings,
): Services & { model: ScriptableModel } {
  const limits = resolveLimits(options.limits);
  const { tokenizer: vocabulary, seed } = options;
  const tokenizer =
    typeof vocabulary === 'object' ? vocabulary : openTokenizer(vocabulary === undefined ? {} : { file: vocabulary });
  const otherTokenizer = takesOthers ? openTokenizer({ file: O200K_BASE.name }) : undefined;
  const { history = DEFAULT_HISTORY } = options;
  const knows = takesOthers ? undefined : (name: string) => findProfile(name) !== undefined;
  const store = new Store(options.database ?? MEMORY, history, knows);
  const seededIds = seed === undefined ? undefined : new SeededIds(String(seed), store.countRun());
  const clock = new MovableClock(options.clock ?? (seededIds ? stillClock(SEEDED_START_MS) : systemClock));
  const profiles = new Profiles({
    limits,
    given: options.limits ?? {},
    tokenizer,
    otherTokenizer,
    served: options.models,
    clock,
  });
  const state = new State({ store, limits, profiles, tokenizer, clock, seededIds });
  const journal = new Journal(options.journal);
  const faults = new Faults();
  const model = new ScriptableModel(options.model ? givenModel(options.model) : lookupModel());
  state.onReset.push(
    () => journal.markReset(clock.now()),
    () => faults.clear(),
    () => model.reset(),
  );
  return {
    store,
    limits,
    clampsAnswers: options.oversizedAnswer !== 'refuse',
    hintsInBody: (options.hints ?? hintPlace(process.env)) === 'body',
    isStateless: options.stateless === true,
    tokenizer,
    model,
    profiles,
    clock,
    ids: seededIds?.next ?? randomIds(),
    state,
    faults,
    journal,
    closing,
    billing: { settings: options.billing ?? {} },
  };
}

/** A model that is not ours. */
function givenModel(model: Model): Model {
  return { name: model.name, complete: (request) => model.complete(withOwnPrompt(request)) };
}
