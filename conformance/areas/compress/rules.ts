import { rulesOf } from '../rule.ts';

const { must, should, shownBy } = rulesOf('session');

/** Replacing what was said by a summary. */
export const COMPRESS_RULES = {
  'compress.budget': must(
    'article',
    'What is left counts at most the tokens before divided by the ratio, rounded down.',
  ),
  'compress.default-ratio': must('article', 'Without a ratio it is 4 to 1.'),
  'compress.ratio-range': must('ours', 'A ratio is a number above 1 and at most 64; any other is refused.'),
  'compress.formats': must(
    'article',
    'The summary is written in the format that is asked for: `outline`, `json` or `text`.',
  ),
  'compress.default-format': must('article', 'Without a format it is `outline`.'),
  'compress.format-unknown': must('ours', 'Another format is refused, listing those that there are.'),
  'compress.json-is-json': should('ours', 'A summary in the format `json` is valid JSON.'),
  'compress.one-summary': must(
    'ours',
    'One system message, flagged `summary: true`, stands for all that was replaced.',
  ),
  'compress.place': must('ours', 'The summary stands right behind the leading pins.'),
  'compress.replaces-rest': must(
    'ours',
    'Nothing that is neither tool nor pin nor among the newest groups asked for is left.',
  ),
  'compress.pins-stay': must('ours', 'Pinned messages stay as they are.'),
  'compress.tools-stay': must('ours', 'The tools of the session stay.'),
  'compress.newest-stay': must('ours', 'With `preserve_len` the newest groups within it stay, uncut.'),
  'compress.minimum': must('ours', 'A `preserve_len` below `min_preserve_tokens` is refused, naming the minimum.'),
  'compress.achieved': must(
    'ours',
    'The answer tells the ratio asked for and the one achieved: before divided by after.',
  ),
  'compress.answer': must('ours', 'Usage before and after, summary and version in the answer are those that are read.'),
  'compress.snapshot': must('article', 'The state before is kept in a snapshot that the answer names, whole.'),
  'compress.undo': must('ours', 'Rolling back to that snapshot undoes it exactly.'),
  'compress.dry-run': must('ours', 'With `dry_run` it tells what it would do, takes no snapshot and changes nothing.'),
  'compress.no-op': must('ours', 'With less than 64 tokens to replace it succeeds and does nothing: achieved is 1.'),
  'compress.open-call': must(
    'ours',
    'While a call waits for its result it is refused, naming the call, whatever else there is to say.',
  ),
  'compress.infeasible': must(
    'ours',
    'Where what must stay is too much, the refusal names the largest ratio that works, or none.',
  ),
  'compress.refused-unchanged': must(
    'ours',
    'A compress that is refused leaves the session as it was, and no snapshot.',
  ),
  'compress.snapshot-limit': must('ours', 'Where there is no room for its snapshot, it is refused.'),
  'compress.absorbs': must('ours', 'An earlier summary is absorbed: there is never more than one.'),
  'compress.fact-survives': should('ours', 'A fact with a name is still known after 4 to 1.'),
  'compress.data-not-orders': should(
    'ours',
    'What a summary quotes is data: the model does not take it for an instruction.',
  ),
  'compress.quotations-marked': shownBy(
    'test/engines/compression/quotation.test.ts',
    'ours',
    'A summary marks its quotations as data, and none of them can pass for a part of it.',
  ),
  'compress.deterministic': shownBy(
    'test/engines/compression/budget.test.ts',
    'ours',
    'The same window gives the same summary.',
  ),
} as const;
