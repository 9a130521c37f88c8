import { TokenEstimate } from '../../contract/models.ts';
import { expectBody } from '../core/expect.ts';
import { Inconclusive } from '../core/verdict.ts';
import type { Api } from './api.ts';

/** What a prompt counts besides its messages: `<|im_assistant|>assistant<|im_middle|>`. */
export const PROMPT_TOKENS = 3;
/** What a message counts besides its text: its markers and the name of its role. */
export const FRAME_TOKENS = 4;

/** One token each in the vocabularies that are known, so that a size is soon hit; nothing depends on it. */
const WORDS = ' river stone lamp paper window garden road letter morning table'.split(/(?= )/);
const MAX_TRIES = 12;

/** Texts of exact sizes, by the target's own token counter. */
export class SizedTexts {
  readonly #api: Api;
  readonly #model: string;
  readonly #known = new Map<string, string>();

  constructor(api: Api, model: string) {
    this.#api = api;
    this.#model = model;
  }

  /** Tokens of a message of this text, framing included, as the target counts. */
  async tokensOf(content: string, role = 'user'): Promise<number> {
    const request = { model: this.#model, messages: [{ role, content }] };
    const reply = await this.#api.post('/tokenizers/estimate-token-count', request);
    return expectBody(reply, TokenEstimate).data.total_tokens - PROMPT_TOKENS;
  }

  /**
   * A text that begins with `beginning` and whose user message counts exactly `tokens`, framing included.
   * @throws Inconclusive where the target's counter lets no such text be found
   */
  async exactly(tokens: number, beginning = 'Noted:'): Promise<string> {
    const place = `${tokens} ${beginning}`;
    const known = this.#known.get(place);
    if (known !== undefined) return known;
    const text = await this.#find(tokens, beginning);
    this.#known.set(place, text);
    return text;
  }

  async #find(tokens: number, beginning: string): Promise<string> {
    let words = Math.max(0, tokens - FRAME_TOKENS - 2);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const text = beginning + filler(words);
      const counted = await this.tokensOf(text);
      if (counted === tokens) return text;
      const next = Math.max(0, words + tokens - counted);
      if (next === words) break;
      words = next;
    }
    throw new Inconclusive(`no text of exactly ${tokens} tokens was found by the target's counter`);
  }
}

function filler(words: number): string {
  return Array.from({ length: words }, (_, index) => WORDS[index % WORDS.length]).join('');
}
