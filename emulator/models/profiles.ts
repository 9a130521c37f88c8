import type { LimitName, Limits } from '../../contract/limits.ts';
import { MODEL_ID } from '../../contract/model-names.ts';
import { otherModel } from '../../contract/models/other.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { findProfile, PROFILES } from '../../contract/models/profiles.ts';
import { ApiError } from '../api-error.ts';
import type { Clock } from '../clock.ts';
import { K3_TEMPLATE } from '../engines/tokens/k3-template.ts';
import { type ChatTemplate, K2_TEMPLATE, K25_TEMPLATE, PromptCounter } from '../engines/tokens/prompt.ts';
import type { TokenizerSource } from '../engines/tokens/tokenizer.ts';

const TEMPLATES: Record<ModelProfile['template']['value'], ChatTemplate> = {
  k2: K2_TEMPLATE,
  'k2.5': K25_TEMPLATE,
  k3: K3_TEMPLATE,
};

/** Names that are remembered, of which clients of a gateway may send any. */
const MAX_SERVED = 1_024;

/** What Moonshot's own clients ask for where they are not told [kimi-code 0.38.0]. */
const CURRENT = 'kimi-k3';

/** Which models answer: those that are live at the emulator's time, or those of a list. Without it all that are known do. */
export type ServedModels = 'live' | readonly string[];

/** The names that mean a model, its id first. */
export const KNOWN_NAMES: readonly string[] = PROFILES.flatMap(namesOf);

function namesOf({ id, aliases }: ModelProfile): readonly string[] {
  return [id, ...aliases.value];
}

/** A profile as this emulator serves it. */
export interface ServedModel {
  readonly profile: ModelProfile;
  /** The limits of the contract, with the model's own window and answer where the user set none. */
  readonly limits: Limits;
  /** Which pictures and videos are not looked at here, because another server answers: its own files, or what the web has too. */
  readonly unseenMedia: 'none' | 'files' | 'files and web';
  /** Counts its prompts. Loads the vocabulary at the first call. */
  counter(): Promise<PromptCounter>;
}

interface ProfileSettings {
  readonly limits: Limits;
  /** The limits that the user set. */
  readonly given: Partial<Record<LimitName, number>>;
  readonly tokenizer: TokenizerSource;
  /** Counts for models that are not Kimi's. Where undefined, there are none. */
  readonly otherTokenizer?: TokenizerSource | undefined;
  readonly served: ServedModels | undefined;
  readonly clock: Clock;
}

/** The models of one emulator, each made when it is first asked for. */
export class Profiles {
  readonly #settings: ProfileSettings;
  readonly #served = new Map<string, ServedModel>();
  readonly #counters = new Map<string, Promise<PromptCounter>>();

  constructor(settings: ProfileSettings) {
    this.#settings = settings;
  }

  /** @throws RangeError for a name that is not a model's: requests are checked before, and so are state files */
  of(name: string): ServedModel {
    const known = this.#served.get(name);
    if (known) return known;
    const profile = this.#find(name);
    if (!profile) throw new RangeError(`${name} is not a known model`);
    const served = this.#serve(profile);
    const [oldest] = this.#served.size >= MAX_SERVED ? this.#served.keys() : [];
    if (oldest !== undefined) this.#served.delete(oldest);
    this.#served.set(name, served);
    return served;
  }

  /** @throws ApiError with the live API's text where no such model answers */
  require(name: string): ServedModel {
    const known = this.#served.get(name) ?? (this.#find(name) && this.of(name));
    if (known && this.#answers(known.profile)) return known;
    const served = PROFILES.filter((each) => this.#answers(each)).flatMap(namesOf);
    throw new ApiError('model_not_found', { model: name, served });
  }

  /** What `GET /v1/models` lists: what answers; without a choice, what is live, and the article's model behind it. */
  listed(): readonly ModelProfile[] {
    const { served, clock } = this.#settings;
    if (served !== undefined) return PROFILES.filter((profile) => this.#answers(profile));
    const now = clock.now();
    const [live, others] = [true, false].map((wanted) => PROFILES.filter((each) => isLive(each, now) === wanted));
    return [...(live ?? []), ...(others ?? []).filter(({ id }) => id === MODEL_ID)];
  }

  /**
   * The model of a session that names none: the article's; where that does not answer the current one, or else the first. In front of another
   * server, the first of those that may be asked for, or the current one.
   */
  get default(): string {
    const { served } = this.#settings;
    if (this.#takesOthers) return Array.isArray(served) ? (served[0] ?? CURRENT) : CURRENT;
    const listed = this.listed().map(({ id }) => id);
    return [MODEL_ID, CURRENT].find((id) => listed.includes(id)) ?? listed[0] ?? MODEL_ID;
  }

  /** Says of a model that has left the live API since when; undefined while it is there. */
  retirementNote({ id, retired }: ModelProfile): string | undefined {
    if (retired.value === null || this.#settings.clock.now() < Date.parse(retired.value)) return undefined;
    return `${id}: retired on the live API since ${retired.value}`;
  }

  /** Whether models are served that this project does not know. */
  get #takesOthers(): boolean {
    return this.#settings.otherTokenizer !== undefined;
  }

  /** Whether a model is none that this project knows. */
  isOther(name: string): boolean {
    return findProfile(name) === undefined;
  }

  /** The profile of a name; undefined where no such model can be served. */
  #find(name: string): ModelProfile | undefined {
    return findProfile(name) ?? (this.#takesOthers ? (this.#served.get(name)?.profile ?? otherModel(name)) : undefined);
  }

  #answers(profile: ModelProfile): boolean {
    const { served, clock } = this.#settings;
    if (served === undefined) return true;
    if (served === 'live') return isLive(profile, clock.now());
    return namesOf(profile).some((name) => served.includes(name));
  }

  #serve(profile: ModelProfile): ServedModel {
    const { limits, given, tokenizer, otherTokenizer } = this.#settings;
    const own = { window_tokens: profile.window.value, max_tokens: profile.defaultOutput.value };
    const template = TEMPLATES[profile.template.value];
    const isOther = otherTokenizer !== undefined && this.isOther(profile.id);
    const counter = () =>
      isOther
        ? this.#counterOf('other', otherTokenizer, template)
        : this.#counterOf(profile.template.value, tokenizer, template);
    // Kimi's own models take nothing of the web, wherever they are asked.
    const unseenMedia = !this.#takesOthers ? 'none' : isOther ? 'files and web' : 'files';
    return { profile, limits: { ...limits, ...own, ...given }, unseenMedia, counter };
  }

  #counterOf(place: string, source: TokenizerSource, template: ChatTemplate): Promise<PromptCounter> {
    const known = this.#counters.get(place);
    if (known) return known;
    const counter = source.load().then((tokenizer) => new PromptCounter(tokenizer, template));
    // A vocabulary that could not be loaded is tried again with the next request.
    counter.catch(() => this.#counters.delete(place));
    this.#counters.set(place, counter);
    return counter;
  }
}

/** Whether two models read a history alike, so that a window that is counted for one is counted for the other. */
export function countAlike(one: ModelProfile, other: ModelProfile): boolean {
  return one.template.value === other.template.value && one.thinking.history.value === other.thinking.history.value;
}

function isLive({ since, retired }: ModelProfile, nowMs: number): boolean {
  return nowMs >= Date.parse(since.value) && (retired.value === null || nowMs < Date.parse(retired.value));
}
