/** Of each account. */
const MOST_SHOWN = 3;
/** Characters: windows are large, and of a long exchange its beginning tells enough. */
const MAX_KEPT = 4_000;

/** What the accounts of one case sent and were answered: the evidence of a check that fails. Only the newest of each account is kept. */
export class Exchanges {
  readonly #main: string;
  readonly #kept: { account: string; text: string }[] = [];

  /** @param main the account whose exchanges need no mark */
  constructor(main: string) {
    this.#main = main;
  }

  record(account: string, exchange: string): void {
    const text = exchange.length > MAX_KEPT ? `${exchange.slice(0, MAX_KEPT)}…` : exchange;
    this.#kept.push({ account, text });
    const same = this.#kept.filter((kept) => kept.account === account);
    const [oldest] = same;
    if (oldest && same.length > MOST_SHOWN) this.#kept.splice(this.#kept.indexOf(oldest), 1);
  }

  /** In the order of the answers, newest last. Those of other accounts than the main one name theirs. */
  get recent(): string[] {
    return this.#kept.map(({ account, text }) => (account === this.#main ? text : `account ${account}: ${text}`));
  }
}

const MAX_LENGTH = 1_000;
/** What stands where a text was cut. */
const CUT = '…';
/** So much of a secret before a cut is taken for its beginning. */
const LEAST_BEGINNING = 4;

/** Takes keys and share ids, which let in whoever reads them, out of a text; and cuts a long one. */
export function redactor(keys: Iterable<string>, shares: Iterable<string>): (text: string) => string {
  const secrets = [...named(keys, '[key]'), ...named(shares, '[share]')];
  return (text) => {
    const safe = secrets.reduce((rest, [secret, name]) => without(rest, secret, name), text);
    return safe.length > MAX_LENGTH ? `${safe.slice(0, MAX_LENGTH)}${CUT} (${safe.length} characters)` : safe;
  };
}

function without(text: string, secret: string, name: string): string {
  const parts = text.replaceAll(secret, name).split(CUT);
  const last = parts.pop() ?? '';
  return [...parts.map((part) => withoutBeginning(part, secret, name)), last].join(CUT);
}

/** A text that was cut in the middle of a secret ends with its beginning. */
function withoutBeginning(text: string, secret: string, name: string): string {
  for (let length = secret.length - 1; length >= LEAST_BEGINNING; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + name;
  }
  return text;
}

function named(secrets: Iterable<string>, name: string): [string, string][] {
  return [...secrets].filter((secret) => secret !== '').map((secret) => [secret, name]);
}
