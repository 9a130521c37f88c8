import { isTier, TIERS } from '../contract/tiers.ts';
import type { EmulatorOptions } from './emulator.ts';

/** What may stand behind `Bearer`: visible ASCII. */
const KEY = /^[\x21-\x7e]+$/;

const NAMES: Readonly<Record<keyof EmulatorOptions, true>> = {
  db: true,
  limits: true,
  keys: true,
  tokenizer: true,
  model: true,
  billing: true,
  seed: true,
  clock: true,
  chunkCharacters: true,
  tier: true,
  cors: true,
  hosts: true,
  journal: true,
};

/**
 * Refuses what would otherwise be passed over in silence. What opens a file, and the limits, are checked where they are used.
 * @throws TypeError for a name that is no option, RangeError for a value; each names the option, in one line
 */
export function checkOptions(options: EmulatorOptions): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name));
  if (unknown !== undefined) {
    throw new TypeError(`unknown option ${unknown}; options: ${Object.keys(NAMES).join(', ')}`);
  }
  const { chunkCharacters, cors, hosts, keys, tier } = options;
  checkEach('cors', cors, isOrigin, 'an origin such as http://localhost:5173');
  checkEach('hosts', hosts, isHostName, 'a host name such as emulator.local');
  checkEach('keys', keys, isKey, 'a key that a header can carry');
  if (tier !== undefined && !isTier(tier)) refuse('tier', `one of ${Object.keys(TIERS).join(', ')}`, tier);
  if (chunkCharacters !== undefined && !(Number.isInteger(chunkCharacters) && chunkCharacters >= 1)) {
    refuse('chunkCharacters', 'a whole number from 1', chunkCharacters);
  }
  for (const [name, bound] of Object.entries(options.journal ?? {})) {
    if (!(Number.isInteger(bound) && bound >= 0)) refuse(`journal.${name}`, 'a whole number from 0', bound);
  }
}

export function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

export function isHostName(text: string): boolean {
  return URL.canParse(`http://${text}`) && new URL(`http://${text}`).hostname === text.toLowerCase();
}

export function isKey(text: string): boolean {
  return KEY.test(text);
}

function checkEach(
  name: 'cors' | 'hosts' | 'keys',
  values: readonly string[] | undefined,
  fits: (value: string) => boolean,
  wanted: string,
): void {
  if (values === undefined) return;
  if (!Array.isArray(values)) refuse(name, `a list, each of it ${wanted}`, values);
  const wrong = values.find((value) => typeof value !== 'string' || !fits(value));
  if (wrong !== undefined) refuse(`${name}[${values.indexOf(wrong)}]`, wanted, wrong);
}

function refuse(option: string, wanted: string, found: unknown): never {
  throw new RangeError(`option ${option} must be ${wanted}, not ${JSON.stringify(found) ?? String(found)}`);
}
