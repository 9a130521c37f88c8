import { KIMI_K25 } from './kimi-k2.5.ts';
import { assumed, captured, documented, type ModelProfile } from './profile.ts';

export const KIMI_K26 = {
  ...KIMI_K25,
  id: 'kimi-k2.6',
  since: documented('2026-04-20', 'PD'),
  retired: captured(null, 'HAL'),
  created: assumed(1_776_643_200),
  row: captured(
    {
      supports_image_in: true,
      supports_video_in: true,
      supports_reasoning: true,
      supports_dynamic_tools: false,
      supports_thinking_type: 'both',
    },
    'HAL',
  ),
  fingerprint: assumed(null),
  thinking: {
    ...KIMI_K25.thinking,
    history: captured('after_last_user', 'KVV'),
    keepAll: documented(true, 'PD'),
  },
} as const satisfies ModelProfile;
