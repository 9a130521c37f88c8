import { rulesOf } from '../rule.ts';

const { must } = rulesOf('session');

/** New sessions that begin where a snapshot stands. */
export const FORKS_RULES = {
  'forks.new-session': must('ours', 'A fork is a session of its own, with the window that the snapshot restores.'),
  'forks.tools-and-pins': must('ours', 'It has the tools and pins of the snapshot, and the model of its session.'),
  'forks.own-fields': must('ours', 'Title and metadata are those that the fork is given.'),
  'forks.origin': must('ours', '`forked_from` names the snapshot; it is null in a session that is no fork.'),
  'forks.counts': must('article', 'A fork counts against the sessions that an account may hold.'),
  'forks.isolated': must('ours', 'Nothing done to a fork shows in the session that it was forked from.'),
  'forks.source-isolated': must(
    'ours',
    'Nothing done to the source or the snapshot, deleting included, shows in a fork.',
  ),
  'forks.fields-refused': must(
    'ours',
    'Model, tools and messages do not go with a fork, nor two origins with one another.',
  ),
  'forks.preserve-len': must(
    'ours',
    '`preserve_len` says how much of the archived window it begins with, less or more.',
  ),
  'forks.preserve-len-alone': must('ours', '`preserve_len` is refused where nothing is forked.'),
  'forks.minimum': must('ours', 'A `preserve_len` below `min_preserve_tokens` is refused, naming the minimum.'),
  'forks.deleted-session': must('ours', 'A snapshot can be forked when its session is long gone.'),
  'forks.unknown': must('ours', 'A snapshot that is gone, or never was, answers 404 `snapshot_not_found`.'),
  'forks.hidden': must('ours', 'A snapshot of another account cannot be forked by its own id.'),
  'forks.model-knows': must(
    'ours',
    'The model knows the history of the fork, and nothing that was said elsewhere since.',
  ),
} as const;
