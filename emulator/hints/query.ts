import { type Asking, count } from './asking.ts';
import { named } from './line.ts';

/** Where what a control route takes is written. */
const PAGES: Record<string, string> = {
  clock: 'docs/testing.md',
  faults: 'docs/faults.md',
  journal: 'docs/journal.md',
  spend: 'docs/spend.md',
};

/** What the fields of a list's query take. */
const FIELDS: Record<string, (asking: Asking) => string> = {
  limit: ({ limits }) =>
    `ask for limit=1 to ${count(limits.page_size_max)} items a page (page_size_max), and go on with after=LAST_ID`,
  order: () => 'order=asc puts the oldest first, order=desc the newest; or leave it out',
  after: () => 'after takes the last_id of the page before; leave it out for the first page',
  scope: () => 'scope=restored lists what a rollback brings back, scope=archived all that the snapshot holds',
};

/** What a field of the query should have been. */
export function aboutQuery(asking: Asking, query: NonNullable<Asking['query']>, field: string): string {
  const value = query[field];
  const said = value ? `says ${named(field)}=${named(value)}` : `has ${named(field)} without a value`;
  const page = controlPage(asking.path);
  const own = page === undefined ? FIELDS[field]?.(asking) : `the fields and what they take are in ${page}`;
  return `the query ${said}: ${own ?? 'the message says what it takes'}`;
}

/** The page that has what a control route takes; undefined for a path of the API. */
export function controlPage(path: string): string | undefined {
  const [, name] = /^\/_emulator\/(\w+)/.exec(path) ?? [];
  return name === undefined ? undefined : (PAGES[name] ?? 'docs/state.md');
}
