import { rulesOf } from '../rule.ts';

const { must, may } = rulesOf('session');

/** Lists and their pages. */
export const LISTS_RULES = {
  'lists.shape': must(
    'ours',
    'A page is an object of kind `list` with its items, its first and last id and whether there are more.',
  ),
  'lists.ends': must(
    'ours',
    '`first_id` and `last_id` are the ids of the first and last item; of a page without items, null.',
  ),
  'lists.whole': must('ours', 'A list holds every item there is, each as it reads by itself.'),
  'lists.sessions-order': must('ours', 'Sessions are listed newest first.'),
  'lists.snapshots-order': must(
    'ours',
    'Snapshots are listed newest first, those of one session and those of the account.',
  ),
  'lists.messages-order': must('ours', 'Messages of a window are listed oldest first.'),
  'lists.order': must('ours', '`order` is `asc` or `desc`, and anything else is refused, naming it.'),
  'lists.limit': must('ours', 'A page holds at most `limit` items.'),
  'lists.limit-range': must(
    'ours',
    '`limit` is a whole number from 1 to 100, and anything else is refused, naming it.',
  ),
  'lists.default-limit': may('ours', 'Without `limit`, a page holds at most 20 items.'),
  'lists.after': must(
    'ours',
    'With `after` a page begins behind that item, so that pages joined by their `last_id` are the whole list, nothing left out and nothing twice.',
  ),
  'lists.has-more': must('ours', '`has_more` is true where another item follows the page, and only there.'),
  'lists.cursor-unknown': must('ours', 'A cursor that is no item of the list is refused as not found, naming `after`.'),
  'lists.session-snapshots': must(
    'ours',
    'The snapshots of a session are listed under it; those of all sessions under the account.',
  ),
  'lists.deleted': must('ours', 'A deleted session is listed no more.'),
} as const;
