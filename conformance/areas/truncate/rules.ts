import { rulesOf } from '../rule.ts';

const { article, ours } = rulesOf('session');

/** Cutting the oldest messages of a window. */
export const TRUNCATE_RULES = {
  'truncate.keeps-within': article(
    'The window keeps the longest run of newest groups with at most `preserve_len` tokens.',
  ),
  'truncate.minimum': article(
    'A `preserve_len` below `min_preserve_tokens` is refused; the refusal names the minimum.',
  ),
  'truncate.preserve-len-required': ours('`preserve_len` is required and is an integer number of tokens.'),
  'truncate.kept-unchanged': ours('A message that is kept uncut is listed as before, in the same order.'),
  'truncate.pins-stay': ours('Pinned messages are kept at any position, and their tokens count.'),
  'truncate.tools-stay': ours('The tools of the session are kept, and their tokens count.'),
  'truncate.groups-whole': ours('A call and all its results are kept or removed together.'),
  'truncate.pin-holds-group': ours('A pin on any message of a group keeps the whole group.'),
  'truncate.text-cut': ours(
    'A newest group that does not fit is kept, with its text cut to the longest suffix that fits.',
  ),
  'truncate.text-cut-marked': ours('A message whose text was cut keeps its id and has `truncated: true`.'),
  'truncate.whole-characters': ours('A text is never cut inside a character.'),
  'truncate.results-first': ours('In a group, tool results are cut before other texts, oldest first.'),
  'truncate.never-empty': ours('No text is cut to nothing, and a window that had a message keeps at least one.'),
  'truncate.least-named': ours(
    'When tools, pins and calls alone do not fit, the refusal names the smallest `preserve_len` that works.',
  ),
  'truncate.answer': ours("The answer has the session's usage before and after, and the difference as removed."),
  'truncate.dry-run': ours('With `dry_run` the answer is that of the cut, and nothing changes.'),
  'truncate.no-op': ours('A truncate with nothing to cut succeeds, removes nothing and keeps the version.'),
  'truncate.idempotent': ours('A repeated truncate with the same `preserve_len` changes nothing.'),
  'truncate.deterministic': ours('The same window is cut the same way each time.'),
  'truncate.monotone': ours('A larger `preserve_len` keeps at least the same messages, with texts at least as long.'),
  'truncate.summary-goes': ours('The summary of an earlier compress can be cut like any unpinned message.'),
  'truncate.model-forgets': article('The model does not read what was cut, and does read what is kept.'),
} as const;
