import type { LimitName, Limits } from '../../contract/limits.ts';
import { otherModel } from '../../contract/models/other.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { findProfile } from '../../contract/models/profiles.ts';
import type { ChatTemplate } from '../engines/tokens/chat-template.ts';
import { K2_TEMPLATE, K25_TEMPLATE } from '../engines/tokens/k2-template.ts';
import { K3_TEMPLATE } from '../engines/tokens/k3-template.ts';
import { PromptCounter } from '../engines/tokens/prompt-counter.ts';
import type { TokenizerSource } from '../engines/tokens/tokenizer.ts';

const TEMPLATES: Record<ModelProfile['template']['value'], ChatTemplate> = {
  k2: K2_TEMPLATE,
  'k2.5': K25_TEMPLATE,
  k3: K3_TEMPLATE,
};

/** Names that are remembered, of which clients of a gateway may send any. */
const MAX_SERVED = 1_024;

/** A profile as this emulator serves it. */
export interface ServedModel {
  readonly profile: ModelProfile;
  /** The limits of the contract, with the model's own window and answer where the user set none. */
  readonly limits: Limits;
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
}

/** The models of one emulator, each made when it is first asked for. */
export class Profiles {
  readonly #settings: ProfileSettings;
  readonly #served = new Map<string, ServedModel>();
  readonly #counters = new Map<ChatTemplate | 'other', Promise<PromptCounter>>();

  constructor(settings: ProfileSettings) {
    this.#settings = settings;
  }

  /** @throws RangeError for a name that is not a model's: requests are checked before, and so are state files */
  of(name: string): ServedModel {
    const known = this.#served.get(name);
    if (known) return known;
    const profile = this.find(name);
    if (!profile) throw new RangeError(`${name} is not a known model`);
    const served = this.#serve(profile);
    const [oldest] = this.#served.size >= MAX_SERVED ? this.#served.keys() : [];
    if (oldest !== undefined) this.#served.delete(oldest);
    this.#served.set(name, served);
    return served;
  }

  /** Whether models are served that this project does not know. */
  get takesOthers(): boolean {
    return this.#settings.otherTokenizer !== undefined;
  }

  /** Whether a model is none that this project knows. */
  isOther(name: string): boolean {
    return findProfile(name) === undefined;
  }

  /** The profile of a name; undefined where no such model can be served. */
  find(name: string): ModelProfile | undefined {
    return findProfile(name) ?? (this.takesOthers ? (this.#served.get(name)?.profile ?? otherModel(name)) : undefined);
  }

  #serve(profile: ModelProfile): ServedModel {
    const { limits, given } = this.#settings;
    const own = { window_tokens: profile.window.value, max_tokens: profile.defaultOutput.value };
    return { profile, limits: { ...limits, ...own, ...given }, counter: () => this.#counterOf(profile) };
  }

  #counterOf({ id, template: { value: name } }: ModelProfile): Promise<PromptCounter> {
    const template = TEMPLATES[name];
    const { tokenizer: own, otherTokenizer } = this.#settings;
    const [place, source] =
      !this.isOther(id) || !otherTokenizer ? [template, own] : (['other', otherTokenizer] as const);
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
