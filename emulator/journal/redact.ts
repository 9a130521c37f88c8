import type { ReadText } from './kept-text.ts';

const HIDDEN = '[redacted]';
/** Whoever knows a share's id may read it. */
const SHARE_ID = /shr_(?!\[)[\w-]+/g;
/** Keys of services, whoever's they are. */
const SECRET = /\b(?:sk|ak)-[\w-]{6,}/g;
/** What may be the beginning of either, where a text is cut in the middle of it. */
const BEGUN = /(?:shr_?|sh|[sa]k?-?)[\w-]*$|Bearer *\S*$/;
/** A shorter key is a word, such as `test`, and hides nothing. */
const LEAST_KEY_LENGTH = 8;

/** Takes API keys and share ids out of what is shown. */
export class Redactor {
  readonly #keys: string[];

  /** @param keys those that requests came with */
  constructor(keys: Iterable<string>) {
    const secret = [...new Set(keys)].filter((key) => key.length >= LEAST_KEY_LENGTH || /^sk-./.test(key));
    const written = secret.flatMap((key) => [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]);
    this.#keys = [...new Set(written)].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    const without = this.#keys.reduce((rest, key) => rest.replaceAll(key, HIDDEN), text);
    return without.replaceAll(SECRET, HIDDEN).replaceAll(SHARE_ID, `shr_${HIDDEN}`);
  }

  /** A text as it is shown. A secret that the cut went through is left out with the rest. */
  kept({ head, tail, leftOut, unit }: ReadText): string {
    if (leftOut === 0) return this.text(head);
    const first = this.text(head);
    const last = this.text(tail);
    const border = this.#keys.reduce((most, key) => Math.max(most, overlap(first, key)), 0);
    const begun = BEGUN.exec(first)?.[0].length ?? 0;
    const ended = this.#keys.reduce((most, key) => Math.max(most, overlap(key, last)), 0);
    const rest = Math.max(ended, /^[\w-]*/.exec(last)?.[0].length ?? 0);
    const shownHead = first.slice(0, first.length - Math.max(border, begun));
    return `${shownHead} [${leftOut} ${unit} left out] ${last.slice(rest)}`;
  }

  /** A value of JSON with all its texts redacted. */
  value<Value>(value: Value): Value {
    return this.#visit(value) as Value;
  }

  #visit(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.#visit(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#visit(member)]));
  }
}

/** Length of the longest beginning of `next` that `before` ends with. */
function overlap(before: string, next: string): number {
  for (let length = Math.min(before.length, next.length); length > 0; length -= 1) {
    if (before.endsWith(next.slice(0, length))) return length;
  }
  return 0;
}
