import type { MiddlewareHandler } from 'hono';
import { accountOf } from '../account.ts';
import { ApiError, invalid } from '../errors.ts';
import { remembering } from '../remembering.ts';
import type { Env } from './context.ts';

const HOSTED_AGENTS = 'Hosted Agents (kimi-api-version) are not emulated; leave the header out for the session dialect';
const BEARER = /^Bearer +(\S+) *$/i;

/**
 * The account is the key, stored as its hash only. Without a list of keys any key is an account of its own.
 * @throws ApiError `invalid_authentication`, `incorrect_api_key`
 */
export function authenticate(keys: readonly string[] | undefined): MiddlewareHandler<Env> {
  const known = keys && new Set(keys.map(accountOf));
  const accounts = remembering(accountOf);
  return async (c, next) => {
    const key = BEARER.exec(c.req.header('authorization') ?? '')?.[1];
    if (key === undefined) throw new ApiError('invalid_authentication', {});
    const account = accounts(key);
    c.get('exchange')?.by(account, key);
    if (known && !known.has(account)) throw new ApiError('incorrect_api_key', {});
    c.set('account', account);
    if (c.req.header('kimi-api-version') !== undefined) {
      throw invalid(HOSTED_AGENTS, undefined, 'hosted_agents');
    }
    await next();
  };
}
