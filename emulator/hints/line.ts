const MAX_LENGTH = 500;

/** A text as a header can carry it: one line of visible ASCII, the rest escaped as in JSON, and no longer than it should be. */
export function toLine(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  const line = flat.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return line.length <= MAX_LENGTH ? line : `${line.slice(0, MAX_LENGTH - 3).replace(/\\u?[0-9a-f]{0,3}$/, '')}...`;
}

/** A name that somebody else chose: not longer than it takes to recognise it. */
export function named(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 61)}...`;
}
