import { assumed, captured, documented, type ModelProfile } from './profile.ts';

export const KIMI_K25 = {
  id: 'kimi-k2.5',
  aliases: documented([], 'PD'),
  since: documented('2026-01-27', 'PD'),
  retired: documented('2026-08-31', 'PD9'),
  created: assumed(1_769_472_000),
  row: captured({ supports_image_in: true, supports_video_in: true, supports_reasoning: true }, 'HAL'),
  completionId: captured('24 hex digits', 'VAI'),
  fingerprint: captured({ text: 'fpv0_1c3effa9', on: 'every chunk' }, 'VAI'),

  window: documented(262_144, 'PD'),
  defaultOutput: documented(32_768, 'PD'),
  clampsDefaultOutput: assumed(true),
  largestOutput: documented(null, 'PD'),
  bodyBytes: documented(100 * 2 ** 20, 'PD'),

  thinking: {
    byDefault: documented(true, 'PD'),
    enabled: documented('obeyed', 'PD'),
    disabled: captured('obeyed', 'VAI'),
    efforts: captured(null, 'HAL'),
    history: captured('after_last_answer', 'KVV'),
    keepAll: documented(false, 'PD'),
    requiresReasoning: captured(true, 'WIRE'),
    whenOff: captured('empty reasoning and one token', 'VAI'),
  },

  sampling: captured(
    {
      kind: 'fixed',
      temperature: 1,
      temperatureWithoutThinking: 0.6,
      top_p: 0.95,
      n: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
    },
    'VAI',
  ),

  tools: {
    namePattern: documented('^[a-zA-Z_][a-zA-Z0-9-_]{2,63}$', 'PD'),
    requiredWhileThinking: captured('refused', 'VAI'),
    namedWhileThinking: captured('refused', 'VAI'),
    callIds: captured('NAME_INDEX', 'VAI'),
    spacedArguments: assumed(true),
    builtins: documented(['$web_search'], 'PD9'),
    dynamic: captured(false, 'KVV'),
    schemas: documented('strict', 'PD'),
  },

  media: documented(true, 'PD'),
  promptDetails: captured(true, 'VAI'),
  template: captured('k2.5', 'KVV'),
} as const satisfies ModelProfile;
