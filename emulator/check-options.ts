import { isTier, TIERS } from '../contract/limits.ts';
import { checkBilling } from './billing/settings.ts';
import type { EmulatorOptions } from './emulator.ts';
import { checkNames, refuseOption } from './refuse-option.ts';

/** What may stand behind `Bearer`: visible ASCII. */
const KEY = /^[\x21-\x7e]+$/;

const NAMES: Readonly<Record<keyof EmulatorOptions, true>> = {
  database: true,
  limits: true,
  apiKeys: true,
  tokenizer: true,
  model: true,
  billing: true,
  seed: true,
  clock: true,
  streamChunkSize: true,
  rateTier: true,
  cors: true,
  allowedHosts: true,
  journal: true,
};

/**
 * Refuses what would otherwise be passed over in silence. What opens a file, and the limits, are checked where they are used.
 * @throws TypeError for a name that is no option, RangeError for a value; each names the option, in one line
 */
export function checkOptions(options: EmulatorOptions): void {
  checkNames(options, Object.keys(NAMES));
  const { allowedHosts, apiKeys, billing, clock, cors, database, model, rateTier, seed, streamChunkSize, tokenizer } =
    options;
  if (database !== undefined && !isText(database)) refuseOption('database', 'a file, or :memory:', database);
  if (seed !== undefined && typeof seed !== 'string' && !Number.isFinite(seed)) {
    refuseOption('seed', 'a text or a number', seed);
  }
  checkMethod('clock', clock, 'now');
  checkMethod('model', model, 'complete');
  if (!isText(tokenizer)) checkMethod('tokenizer', tokenizer, 'load', 'a file, o200k_base, or ');
  checkEach('cors', cors, isOrigin, 'an origin such as http://localhost:5173');
  checkEach('allowedHosts', allowedHosts, isHostName, 'a host name such as emulator.local');
  checkEach('apiKeys', apiKeys, isKey, 'a key that a header can carry');
  if (billing !== undefined) checkBilling(billing);
  if (rateTier !== undefined && !isTier(rateTier))
    refuseOption('rateTier', `one of ${Object.keys(TIERS).join(', ')}`, rateTier);
  if (streamChunkSize !== undefined && !(Number.isInteger(streamChunkSize) && streamChunkSize >= 1)) {
    refuseOption('streamChunkSize', 'a whole number from 1', streamChunkSize);
  }
  for (const [name, bound] of Object.entries(options.journal ?? {})) {
    if (!(Number.isInteger(bound) && bound >= 0)) refuseOption(`journal.${name}`, 'a whole number from 0', bound);
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
  name: 'cors' | 'allowedHosts' | 'apiKeys',
  values: readonly string[] | undefined,
  fits: (value: string) => boolean,
  wanted: string,
): void {
  if (values === undefined) return;
  if (!Array.isArray(values)) refuseOption(name, `a list, each of it ${wanted}`, values);
  const wrong = values.find((value) => typeof value !== 'string' || !fits(value));
  if (wrong !== undefined) refuseOption(`${name}[${values.indexOf(wrong)}]`, wanted, wrong);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** What is refused is shown by the types of its members: their values may be secret, long or without an end. */
function checkMethod(name: string, value: unknown, method: string, others = ''): void {
  if (value === undefined) return;
  const isObject = typeof value === 'object' && value !== null;
  if (isObject && typeof Reflect.get(value, method) === 'function') return;
  const shown = isObject
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, typeof member]))
    : value;
  refuseOption(name, `${others}an object with a method ${method}`, shown);
}
