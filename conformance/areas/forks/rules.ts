import { rulesOf } from '../rule.ts';

const { article, ours } = rulesOf('session');

/** New sessions from a snapshot. */
export const FORKS_RULES = {
  'forks.new-session': ours('A fork is a new session with the window that the snapshot restores.'),
  'forks.tools-and-pins': ours('A fork has the tools and pins of the snapshot and the model of its session.'),
  'forks.own-fields': ours('The title and metadata of a fork are those of its create request.'),
  'forks.origin': ours('`forked_from` names the snapshot or the share; it is null in a session that is not a fork.'),
  'forks.counts': article('A fork counts against the session limit of the account.'),
  'forks.isolated': ours('A change to a fork never shows in the session that it was forked from.'),
  'forks.source-isolated': ours('A change to the source or the snapshot, or its deletion, never shows in a fork.'),
  'forks.fields-refused': ours('A fork request with model, tools, messages or two origins is refused.'),
  'forks.preserve-len': ours(
    '`preserve_len` sets how much of the archived window a fork starts with, less or more than the snapshot restores.',
  ),
  'forks.preserve-len-alone': ours('`preserve_len` is refused in a create request that is not a fork.'),
  'forks.minimum': ours('A `preserve_len` below `min_preserve_tokens` is refused; the refusal names the minimum.'),
  'forks.deleted-session': ours('A snapshot can be forked after its session is deleted.'),
  'forks.unknown': ours('A deleted or unknown snapshot is answered with 404 `snapshot_not_found`.'),
  'forks.model-knows': ours('The model knows the history of the fork and nothing that other sessions said since.'),
} as const;
