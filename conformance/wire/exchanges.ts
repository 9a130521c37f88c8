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

  keep(account: string, exchange: string): void {
    const text = exchange.length > MAX_KEPT ? `${exchange.slice(0, MAX_KEPT)}…` : exchange;
    this.#kept.push({ account, text });
    const same = this.#kept.filter((kept) => kept.account === account);
    const [oldest] = same;
    if (oldest && same.length > MOST_SHOWN) this.#kept.splice(this.#kept.indexOf(oldest), 1);
  }

  /** In the order of the answers, newest last. Those of other accounts than the main one name theirs. */
  get shown(): string[] {
    return this.#kept.map(({ account, text }) => (account === this.#main ? text : `account ${account}: ${text}`));
  }
}
