/**
 * Where a rule comes from. Honesty about this is part of the product.
 *
 * - `article`: stated by the article that defined the session dialect (October 2025)
 * - `kimi`: documented by Moonshot for this API, or captured from the live service
 * - `ours`: neither; decided by this project so that the dialect is complete and safe
 */
export type Evidence = 'article' | 'kimi' | 'ours';
