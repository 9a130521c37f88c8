import { rulesOf } from '../rule.ts';

const { must } = rulesOf('session');

/** Cutting the head of a window. */
export const TRUNCATE_RULES = {
  'truncate.keeps-within': must(
    'article',
    'What stays counts at most `preserve_len`, and is the longest run of newest groups that does.',
  ),
  'truncate.minimum': must('article', 'A `preserve_len` below `min_preserve_tokens` is refused, naming the minimum.'),
  'truncate.preserve-len-required': must('ours', '`preserve_len` has to be given, as a whole number of tokens.'),
  'truncate.kept-unchanged': must(
    'ours',
    'A message that stays uncut is listed as before, in its old place in the order.',
  ),
  'truncate.pins-stay': must('ours', 'Pinned messages stay, wherever they stand, and their tokens count.'),
  'truncate.tools-stay': must('ours', 'The tools of the session stay, and their tokens count.'),
  'truncate.groups-whole': must('ours', 'A call and all its results stay together or go together.'),
  'truncate.pin-holds-group': must('ours', 'A pin on any member of a group holds the whole group.'),
  'truncate.text-cut': must(
    'ours',
    'A newest group that does not fit stays, its text cut at the head to its longest suffix that fits.',
  ),
  'truncate.text-cut-marked': must('ours', 'A message whose text was cut keeps its id and says `truncated: true`.'),
  'truncate.whole-characters': must('ours', 'A text is never cut inside a character.'),
  'truncate.results-first': must('ours', 'Of a group, tool results are cut before other texts, the oldest first.'),
  'truncate.never-empty': must(
    'ours',
    'No text is cut to nothing, and no window that held a message ends without one.',
  ),
  'truncate.least-named': must(
    'ours',
    'Where tools, pins and calls alone are too much, the refusal names the least `preserve_len` that works.',
  ),
  'truncate.answer': must(
    'ours',
    'The answer tells the usage before and after as the session tells it, and their difference as removed.',
  ),
  'truncate.dry-run': must('ours', 'With `dry_run` the answer is that of the cut, and nothing is changed.'),
  'truncate.no-op': must('ours', 'With nothing to cut it succeeds, removes nothing and steps no version.'),
  'truncate.idempotent': must('ours', 'Done again with the same `preserve_len`, it changes nothing more.'),
  'truncate.deterministic': must('ours', 'The same window is cut the same way each time.'),
  'truncate.monotone': must(
    'ours',
    'A larger `preserve_len` keeps at least the same messages, with texts that are at least as long.',
  ),
  'truncate.summary-goes': must(
    'ours',
    'The summary of an earlier compress can be cut away like any unpinned message.',
  ),
  'truncate.model-forgets': must('article', 'What was cut away is not read by the model any more, and what stays is.'),
} as const;
