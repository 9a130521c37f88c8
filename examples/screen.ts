import type { TurnResult } from '../client/index.ts';
import { costOf, type Money, PriceTable, showMoney } from '../emulator/billing/ledger.ts';

const WIDTH = 30;
const STEPS = 10;
/** Carriage return, and clear to the end of the line. */
const AGAIN = '\r\x1b[K';

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How full the window is: a bar that moves on a terminal, plain lines elsewhere, one for every tenth of the trigger. */
export class Progress {
  readonly #out: Output;
  readonly #trigger: number;
  #step = -1;

  constructor(out: Output, trigger: number) {
    this.#out = out;
    this.#trigger = trigger;
  }

  show(windowTokens: number, round: number): void {
    const share = Math.min(1, windowTokens / this.#trigger);
    const step = Math.floor(share * STEPS);
    const filled = Math.round(share * WIDTH);
    const bar = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}]`;
    const text = `${bar} ${count(windowTokens).padStart(7)} of ${count(this.#trigger)} tokens, round ${round}`;
    if (this.#out.isTTY) this.#out.write(AGAIN + text);
    else if (step !== this.#step) this.#out.write(`${text}\n`);
    this.#step = step;
  }

  /** A line that stays, above the bar. */
  say(line: string): void {
    this.#out.write(`${this.#out.isTTY ? AGAIN : ''}${line}\n`);
  }
}

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

const BAR = 24;
const LEAST_COLUMNS = 60;
const USUAL_COLUMNS = 80;
const ANSWER_CHARACTERS = 60;

/** A status that is drawn again in place on a terminal; elsewhere, a line for everything that happens. */
export class Screen {
  readonly #out: Output;
  readonly #maxKeep: number;
  readonly #model: string;
  readonly #prices = new PriceTable();
  #file = '';
  #tail = '';
  #tokens = 0;
  #snapshots = 0;
  #cutTokens = 0;
  #spent: Money = 0n;
  #drawn = 0;

  /** @param model whose dated prices the turns are billed at */
  constructor(out: Output, maxKeep: number, model: string) {
    this.#out = out;
    this.#maxKeep = maxKeep;
    this.#model = model;
  }

  begin(file: string): void {
    this.#file = file;
    this.#tail = '';
    this.#draw();
  }

  text(delta: string): void {
    this.#tail = (this.#tail + delta).replaceAll(/\s+/g, ' ').slice(-this.#columns);
    this.#draw();
  }

  end({ usage, text }: TurnResult): void {
    const prices = this.#prices.find(this.#model, 'USD', Date.now());
    if (usage && prices) {
      const { prompt_tokens: prompt, completion_tokens: output, cached_tokens: cached = 0 } = usage;
      this.#spent += costOf({ turns: 1, input: prompt - cached, cached, written: 0, output }, prices);
    }
    this.say(`reviewed ${this.#file}  ${count(usage?.prompt_tokens ?? 0)} tokens read, ${this.#cost}`);
    const [answer = ''] = text.trim().split('\n');
    this.say(`         ${answer.length > ANSWER_CHARACTERS ? `${answer.slice(0, ANSWER_CHARACTERS)}…` : answer}`);
  }

  window(tokens: number): void {
    this.#tokens = tokens;
    this.#draw();
  }

  snapshot(id: string): void {
    this.#snapshots += 1;
    this.say(`snapshot ${id}`);
  }

  cut(before: number, after: number): void {
    this.#cutTokens += before - after;
    this.say(`cut      ${count(before)} -> ${count(after)} tokens`);
  }

  /** A line that stays. */
  say(line: string): void {
    this.#clear();
    this.#out.write(`${line}\n`);
    this.#draw();
  }

  close(turns: number, snapshots: number): void {
    this.#clear();
    this.#out.write(
      `${turns} turns, ${snapshots} snapshots, ${count(this.#cutTokens)} tokens cut, ${count(this.#tokens)} in the window, ${this.#cost}\n`,
    );
  }

  get #columns(): number {
    return Math.max(LEAST_COLUMNS, (this.#out.columns || USUAL_COLUMNS) - 2);
  }

  get #cost(): string {
    return `$${showMoney(this.#spent, 4)} so far`;
  }

  #draw(): void {
    if (!this.#out.isTTY) return;
    this.#clear();
    const filled = Math.round(Math.min(1, this.#tokens / this.#maxKeep) * BAR);
    const lines = [
      `${this.#file}`,
      this.#tail,
      `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}] ${count(this.#tokens)} of ${count(this.#maxKeep)} tokens`,
      `${this.#snapshots} snapshots, ${count(this.#cutTokens)} tokens cut, ${this.#cost}`,
    ];
    this.#out.write(lines.map((line) => `${line.slice(0, this.#columns)}\n`).join(''));
    this.#drawn = lines.length;
  }

  /** Cursor up over what was drawn, and clear to the end of the screen. */
  #clear(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }
}
