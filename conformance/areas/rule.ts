import type { Evidence } from '../../contract/limits.ts';

/** How binding a rule is, in the words of RFC 2119. */
export type Level = 'MUST' | 'SHOULD' | 'MAY';

/** What a server may claim to speak: the live chat wire, or the session dialect on top of it. */
export const PROFILES = ['kimi-wire', 'session'] as const;

export type Profile = (typeof PROFILES)[number];

/** One rule of the contract. */
export interface Rule {
  readonly profile: Profile;
  readonly level: Level;
  readonly evidence: Evidence;
  readonly text: string;
  /** `wire`: seen from outside, by checks of the kit. Otherwise the test file that shows what cannot be seen from outside. */
  readonly verified: 'wire' | `test/${string}.test.ts`;
  /** The model it holds for; where absent, every model. On another model it is told, not scored. */
  readonly model?: 'kimi-k2';
}

/** A rule that a check of the kit judges. */
export interface WireRule extends Rule {
  readonly verified: 'wire';
}

/** A rule that is not to be seen from outside. */
export interface SourceRule extends Rule {
  readonly verified: `test/${string}.test.ts`;
}

/** The words in which the rules of a profile are written. */
export function rulesOf(profile: Profile) {
  const rule =
    (level: Level) =>
    (evidence: Evidence, text: string): WireRule => ({ profile, level, evidence, text, verified: 'wire' });
  return {
    must: rule('MUST'),
    should: rule('SHOULD'),
    may: rule('MAY'),
    /** A MUST that is shown by a test file, because nothing of it can be seen from outside. */
    shownBy: (file: SourceRule['verified'], evidence: Evidence, text: string): SourceRule => ({
      profile,
      level: 'MUST',
      evidence,
      text,
      verified: file,
    }),
  };
}

/** A rule of K2's own: told, not scored, on another model. */
export function onlyK2<One extends Rule>(rule: One): One {
  return { ...rule, model: 'kimi-k2' };
}
