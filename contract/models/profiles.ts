import { KIMI_K25 } from './kimi-k2.5.ts';
import { KIMI_K26 } from './kimi-k2.6.ts';
import { KIMI_K27_CODE, KIMI_K27_CODE_HIGHSPEED } from './kimi-k2.7-code.ts';
import { KIMI_K2_0905 } from './kimi-k2-0905.ts';
import { KIMI_K31_PRO, KIMI_K31_PRO_HIGHSPEED } from './kimi-k3.1-pro.ts';
import { KIMI_K3 } from './kimi-k3.ts';
import type { ModelProfile } from './profile.ts';

/** Every model that the emulator can be, newest first. */
export const PROFILES: readonly ModelProfile[] = [
  KIMI_K31_PRO,
  KIMI_K31_PRO_HIGHSPEED,
  KIMI_K3,
  KIMI_K27_CODE,
  KIMI_K27_CODE_HIGHSPEED,
  KIMI_K26,
  KIMI_K25,
  KIMI_K2_0905,
];

const BY_NAME: ReadonlyMap<string, ModelProfile> = new Map(
  PROFILES.flatMap((profile) => [profile.id, ...profile.aliases.value].map((name) => [name, profile] as const)),
);

/** The profile of a model, by its id or one of its other names. */
export function findProfile(name: string): ModelProfile | undefined {
  return BY_NAME.get(name);
}

/** Models that were gone before there was a profile of them [platform documentation, 2026-08-13 and 2026-09-03]. */
const GONE: readonly (readonly [name: RegExp, since: string])[] = [
  [/^moonshot-v1-/, '2026-08-31'],
  [/^kimi-k2-/, '2026-05-25'],
  [/^kimi-latest$/, '2026-01-28'],
  [/^kimi-thinking-preview$/, '2025-11-11'],
];

/** The day since which the live API no longer has a model; undefined where it has it, or never had. */
export function retiredSince(name: string): string | undefined {
  const profile = findProfile(name);
  return profile ? (profile.retired.value ?? undefined) : GONE.find(([pattern]) => pattern.test(name))?.[1];
}
