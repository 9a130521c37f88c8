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
