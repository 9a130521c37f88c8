import type { Money } from './money.ts';
import type { Rates } from './price-table.ts';

/** Turns and the tokens that they took. */
export interface Work {
  turns: number;
  /** Of the prompts, without what was cached. */
  input: number;
  cached: number;
  output: number;
}

/** The work of one model at one price. */
export interface Tally {
  rates: Rates;
  own: Work;
  /** The turns that a client without sessions could have taken as well, as they were taken and as it would have taken them. */
  comparable: { own: Work; stateless: Work };
}

export function newTally(rates: Rates): Tally {
  return { rates, own: newWork(), comparable: { own: newWork(), stateless: newWork() } };
}

function newWork(): Work {
  return { turns: 0, input: 0, cached: 0, output: 0 };
}

export function addTurn(
  work: Work,
  { prompt, cached, output }: { prompt: number; cached: number; output: number },
): void {
  work.turns += 1;
  work.input += prompt - cached;
  work.cached += cached;
  work.output += output;
}

export function costOf({ input, cached, output }: Work, rates: Rates): Money {
  return BigInt(input) * rates.input + BigInt(cached) * rates.cachedInput + BigInt(output) * rates.output;
}

/** The same work as if nothing were ever cached. */
export function uncached({ turns, input, cached, output }: Work): Work {
  return { turns, input: input + cached, cached: 0, output };
}
