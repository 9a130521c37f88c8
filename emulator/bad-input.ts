import { didYouMean } from './terminal/nearest.ts';

export { didYouMean, distanceOf } from './terminal/nearest.ts';

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
