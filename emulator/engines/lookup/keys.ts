import { classAt, RUN_ON, unitsAt, WORD } from '../text/sentences.ts';
import { KEY_ONLY, type Lexicon } from './scan.ts';

/** A word, or one character of a script without spaces, in the form in which words are compared. */
interface Word {
  /** Lowercase, an English plural's `s` removed. */
  text: string;
  /** Lowercase, as it stands. */
  spelling: string;
  start: number;
  end: number;
  /** What it says about the matter: 1 for a word of content, 0.5 for one Han character (two make a word), else 0. */
  weight: number;
}

const list = (words: string): readonly string[] => words.split(' ');

const FILLERS = new Set([
  ...list(
    'a an the of to in on at for from by with as and or is are was were be been am do does did has have had it its',
  ),
  ...list(
    'this that these those there here what which who whom whose when where why how can could would will shall should',
  ),
  ...list(
    'may might must i me my mine you your yours he him his she her hers we us our ours they them their theirs s t re ve',
  ),
  ...list(
    'll d m please tell give show say answer reply respond return output question only just exactly now current currently',
  ),
  ...list(
    'value key about again remind know let not no if so then than into any some call use using tool json need want ask',
  ),
  ...list('new newest actual actually real really correct corrected updated revised still however instead fact'),
  ...list('mentioned earlier before previously said told given latest right also yes ok okay thanks thank hi hello'),
]);

const HAN_FILLERS = new Set('的了是在吗呢什么多少哪谁怎请问我你他她它们这那个和与为就都也有没不被把给'.split(''));

/** The words of a text in order. Meant for questions and keys: takes time linear in the text. */
export function words(text: string): Word[] {
  const found: Word[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const kind = classAt(text, at);
    at += unitsAt(text, at);
    if (kind === RUN_ON) {
      const character = text.slice(start, at);
      found.push({
        text: character,
        spelling: character,
        start,
        end: at,
        weight: HAN_FILLERS.has(character) ? 0 : 0.5,
      });
    } else if (kind === WORD) {
      while (at < text.length && classAt(text, at) === WORD) at += unitsAt(text, at);
      const word = text.slice(start, at).toLowerCase();
      found.push({ text: singular(word), spelling: word, start, end: at, weight: FILLERS.has(word) ? 0 : 1 });
    }
  }
  return found;
}

/** The words of a name: as {@link words}, and `maxTokens` in two. */
export const wordsOfName = (name: string): Word[] => words(name.replace(/([a-z0-9])([A-Z])/g, '$1 $2'));

/** Drops the `s` of an English plural; `status`, `address` and `analysis` keep theirs. */
function singular(word: string): string {
  return word.length > 3 && word.endsWith('s') && !/(?:ss|us|is)$/.test(word) ? word.slice(0, -1) : word;
}

/** The forms in which an English word may stand in a text: `guard` for `guards`, `guarded`, `guarding` and back. */
export function forms(word: string): string[] {
  const found = new Set([word, singular(word)]);
  if (!/^[a-z]{3,}$/.test(word)) return [...found];
  const stem = word.length > 4 ? word.replace(/(?:ing|ed|es|s|e)$/, '') : singular(word);
  for (const ending of ['', 's', 'e', 'es', 'ed', 'd', 'ing']) found.add(stem + ending).add(word + ending);
  return [...found];
}

/** How well a key of the context is named by what was asked for. Compare with {@link better}. */
export interface Match {
  /** Words of content in the key that were asked for. */
  readonly weight: number;
  /** Words of content in the key that were not. */
  readonly unmatched: number;
  /** Which of the things asked for this is. */
  readonly id: number;
}

/** Longest run of words that is compared as one name. */
const LONGEST_RUN = 20;
/** Runs of more words are not written as one word. */
const LONGEST_COMPOUND = 4;
const MAX_MEMO = 10_000;

interface Run {
  id: number;
  weight: number;
  /** No word of content stands right before it, which would narrow its meaning. */
  free: boolean;
}

/** Words that say nothing alone, but end a name: the API key, the default value. */
const NOUNS = new Set(['key', 'value', 'answer', 'question', 'output', 'call', 'tool', 'fact']);

const joined = (run: readonly Word[]): string => run.map((word) => word.text).join('');

/**
 * Tells whether keys name what was asked for: letter case, plurals, and spaces, underscores and hyphens between the words
 * make no difference, and a key may lead up to its name ("the new access code of the vault" names "access code of the vault").
 */
export class KeyMatcher {
  readonly #runs = new Map<string, Run>();
  readonly #asked = new Set<string>();
  readonly #spellings = new Set<string>();
  /** Records repeat their keys. */
  readonly #ofNames = new Map<string, Match | undefined>();
  readonly #ofProse = new Map<string, Match | undefined>();

  /** Every run of the question's words may be a key. */
  static forQuestion(question: string): KeyMatcher {
    const matcher = new KeyMatcher();
    const asked = wordsOfName(question).slice(-MAX_WORDS);
    const anyContent = asked.some((word) => word.weight > 0);
    let added = 0;
    for (let from = 0; from < asked.length; from += 1) {
      const free = (asked[from - 1]?.weight ?? 0) === 0;
      let name = '';
      let compound = '';
      let content = 0;
      let next = from;
      for (let at = from; at < asked.length && at < from + LONGEST_RUN; at += 1) {
        const { text, spelling, weight: own } = asked[at] as Word;
        name += text;
        compound += spelling;
        content += own;
        const weight = anyContent ? content : (at + 1 - from) / 2;
        if (weight === 0) continue;
        for (; next <= at; next += 1) {
          if (next < added) continue;
          matcher.#addWord(asked[next] as Word, anyContent);
          added = next + 1;
        }
        if (at - from < LONGEST_COMPOUND) matcher.#spellings.add(compound);
        matcher.#addRun(name, { id: 0, weight, free });
      }
    }
    return matcher;
  }

  /** Only the whole of each name is a key; its place in the list is its id. */
  static forNames(names: readonly string[]): KeyMatcher {
    const matcher = new KeyMatcher();
    names.forEach((name, id) => {
      const run = wordsOfName(name);
      if (run.length === 0) return;
      const anyContent = run.some((word) => word.weight > 0);
      for (const word of run) matcher.#addWord(word, anyContent);
      if (run.length <= LONGEST_COMPOUND) matcher.#spellings.add(run.map((word) => word.spelling).join(''));
      matcher.#addRun(joined(run), { id, weight: run.length, free: true });
    });
    return matcher;
  }

  /** @param besideContent whether the words of its run say anything about the matter */
  #addWord(word: Word, besideContent: boolean): void {
    this.#asked.add(word.text);
    // Words such as "of" end no key, and would make every separator behind them worth a look.
    if (word.weight === 0 && besideContent && !NOUNS.has(word.text)) return;
    for (const form of forms(word.spelling)) this.#spellings.add(form);
  }

  #addRun(name: string, entry: Run): void {
    const known = this.#runs.get(name);
    if (known === undefined) this.#runs.set(name, entry);
    else if (entry.free) known.free = true;
  }

  /** Adds the words with which a matching key can end. */
  addTo(lexicon: Lexicon): void {
    for (const spelling of this.#spellings) lexicon.add(spelling, KEY_ONLY);
  }

  /** The longest end of the key that was asked for, or undefined. `name`: the key is not prose, and is read whole. */
  match(key: string, name: boolean): Match | undefined {
    const memo = name ? this.#ofNames : this.#ofProse;
    const known = memo.get(key);
    if (known !== undefined || memo.has(key)) return known;
    const match = this.#find(key, name);
    if (memo.size < MAX_MEMO) memo.set(key, match);
    return match;
  }

  #find(key: string, name: boolean): Match | undefined {
    const all = name ? wordsOfName(key) : words(key);
    for (let from = 0; from < all.length; from += 1) {
      const run = this.#runs.get(joined(all.slice(from)));
      if (run === undefined) continue;
      let weight = run.weight;
      let unmatched = 0;
      for (const word of all.slice(0, from)) {
        if (this.#asked.has(word.text)) weight += word.weight;
        else unmatched += word.weight;
      }
      const led = unmatched > 0 && (name || !run.free || (unmatched > weight && !isHan(all)));
      return led ? undefined : { id: run.id, weight, unmatched };
    }
    return undefined;
  }
}

/** Words of a long question that may name a key: its last. */
const MAX_WORDS = 96;

const isHan = (run: readonly Word[]): boolean => run.some((word) => word.weight === 0.5);

/** Positive where `a` is named better than `b`. */
export const better = (a: Match, b: Match): number => a.weight - b.weight || b.unmatched - a.unmatched;

/** `asked`: "what is the KEY?" `narrowed`: "what is the KEY of …?" `mentioned`: anything else. */
type KeyRole = 'asked' | 'narrowed' | 'mentioned';

const ASKING: ReadonlySet<string> = new Set(list('what which who whose when where tell give show remind name state'));
const NARROWING: ReadonlySet<string> = new Set(
  list('of for in on at that which who whose from with to used by belonging'),
);
/** What follows a key that a Chinese question asks for: 密码是多少, 密码呢, 密码有哪些. */
const HAN_ASKING = new Set('是为呢有在多几叫');

/** How a question speaks of a key. */
export function roleOf(key: string, question: string): KeyRole {
  const asked = wordsOfName(question);
  const named = wordsOfName(key).map((word) => word.text);
  const names = new Set(named);
  const last = named.at(-1);
  for (let at = asked.length - 1; at >= 0; at -= 1) {
    if (asked[at]?.text !== last) continue;
    const next = asked[at + 1];
    if (asked[at]?.weight === 0.5) {
      if (next === undefined || HAN_ASKING.has(next.text)) return 'asked';
      continue;
    }
    let before = at - 1;
    while (before >= 0 && isPassed(asked[before], names)) before -= 1;
    if (!ASKING.has(asked[before]?.spelling ?? '')) continue;
    return NARROWING.has(next?.spelling ?? '') ? 'narrowed' : 'asked';
  }
  return 'mentioned';
}

const isPassed = (
  word: { text: string; spelling: string; weight: number } | undefined,
  names: ReadonlySet<string>,
): boolean => word !== undefined && !ASKING.has(word.spelling) && (word.weight === 0 || names.has(word.text));
