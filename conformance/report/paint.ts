import type { Verdict } from '../core/verdict.ts';

const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35 } as const;
export type Colour = keyof typeof SGR;

/** Marks a text for a terminal; gives it back as it is where no colours are wanted. */
export type Paint = (colour: Colour, text: string) => string;

export function painter(colours: boolean): Paint {
  return (colour, text) => (colours && text !== '' ? `\x1b[${SGR[colour]}m${text}\x1b[0m` : text);
}

export const VERDICT_COLOURS: Record<Verdict, Colour> = {
  pass: 'green',
  fail: 'red',
  warn: 'yellow',
  info: 'blue',
  'n/a': 'dim',
  not_run: 'dim',
  error: 'magenta',
};
