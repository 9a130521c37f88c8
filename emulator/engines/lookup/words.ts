import { classAt, RUN_ON, unitsAt, WORD } from '../text/words.ts';

/** A word, or one character of a script without spaces, in the form in which words are compared. */
export interface Word {
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
export function singular(word: string): string {
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
