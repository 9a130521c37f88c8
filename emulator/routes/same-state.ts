import { ApiError } from '../errors.ts';
import type { RequestContext } from '../middleware/context.ts';

/**
 * Remembers which state a request was made for.
 * @returns a check, for the transaction in which it takes effect: @throws ApiError `version_conflict` where all state has been
 * reset meanwhile, so that what a test has left running does not reach into the next one
 */
export function holdState(c: RequestContext): () => void {
  const { store } = c.get('services');
  const { generation } = store;
  return () => {
    if (store.generation !== generation) {
      throw new ApiError('version_conflict', { reset: true });
    }
  };
}
