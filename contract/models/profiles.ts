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
