import type { LimitName, Limits } from '../../contract/limits.ts';
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
}

/** The models of one emulator, each made when it is first asked for. */
export class Profiles {
  readonly #settings: ProfileSettings;
  readonly #served = new Map<string, ServedModel>();
  readonly #counters = new Map<ChatTemplate, Promise<PromptCounter>>();

  constructor(settings: ProfileSettings) {
    this.#settings = settings;
  }

  /** @throws RangeError for a name that is not a model's: requests are checked before, and so are state files */
  of(name: string): ServedModel {
    const known = this.#served.get(name);
    if (known) return known;
    const profile = findProfile(name);
    if (!profile) throw new RangeError(`${name} is not a known model`);
    const served = this.#serve(profile);
    this.#served.set(name, served);
    return served;
  }

  #serve(profile: ModelProfile): ServedModel {
    const { limits, given } = this.#settings;
    const own = { window_tokens: profile.window.value, max_tokens: profile.defaultOutput.value };
    return { profile, limits: { ...limits, ...own, ...given }, counter: () => this.#counterOf(profile) };
  }

  #counterOf({ template: { value: name } }: ModelProfile): Promise<PromptCounter> {
    const template = TEMPLATES[name];
    const known = this.#counters.get(template);
    if (known) return known;
    const counter = this.#settings.tokenizer.load().then((tokenizer) => new PromptCounter(tokenizer, template));
    // A vocabulary that could not be loaded is tried again with the next request.
    counter.catch(() => this.#counters.delete(template));
    this.#counters.set(template, counter);
    return counter;
  }
}

/** Whether two models read a history alike, so that a window that is counted for one is counted for the other. */
export function countAlike(one: ModelProfile, other: ModelProfile): boolean {
  return one.template.value === other.template.value && one.thinking.history.value === other.thinking.history.value;
}
