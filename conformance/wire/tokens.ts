import { TokenEstimate } from '../../contract/models.ts';
import { expectBody } from '../core/expect.ts';
import { Inconclusive } from '../core/verdict.ts';
import type { Api } from './api.ts';
import { modelUnderTest, type Overhead } from './model.ts';
import type { Message } from './sessions.ts';

/** One token each in the vocabularies that are known, so that a size is soon hit; nothing depends on it. */
const WORDS = ' river stone lamp paper window garden road letter morning table'.split(/(?= )/);
const MAX_TRIES = 12;

/** Texts of exact sizes, by the target's own token counter. */
export class SizedTexts {
  readonly #api: Api;
  readonly #model: string;
  readonly overhead: Overhead;
  readonly #known = new Map<string, string>();

  constructor(api: Api, model: string) {
    this.#api = api;
    this.#model = model;
    this.overhead = modelUnderTest(model).overhead;
  }

  /** Tokens of a message of this text, framing included, as the target counts. */
  async tokensOf(content: string, role = 'user'): Promise<number> {
    return this.countOf([{ role, content } as Message]);
  }

  /** Tokens of messages, as the target counts. */
  async countOf(messages: readonly Message[]): Promise<number> {
    const request = { model: this.#model, messages };
    const reply = await this.#api.post('/tokenizers/estimate-token-count', request);
    return expectBody(reply, TokenEstimate).data.total_tokens - this.overhead.estimate;
  }

  /**
   * A text that begins with `beginning` and whose user message counts exactly `tokens`, framing included.
   * @throws Inconclusive where the target's counter lets no such text be found
   */
  async exactly(tokens: number, beginning = 'Noted:'): Promise<string> {
    const count = (text: string) => this.tokensOf(text);
    return this.#find(tokens, { place: beginning, beginning, least: this.overhead.message + 2, count });
  }

  /**
   * Messages that count exactly `tokens` together, behind those that stand before them.
   * @param build makes them around a text of any length
   * @throws Inconclusive where the target's counter lets no such text be found
   */
  async messagesOf(
    tokens: number,
    shape: string,
    build: (text: string) => Message[],
    before: readonly Message[] = [],
  ): Promise<Message[]> {
    const beginning = 'Noted:';
    const already = before.length > 0 ? await this.countOf(before) : 0;
    const count = async (text: string) => (await this.countOf([...before, ...build(text)])) - already;
    return build(
      await this.#find(tokens, { place: `shape ${shape}`, beginning, least: await count(beginning), count }),
    );
  }

  async #find(tokens: number, { place, beginning, least, count }: Search): Promise<string> {
    const known = this.#known.get(`${tokens} ${place}`);
    if (known !== undefined) return known;
    let words = Math.max(0, tokens - least);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const text = beginning + filler(words);
      const counted = await count(text);
      if (counted === tokens) {
        this.#known.set(`${tokens} ${place}`, text);
        return text;
      }
      const next = Math.max(0, words + tokens - counted);
      if (next === words) break;
      words = next;
    }
    throw new Inconclusive(`no text of exactly ${tokens} tokens was found by the target's counter`);
  }
}

interface Search {
  place: string;
  beginning: string;
  /** Tokens without a word of filler. */
  least: number;
  count(text: string): Promise<number>;
}

function filler(words: number): string {
  return Array.from({ length: words }, (_, index) => WORDS[index % WORDS.length]).join('');
}
