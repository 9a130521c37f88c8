import type { Target } from './target.ts';

export type EndpointOptions = Pick<
  Target,
  'baseURL' | 'keys' | 'model' | 'declares' | 'dedicated' | 'paid' | 'deadlineMs'
>;

/** A server somewhere else, over the network. */
export function endpointTarget(options: EndpointOptions): Target {
  const baseURL = options.baseURL.replace(/\/+$/, '');
  // Reports name the target, and must not name a password.
  const name = baseURL.replace(/^(https?:\/\/)[^/]*@/, '$1');
  return { ...options, name, baseURL, fetch: globalThis.fetch, limits: {} };
}
