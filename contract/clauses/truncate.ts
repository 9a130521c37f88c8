import { rulesOf } from './clause.ts';

const { must } = rulesOf('session');

/** Cutting the head of a window. */
export const TRUNCATE = {
  'truncate.keeps-within': must(
    'article',
    'What stays counts at most `preserve_len`, and is the longest run of newest groups that does.',
  ),
  'truncate.minimum': must('article', 'A `preserve_len` below `min_preserve_tokens` is refused, naming the minimum.'),
} as const;
