import * as z from 'zod';
import { type Limits, oncePerLimits } from './limits.ts';

const ORDERS = ['asc', 'desc'] as const;

/** Query parameters of every list. `after` is the id of the last item seen. */
export const listQuery = oncePerLimits((limits: Limits) =>
  z.object({
    limit: z.coerce.number().int().min(1).max(limits.page_size_max).default(limits.page_size),
    after: z.string().min(1).optional(),
    order: z.enum(ORDERS).optional(),
  }),
);

export type ListQuery = z.infer<ReturnType<typeof listQuery>>;
export type Order = (typeof ORDERS)[number];

/** One page, in the shape that the SDK's cursor pages read. */
export interface List<Item> {
  object: 'list';
  data: Item[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    object: z.literal('list'),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });
}
