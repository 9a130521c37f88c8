import { KIMI_K3 } from './kimi-k3.ts';
import { assumed, type ModelProfile, reported } from './profile.ts';

const SINCE = reported('2026-10-24', 'APD');

/** Told to be as K3 in all but its prices; nothing of it has been captured. */
export const KIMI_K31_PRO = {
  ...KIMI_K3,
  id: 'kimi-k3.1-pro',
  since: SINCE,
  retired: reported(null, 'APD'),
  created: assumed(1_792_800_000),
  window: reported(1_048_576, 'APD'),
  template: reported('k3', 'DYN'),
  completionId: assumed('uuid'),
  fingerprint: assumed(null),
  tools: { ...KIMI_K3.tools, callIds: assumed('NAME_INDEX') },
} as const satisfies ModelProfile;

export const KIMI_K31_PRO_HIGHSPEED = {
  ...KIMI_K31_PRO,
  id: 'kimi-k3.1-pro-highspeed',
} as const satisfies ModelProfile;
