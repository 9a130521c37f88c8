import { onlyK3, rulesOf } from '../rule.ts';

const { kimi, ours } = rulesOf('kimi-wire');

/** Files that an account uploads, and what a message makes of them [Kimi API documentation, 2026-08-13]. */
export const FILES_RULES = {
  'files.object': kimi(
    'An uploaded file has an id, its bytes, when it was made, its name, its purpose and the status `ready`.',
  ),
  'files.list': kimi('Uploaded files are listed.'),
  'files.by-id': kimi('A file can be read by its id.'),
  'files.content': kimi('The content of a file of the purpose `file-extract` is its text, as JSON.'),
  'files.delete': kimi('A deleted file is gone: it is not listed, and not found by its id.'),
  'files.purpose': kimi('An upload for an unknown purpose is refused.'),
  'files.empty': kimi('An upload of no bytes is refused.'),
  'files.texts': kimi.should('A refused upload is told in the documented words.'),
  'files.size': kimi.shownBy('test/routes/files.test.ts', 'A file of more than 100 MB is refused.'),
  'files.most': kimi.shownBy('test/routes/files.test.ts', 'An account holds at most 1,000 files.'),
  'files.reference': onlyK3(kimi('`ms://ID` in a part of a message stands for an uploaded picture.')),
  'files.reference-tokens': onlyK3(ours('A picture takes as many tokens by its id as by its bytes.')),
  'files.reference-unknown': onlyK3(ours('`ms://ID` of no file of the account is refused.')),
} as const;
