import { wordsOfName } from './words.ts';

/** `asked`: "what is the KEY?" `narrowed`: "what is the KEY of …?" `mentioned`: anything else. */
type KeyRole = 'asked' | 'narrowed' | 'mentioned';

const list = (words: string): ReadonlySet<string> => new Set(words.split(' '));
const ASKING = list('what which who whose when where tell give show remind name state');
const NARROWING = list('of for in on at that which who whose from with to used by belonging');
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
