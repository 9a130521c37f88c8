import type { Target } from './target.ts';

export type EndpointOptions = Pick<
  Target,
  'baseURL' | 'keys' | 'model' | 'declares' | 'dedicated' | 'paid' | 'deadlineMs'
>;

/** A server somewhere else, over the network. */
export function endpointTarget(options: EndpointOptions): Target {
  const baseURL = options.baseURL.replace(/\/+$/, '');
  return { ...options, name: baseURL, baseURL, fetch: globalThis.fetch, limits: {} };
}
