import type { Selection } from '../core/select.ts';
import type { Options } from './options.ts';

/** What the flags select. */
export function selectionOf({ profiles, cases, exclude }: Options): Selection {
  return { ...(profiles && { profiles }), ...(cases && { cases }), ...(exclude && { exclude }) };
}
