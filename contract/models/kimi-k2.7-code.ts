import { KIMI_K26 } from './kimi-k2.6.ts';
import { assumed, captured, documented, type ModelProfile } from './profile.ts';

export const KIMI_K27_CODE = {
  ...KIMI_K26,
  id: 'kimi-k2.7-code',
  since: documented('2026-06', 'PD'),
  created: assumed(1_780_272_000),
  row: captured(
    {
      supports_image_in: true,
      supports_video_in: true,
      supports_reasoning: true,
      supports_dynamic_tools: false,
      supports_thinking_type: 'only',
    },
    'HAL',
  ),
  thinking: {
    ...KIMI_K26.thinking,
    disabled: captured('refused', 'VAI'),
    history: documented('all', 'PD'),
    requiresReasoning: assumed(false),
  },
} as const satisfies ModelProfile;

export const KIMI_K27_CODE_HIGHSPEED = {
  ...KIMI_K27_CODE,
  id: 'kimi-k2.7-code-highspeed',
} as const satisfies ModelProfile;
