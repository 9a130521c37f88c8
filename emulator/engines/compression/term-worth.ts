import { isPair } from './character-frequency.ts';

/** Parts of times and dates, list numbers: rare by chance, and they tell little. */
const SHORT_NUMBER = /^\d{1,2}$/;
const SHORT_NUMBER_WORTH = 0.25;
/** The parts of what is joined by a mark are terms themselves. */
const JOINED = /[^\p{L}\p{N}\p{M}]/u;
const JOINED_WORTH = 0.3;
/** Each character of a script without spaces stands in two pairs. */
const PAIR_WORTH = 0.9;

function scaleOf(term: string): number {
  if (isPair(term)) return PAIR_WORTH;
  if (SHORT_NUMBER.test(term)) return SHORT_NUMBER_WORTH;
  return JOINED.test(term) ? JOINED_WORTH : 1;
}

/**
 * What telling a term for the first time is worth: the logarithm of its rareness, where `frequency` of `units` hold
 * it. Rounded, so that the order of units hangs on no last bit of a logarithm.
 */
export function worthOf(term: string, units: number, frequency: number): number {
  return Math.round(1024 * scaleOf(term) * Math.log2(1 + units / frequency)) / 1024;
}
