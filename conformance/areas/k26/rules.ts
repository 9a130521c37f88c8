import { onlyK26, rulesOf } from '../rule.ts';

const { kimi } = rulesOf('kimi-wire');
const { ours } = rulesOf('session');

/**
 * What kimi-k2.6 does, from recorded live answers (vercel/ai, 2026-08-24 to 27; the Halro gateway's author, 2026-09-01) and the
 * documents of 2026-08-13.
 */
export const K26_RULES = {
  'k26.sampling': onlyK26(
    kimi('Sampling is fixed: a temperature of 1 while it thinks and of 0.6 where not, top_p 0.95, n 1, no penalties.'),
  ),
  'k26.tool-choice': onlyK26(kimi('A call can be forced only where the model does not think.')),
  'k26.history': onlyK26(
    kimi('While it thinks, a call that comes back without its reasoning is refused; an empty text is enough.'),
  ),
  'k26.turns': onlyK26(ours('A turn in a session takes and refuses the same fields as a chat, in the same words.')),
  'k26.reasoning-stored': onlyK26(
    ours(
      'It thinks by default: what it thought in a turn is counted, stored with the answer and said as it is stored; nothing where thinking is off.',
    ),
  ),
} as const;
