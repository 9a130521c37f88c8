import { rulesOf } from '../rule.ts';

const { ours } = rulesOf('session');

/** Lists and their pages. */
export const LISTS_RULES = {
  'lists.shape': ours('A page is a `list` object with data, first_id, last_id and has_more.'),
  'lists.ends': ours(
    '`first_id` and `last_id` are the ids of the first and last item; both are null on an empty page.',
  ),
  'lists.whole': ours('A list has every item, each the same as when read by its id.'),
  'lists.sessions-order': ours('Sessions are listed newest first.'),
  'lists.snapshots-order': ours('Snapshots of a session and of the account are listed newest first.'),
  'lists.messages-order': ours('Messages of a window are listed oldest first.'),
  'lists.order': ours('`order` is `asc` or `desc`; other values are refused and the refusal names it.'),
  'lists.limit': ours('A page has at most `limit` items.'),
  'lists.limit-range': ours('`limit` is an integer from 1 to 100; other values are refused and the refusal names it.'),
  'lists.default-limit': ours.may('The default `limit` is 20.'),
  'lists.after': ours(
    'With `after` a page starts after that item; pages joined by `last_id` are the whole list without repeats.',
  ),
  'lists.has-more': ours('`has_more` is true exactly when another item follows the page.'),
  'lists.cursor-unknown': ours('A cursor that is not in the list is refused as not found; the refusal names `after`.'),
  'lists.session-snapshots': ours('A session lists its own snapshots; the account lists those of all sessions.'),
  'lists.deleted': ours('A deleted session is not listed.'),
} as const;
