import type { Evidence } from '../../contract/limits.ts';

/** How binding a rule is, in the terms of RFC 2119. */
export type Level = 'MUST' | 'SHOULD' | 'MAY';

/** What a server may claim to speak: the live chat wire, or the session dialect on top of it. */
export const PROFILES = ['kimi-wire', 'session'] as const;

export type Profile = (typeof PROFILES)[number];

/** Models that rules of their own bind. */
export type ModelFamily = 'kimi-k2' | 'kimi-k2.6' | 'kimi-k3';

/** One rule of the contract. */
export interface Rule {
  readonly profile: Profile;
  readonly level: Level;
  readonly evidence: Evidence;
  readonly text: string;
  /** `wire`: judged from outside, by checks of the kit. Otherwise the test file that shows it. */
  readonly verified: 'wire' | `test/${string}.test.ts`;
  /** The model that it applies to; every model if absent. On another model it is reported, not scored. */
  readonly model?: ModelFamily;
  /** True where it judges what answers hold. Of a target that hands on the answers of another server, it is reported, not scored. */
  readonly ofAnswers?: true;
}

/** A rule that a check of the kit judges. */
export interface WireRule extends Rule {
  readonly verified: 'wire';
}

/** A rule that cannot be judged from outside. Exported because the declarations of every area name it. */
export interface SourceRule extends Rule {
  readonly verified: `test/${string}.test.ts`;
}

/**
 * Declares rules of a profile by their evidence. A rule is a MUST unless it says otherwise.
 * @example
 * const { kimi, ours } = rulesOf('kimi-wire');
 * kimi('An estimate is `{"data":{"total_tokens":N}}`.'), ours.should('A title has at most 512 characters.')
 */
export function rulesOf(profile: Profile) {
  const by = (evidence: Evidence) => {
    const rule =
      (level: Level) =>
      (text: string): WireRule => ({ profile, level, evidence, text, verified: 'wire' });
    const shownBy = (file: SourceRule['verified'], text: string): SourceRule => ({
      profile,
      level: 'MUST',
      evidence,
      text,
      verified: file,
    });
    return Object.assign(rule('MUST'), {
      should: rule('SHOULD'),
      may: rule('MAY'),
      /** A MUST that a test file shows, because it cannot be seen from outside. */
      shownBy,
    });
  };
  return { article: by('article'), kimi: by('kimi'), ours: by('ours') };
}

/** A rule of what answers hold, which are another server's behind a gateway. */
export function ofAnswers<One extends Rule>(rule: One): One {
  return { ...rule, ofAnswers: true };
}

/** A rule for K2 only: on another model it is not judged. */
export function onlyK2<One extends Rule>(rule: One): One {
  return { ...rule, model: 'kimi-k2' };
}

/** A rule for K2.6 only: on another model it is not judged. */
export function onlyK26<One extends Rule>(rule: One): One {
  return { ...rule, model: 'kimi-k2.6' };
}

/** A rule for K3 and K3.1 only: on another model it is not judged. */
export function onlyK3<One extends Rule>(rule: One): One {
  return { ...rule, model: 'kimi-k3' };
}
