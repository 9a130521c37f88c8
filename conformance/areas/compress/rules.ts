import { rulesOf } from '../rule.ts';

const { article, ours } = rulesOf('session');

/** Replacing messages by a summary. */
export const COMPRESS_RULES = {
  'compress.budget': article(
    'After a compress the window has at most the tokens before divided by the ratio, rounded down.',
  ),
  'compress.default-ratio': article('The default ratio is 4.'),
  'compress.ratio-range': ours('A ratio is a number above 1 and at most 64; others are refused.'),
  'compress.formats': article('The summary has the requested format: `outline`, `json` or `text`.'),
  'compress.default-format': article('The default format is `outline`.'),
  'compress.format-unknown': ours('An unknown format is refused; the refusal lists the known ones.'),
  'compress.json-is-json': ours.should('A summary in format `json` is valid JSON.'),
  'compress.one-summary': ours('One system message with `summary: true` replaces all compressed messages.'),
  'compress.place': ours('The summary is directly after the leading pinned messages.'),
  'compress.replaces-rest': ours('Only tools, pinned messages, the requested newest groups and the summary remain.'),
  'compress.pins-stay': ours('Pinned messages remain unchanged.'),
  'compress.tools-stay': ours('The tools of the session remain.'),
  'compress.newest-stay': ours('With `preserve_len` the newest groups that fit in it remain, uncut.'),
  'compress.minimum': ours('A `preserve_len` below `min_preserve_tokens` is refused; the refusal names the minimum.'),
  'compress.achieved': ours(
    'The answer has the requested ratio and the achieved one: tokens before divided by tokens after.',
  ),
  'compress.answer': ours('Usage before and after, summary and version in the answer are the same as when read.'),
  'compress.snapshot': article('A compress takes a snapshot of the whole window before it, and the answer names it.'),
  'compress.undo': ours('A rollback to that snapshot undoes the compress exactly.'),
  'compress.dry-run': ours(
    'With `dry_run` the answer says what would happen; no snapshot is taken and nothing changes.',
  ),
  'compress.no-op': ours(
    'With fewer than 64 tokens to replace a compress succeeds and changes nothing; the achieved ratio is 1.',
  ),
  'compress.open-call': ours(
    'While a call is open a compress is refused, before any other check; the refusal names the call.',
  ),
  'compress.infeasible': ours('When too much must remain, the refusal names the largest ratio that works, or none.'),
  'compress.refused-unchanged': ours('A refused compress leaves the session unchanged and no snapshot.'),
  'compress.snapshot-limit': ours('A compress is refused when the account has no room for its snapshot.'),
  'compress.absorbs': ours('A compress absorbs an earlier summary; there is never more than one.'),
  'compress.fact-survives': ours.should('A named fact is still known after a compress at ratio 4.'),
  'compress.data-not-orders': ours.should(
    'Quotations in a summary are data; the model does not follow instructions in them.',
  ),
  'compress.quotations-marked': ours.shownBy(
    'test/engines/compression/quotation.test.ts',
    'A summary marks its quotations as data, and no quotation can imitate a part of the summary.',
  ),
  'compress.deterministic': ours.shownBy(
    'test/engines/compression/budget.test.ts',
    'The same window gives the same summary.',
  ),
} as const;
