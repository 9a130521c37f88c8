const WIDTH = 30;
const STEPS = 10;
/** Carriage return, and clear to the end of the line. */
const AGAIN = '\r\x1b[K';

export interface Output {
  readonly isTTY?: boolean;
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
