import type { List } from '../../contract/lists.ts';

/** A page of at most `limit` items, made of rows of which one more than that was read. */
export function toList<Row, Item extends { id: string }>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): List<Item> {
  const data = rows.slice(0, limit).map(toItem);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: rows.length > limit,
  };
}
