import { isBlank } from '../text/words.ts';

/**
 * The part of an answer that continues a beginning already written: what follows the beginning where the answer starts with
 * it (in JSON whatever its spacing), or where its end and the answer's beginning overlap; else the whole answer.
 */
export function continueFrom(prefix: string, answer: string): string {
  if (answer.startsWith(prefix)) return answer.slice(prefix.length);
  const said = prefix.trimEnd();
  if (said !== '' && answer.startsWith(said)) return answer.slice(said.length).trimStart();
  const beyond = /^\s*[{[]/.test(prefix) ? skipIgnoringSpace(prefix, answer) : undefined;
  if (beyond !== undefined) return answer.slice(beyond);
  const shared = overlap(prefix, answer);
  if (shared > 0) return answer.slice(shared);
  return wantsSpace(prefix.at(-1) ?? '') && inWord(answer[0] ?? '') ? ` ${answer}` : answer;
}

const HAN = /\p{Script=Han}/u;
const LETTER = /[\p{L}\p{N}]/u;
const inWord = (character: string): boolean => LETTER.test(character) && !HAN.test(character);
const wantsSpace = (character: string): boolean => inWord(character) || /[,:;.!?]/.test(character);

/** Where in `answer` all of `prefix` has been passed, spaces apart; undefined where they differ. */
function skipIgnoringSpace(prefix: string, answer: string): number | undefined {
  let at = 0;
  for (let index = 0; index < prefix.length; index += 1) {
    if (isSpace(prefix, index)) continue;
    while (isSpace(answer, at)) at += 1;
    if (prefix[index] !== answer[at]) return undefined;
    at += 1;
  }
  return at;
}

const isSpace = (text: string, at: number): boolean =>
  isBlank(text.charCodeAt(at)) || text[at] === '\n' || text[at] === '\r';

/** Units of the longest end of `prefix`, from the beginning of a word, with which `answer` begins. */
function overlap(prefix: string, answer: string): number {
  for (let length = Math.min(prefix.length, answer.length, 200); length > 0; length -= 1) {
    const before = prefix[prefix.length - length - 1] ?? ' ';
    if (!inWord(before) && prefix.endsWith(answer.slice(0, length))) return length;
  }
  return 0;
}
