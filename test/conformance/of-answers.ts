import { RULES } from '../../conformance/areas/rules.ts';

/** Rules of what the server behind a gateway answers: of a gateway they are reported, and do not count. */
export const OF_ANSWERS: readonly string[] = Object.entries(RULES).flatMap(([id, rule]) =>
  'ofAnswers' in rule ? [id] : [],
);
