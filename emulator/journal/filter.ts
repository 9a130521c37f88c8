import type { OperationId } from '../../contract/operation-routes.ts';
import { accountOf } from '../account.ts';
import type { Exchange } from './exchange.ts';

/** Which requests are asked for. All that is given must hold. */
export interface JournalFilter {
  session?: string | undefined;
  /** `400`, `4xx`, or `open` for those that are not answered yet. */
  status?: string | number | undefined;
  /** Its id, such as `appendMessages`. */
  operation?: OperationId | undefined;
  /** An API key, or an account as the journal names it. */
  key?: string | undefined;
  /** Only those behind this number. */
  since?: number | undefined;
  /** So many at most: the newest. */
  limit?: number | undefined;
}

const SHORT = 12;

/** What stands for an account where it is shown: the beginning of its key's hash. */
export function shortAccount(account: string): string {
  return account.slice(0, SHORT);
}

export function passes(exchange: Exchange, { session, status, operation, key, since }: JournalFilter): boolean {
  if (since !== undefined && exchange.n <= since) return false;
  if (session !== undefined && exchange.session !== session) return false;
  if (operation !== undefined && exchange.addressed.operation !== operation) return false;
  if (key !== undefined && !isOf(exchange, key)) return false;
  return status === undefined || hasStatus(exchange, String(status).toLowerCase());
}

function isOf({ account = '' }: Exchange, key: string): boolean {
  return key === shortAccount(account) || account === accountOf(key);
}

function hasStatus({ status }: Exchange, asked: string): boolean {
  if (status === 0) return asked === 'open';
  return asked === String(status) || asked === `${Math.floor(status / 100)}xx`;
}
