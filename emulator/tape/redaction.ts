import { compilePattern, type Pattern } from '../engines/patterns/pattern.ts';
import { pairsOf } from '../gateway/upstream.ts';
import { Redactor } from '../journal/redact.ts';

const HIDDEN = '[redacted]';
/** Headers whose values are secrets. */
const SECRET_HEADER = /auth|cookie|key|secret|token/i;
/** Parameters of a query whose values are secrets. */
const SECRET_PARAMETER =
  /^(?:(?:api|access)?[-_]?key|(?:access[-_]?)?token|auth(?:orization)?|secret|password|sig(?:nature)?)$/i;

/** Takes keys, and what the user's own patterns match, out of whatever is written to a tape. */
export class TapeRedactor {
  readonly #keys: Redactor;
  readonly #patterns: readonly Pattern[];

  constructor(secrets: readonly string[], patterns: readonly Pattern[]) {
    this.#keys = new Redactor(secrets);
    this.#patterns = patterns;
  }

  text(text: string): string {
    return this.#patterns.reduce((shown, pattern) => pattern.replaceAll(shown, HIDDEN), this.#keys.text(text));
  }

  /** A JSON value with all its strings redacted, the names of its members too. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [this.text(name), this.value(member)]));
  }

  /** A path with its query, however its characters are encoded. */
  path(path: string): string {
    const [route = '', ...rest] = path.split('?');
    const shown = route.split('/').map((piece) => this.#encoded(piece));
    if (rest.length === 0) return shown.join('/');
    const parameters = rest
      .join('?')
      .split('&')
      .map((parameter) => this.#parameter(parameter));
    return `${shown.join('/')}?${parameters.join('&')}`;
  }

  #parameter(parameter: string): string {
    const [name = '', ...value] = parameter.split('=');
    if (value.length === 0) return this.#encoded(name);
    if (SECRET_PARAMETER.test(decoded(name))) return `${name}=${HIDDEN}`;
    return `${this.#encoded(name)}=${this.#encoded(value.join('='))}`;
  }

  #encoded(piece: string): string {
    const read = decoded(piece);
    const shown = this.text(read);
    return shown === read ? this.text(piece) : shown;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** What headers hold that must not be written anywhere, of a request or of an answer. */
export function secretsIn(headers: readonly string[]): string[] {
  return pairsOf(headers).flatMap(([name, value]) => {
    if (!SECRET_HEADER.test(name)) return [];
    const parts = value.split(/[\s;,]+/).flatMap((part) => [part, part.slice(part.indexOf('=') + 1)]);
    return parts.filter((part) => part.length > SCHEME_LENGTH);
  });
}

/** Longer than `Bearer` and the other words that stand before a secret. */
const SCHEME_LENGTH = 'Negotiate'.length;

/** @throws PatternError for what is not a pattern that can be used, which names it */
export function compileRedactions(sources: readonly string[]): Pattern[] {
  return sources.map((source) => compilePattern(source));
}
