import { MODEL_ID } from '../../contract/model-names.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { findProfile, PROFILES } from '../../contract/models/profiles.ts';
import { ApiError } from '../api-error.ts';
import type { Clock } from '../clock.ts';
import type { Profiles } from './profiles.ts';

/** Which models answer: those that are live at the emulator's time, or those of a list. Without it all that are known do. */
export type ServedModels = 'live' | readonly string[];

/** What is asked to know which models there are: a part of `Services`. */
interface Serving {
  readonly served: ServedModels | undefined;
  readonly profiles: Profiles;
  readonly clock: Clock;
}

/** What Moonshot's own clients ask for where they are not told [kimi-code 0.38.0]. */
const CURRENT = 'kimi-k3';

/** The names that mean a model, its id first. */
export const KNOWN_NAMES: readonly string[] = PROFILES.flatMap(namesOf);

function namesOf({ id, aliases }: ModelProfile): readonly string[] {
  return [id, ...aliases.value];
}

/** @throws ApiError with the live API's text where no such model answers */
export function requireProfile(services: Serving, model: string): ModelProfile {
  const profile = services.profiles.find(model);
  if (profile && isServed(services, profile)) return profile;
  const served = PROFILES.filter((each) => isServed(services, each)).flatMap(namesOf);
  throw new ApiError('model_not_found', { model, served });
}

/** What `GET /v1/models` lists: what answers; without a choice, what is live, and the article's model behind it. */
export function listedProfiles(services: Serving): readonly ModelProfile[] {
  if (services.served !== undefined) return PROFILES.filter((profile) => isServed(services, profile));
  const now = services.clock.now();
  const [live, others] = [true, false].map((wanted) => PROFILES.filter((each) => isLive(each, now) === wanted));
  return [...(live ?? []), ...(others ?? []).filter(({ id }) => id === MODEL_ID)];
}

/**
 * The model of a session that names none: the article's, or the first that answers where that does not. Of another server, which
 * has the article's no longer, the first that is live.
 */
export function defaultModel(services: Serving): string {
  const listed = listedProfiles(services);
  const [first] = listed;
  if (services.profiles.takesOthers) return listed.find(({ id }) => id === CURRENT)?.id ?? first?.id ?? CURRENT;
  const article = findProfile(MODEL_ID);
  return first === undefined || (article && isServed(services, article)) ? MODEL_ID : first.id;
}

/** Says of a model that has left the live API since when; undefined while it is there. */
export function retirementNote({ clock }: Serving, { id, retired }: ModelProfile): string | undefined {
  if (retired.value === null || clock.now() < Date.parse(retired.value)) return undefined;
  return `${id}: retired on the live API since ${retired.value}`;
}

function isServed({ served, clock }: Serving, profile: ModelProfile): boolean {
  if (served === undefined) return true;
  if (served === 'live') return isLive(profile, clock.now());
  return namesOf(profile).some((name) => served.includes(name));
}

function isLive({ since, retired }: ModelProfile, nowMs: number): boolean {
  return nowMs >= Date.parse(since.value) && (retired.value === null || nowMs < Date.parse(retired.value));
}
