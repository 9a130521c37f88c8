/** A file of settings that cannot be used; the message is one line that says which file and line, and what is wrong. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
}

/** @throws RangeError that names the option of `createEmulator`, what it must be and what was found, in one line */
export function refuseOption(option: string, wanted: string, found: unknown): never {
  const shown = JSON.stringify(found, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
  throw new RangeError(`option ${option} must be ${wanted}, not ${shown ?? String(found)}`);
}

/** @throws TypeError for an unknown name, with the nearest of those that there are, and all of them */
export function checkNames(found: object, names: readonly string[], path = ''): void {
  const unknown = Object.keys(found).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const advice = didYouMean(unknown, names, path);
  throw new TypeError(`unknown option ${path}${unknown}${advice || ';'} options: ${names.join(', ')}`);
}

/** Longer names are compared by their beginning. */
const MAX_COMPARED = 64;
const MAX_DISTANCE = 2;

/** The name that was probably meant: one that the other contains, or that is at most two letters away. Case and punctuation do not count. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const given = lettersOf(name);
  if (given === '') return undefined;
  const [found] = names
    .map((candidate) => ({ candidate, away: awayFrom(given, lettersOf(candidate)) }))
    .filter(({ away }) => away <= MAX_DISTANCE)
    .sort((a, b) => a.away - b.away);
  return found?.candidate;
}

/** `; did you mean …?`, or nothing. */
export function didYouMean(name: string, names: readonly string[], prefix = ''): string {
  const near = nearest(name, names);
  return near === undefined ? '' : `; did you mean ${prefix}${near}?`;
}

function awayFrom(given: string, wanted: string): number {
  if (wanted === '') return Number.POSITIVE_INFINITY;
  const distance = distanceOf(given, wanted);
  if (given.startsWith(wanted) || wanted.startsWith(given) || wanted.endsWith(given)) return Math.min(1, distance);
  return distance;
}

function lettersOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .slice(0, MAX_COMPARED);
}

/** Letters to add, drop or change [Levenshtein 1965]. */
export function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, place) => place);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
