import type { Target } from './target.ts';

export type EndpointOptions = Pick<
  Target,
  'baseURL' | 'keys' | 'anyKey' | 'model' | 'declares' | 'dedicated' | 'paid' | 'deadlineMs'
> &
  Partial<Pick<Target, 'limits'>>;

/** A server somewhere else, over the network. */
export function endpointTarget(options: EndpointOptions): Target {
  const baseURL = options.baseURL.replace(/\/+$/, '');
  // Reports name the target, and must not name a password.
  const name = baseURL.replace(/^(https?:\/\/)[^/]*@/, '$1');
  return { limits: {}, ...options, name, baseURL, fetch: globalThis.fetch };
}
