import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { get_encoding } from 'tiktoken';

/** Data that lies beside the project, where it is to be had. */
export const SHARED = fileURLToPath(new URL('../../../../shared/', import.meta.url));
export const KIMI_FILE = `${SHARED}kimi-k2/tiktoken.model`;

/** Independent of the code under test: gives the ids of a text. */
export type Oracle = (text: string) => number[];

/** The `tiktoken` package itself. Quadratic in the length of a piece. */
export function tiktokenOracle(): Oracle {
  const encoding = get_encoding('o200k_base');
  return (text) => Array.from(encoding.encode_ordinary(text));
}

const UPPER = '\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}';
const LOWER = '\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}';
const CONTRACTION = "(?:'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?";
/** What `\s` is in the reference; in JavaScript it leaves out U+0085 and takes in U+FEFF. */
const SPACE = '\\p{White_Space}';

function splitPattern(upper: string, lower: string, trailing: string): string {
  return [
    `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${CONTRACTION}`,
    `[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${CONTRACTION}`,
    '\\p{N}{1,3}',
    ` ?[^${SPACE}\\p{L}\\p{N}]+${trailing}*`,
    `${SPACE}*[\\r\\n]+`,
    `${SPACE}+(?!\\P{White_Space})`,
    `${SPACE}+`,
  ].join('|');
}

/** The split patterns as published, for JavaScript's own engine. */
export const SPLIT = {
  o200k_base: new RegExp(splitPattern(`[${UPPER}]`, `[${LOWER}]`, '[\\r\\n\\/]'), 'gv'),
  'kimi-k2': new RegExp(
    `\\p{Script=Han}+|${splitPattern(`[[${UPPER}]--[\\p{Script=Han}]]`, `[[${LOWER}]--[\\p{Script=Han}]]`, '[\\r\\n]')}`,
    'gv',
  ),
};

/** Kimi's vocabulary by its published pattern and by the book: merges the lowest pair, over and over. Cubic, nearly. */
export function kimiOracle(): Oracle {
  const lines = readFileSync(KIMI_FILE, 'latin1').trimEnd().split('\n');
  const ranks = new Map(
    lines.map((line) => {
      const [token = '', rank] = line.split(' ');
      return [Buffer.from(token, 'base64').toString('latin1'), Number(rank)];
    }),
  );
  return (text) =>
    stretches(text).flatMap((stretch) =>
      (stretch.match(SPLIT['kimi-k2']) ?? []).flatMap((piece) => mergePiece(piece, ranks)),
    );
}

/** White space as Python has it. */
const PYTHON_SPACE = `${SPACE}\\u001c-\\u001f`;
const RUNS = new RegExp(`[${PYTHON_SPACE}]{1,25000}|[^${PYTHON_SPACE}]{1,25000}`, 'gu');
const BEGINS_WITH_SPACE = new RegExp(`^[${PYTHON_SPACE}]`, 'u');

/** What the official tokenizer encodes apart: 400,000 characters at most, and 25,000 of white space or of anything else. */
export function stretches(text: string): string[] {
  const characters = Array.from(text);
  const parts: string[] = [];
  for (let from = 0; from < characters.length; from += 400_000) {
    const chunk = characters.slice(from, from + 400_000).join('');
    let part = '';
    let wasSpace: boolean | undefined;
    for (const run of chunk.match(RUNS) ?? []) {
      const isSpace = BEGINS_WITH_SPACE.test(run);
      if (isSpace === wasSpace) {
        parts.push(part);
        part = '';
      }
      part += run;
      wasSpace = isSpace;
    }
    parts.push(part);
  }
  return parts;
}

function mergePiece(piece: string, ranks: ReadonlyMap<string, number>): number[] {
  const rankOf = (part: string) => ranks.get(part) ?? Number.POSITIVE_INFINITY;
  const whole = Buffer.from(piece).toString('latin1');
  const parts = ranks.has(whole) ? [whole] : Array.from(whole);
  for (;;) {
    let best = -1;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = rankOf(`${parts[i]}${parts[i + 1]}`);
      if (rank < bestRank) [best, bestRank] = [i, rank];
    }
    if (best === -1) return parts.map(rankOf);
    parts.splice(best, 2, `${parts[best]}${parts[best + 1]}`);
  }
}
