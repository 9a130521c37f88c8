import { readFileSync } from 'node:fs';
import { isTier, type LimitName, resolveLimits, TIERS, type TierNumber } from '../../contract/limits.ts';
import { type Amount, parseAmount } from '../billing/money.ts';
import { isHostName, isKey, isOrigin } from '../check-options.ts';

const MAX_PORT = 65_535;

/** A command line that is not understood, in one line. */
export class UsageError extends Error {}

export function port(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > MAX_PORT)
    throw new UsageError(`--port takes a number from 0 to ${MAX_PORT}, not ${text}`);
  return value;
}

export function tier(text: string | undefined): TierNumber | undefined {
  if (text === undefined) return undefined;
  const value = /^\d$/.test(text) ? Number(text) : Number.NaN;
  if (!isTier(value)) throw new UsageError(`--tier takes one of ${Object.keys(TIERS).join(', ')}, not ${text}`);
  return value;
}

export function balance(text: string | undefined): Amount | undefined {
  if (text === undefined) return undefined;
  try {
    return parseAmount(text);
  } catch (error) {
    throw new UsageError(`--balance: ${error instanceof Error ? error.message : error}`);
  }
}

export function keys(list: string): string[] {
  const found = (list.startsWith('@') ? readKeys(list.slice(1)).split('\n') : list.split(','))
    .map((key) => key.trim())
    .filter((key) => key !== '');
  if (found.length === 0) throw new UsageError('--keys names no key');
  const unsendable = found.find((key) => !isKey(key));
  if (unsendable !== undefined)
    throw new UsageError(`--keys: no header can carry the key ${JSON.stringify(unsendable)}`);
  return found;
}

function readKeys(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`--keys: ${path} cannot be read`);
  }
}

export function limits(pairs: readonly string[]): Partial<Record<LimitName, number>> {
  const found = Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value = '', ...rest] = pair.split('=');
      if (value.trim() === '' || rest.length > 0) throw new UsageError(`--limit takes NAME=N, not ${pair}`);
      if (Number.isNaN(Number(value))) throw new UsageError(`--limit ${name} takes a number, not ${value}`);
      return [name, Number(value)];
    }),
  );
  try {
    resolveLimits(found);
  } catch (error) {
    throw new UsageError(`--limit: ${error instanceof Error ? error.message : error}`);
  }
  return found;
}

export function hostName(text: string): string {
  if (isHostName(text)) return text;
  throw new UsageError(`--allow-host takes a host name such as emulator.local, not ${JSON.stringify(text)}`);
}

export function origin(text: string): string {
  if (isOrigin(text)) return text;
  throw new UsageError(`--cors takes an origin such as http://localhost:5173, not ${text}`);
}
