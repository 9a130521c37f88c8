import { assumed, captured, documented, EFFORTS, type ModelProfile, reported } from './profile.ts';

export const KIMI_K3 = {
  id: 'kimi-k3',
  aliases: documented([], 'PD'),
  since: documented('2026-07-16', 'PD'),
  retired: documented(null, 'PD'),
  created: assumed(1_784_160_000),
  row: captured(
    {
      supports_image_in: true,
      supports_video_in: true,
      supports_reasoning: true,
      supports_dynamic_tools: true,
      supports_thinking_type: 'only',
      think_efforts: { support: true, valid_efforts: [...EFFORTS], default_effort: 'max' },
      reasoning_efforts: [...EFFORTS],
    },
    'HAL',
  ),
  completionId: captured('uuid', 'VAI'),
  fingerprint: captured(null, 'VAI'),

  window: documented(1_048_576, 'PD'),
  defaultOutput: documented(131_072, 'PD'),
  clampsDefaultOutput: assumed(true),
  largestOutput: documented(1_048_576, 'PD'),
  bodyBytes: documented(100 * 2 ** 20, 'PD'),

  thinking: {
    byDefault: documented(true, 'PD'),
    enabled: captured('obeyed', 'KVV'),
    // The documents say that it cannot be turned off; on the wire it can, which wins.
    disabled: captured('obeyed', 'HAL'),
    efforts: captured({ values: EFFORTS, default: 'max' }, 'KVV'),
    history: documented('all', 'PD'),
    keepAll: captured(true, 'KVV'),
    requiresReasoning: documented(false, 'PD'),
    whenOff: captured('nothing', 'HAL'),
  },

  sampling: captured(
    {
      kind: 'fixed',
      temperature: 1,
      temperatureWithoutThinking: 1,
      top_p: 0.95,
      n: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
    },
    'KVV',
  ),

  tools: {
    // Documents: 3 to 64 characters. The official suite wants a 400 for 257, and for what is not a word.
    namePattern: captured('^[a-zA-Z_][a-zA-Z0-9_-]{0,255}$', 'KVV'),
    requiredWhileThinking: captured('obeyed', 'VAI'),
    namedWhileThinking: captured('refused', 'VAI'),
    callIds: captured('NAME_INDEX', 'VAI'),
    spacedArguments: captured(true, 'VAI'),
    // The documents send users of K3 to Formula; Moonshot's own client sends built-in functions to every model.
    builtins: reported(['$web_search'], 'KC'),
    dynamic: captured(true, 'KVV'),
    schemas: documented('strict', 'PD'),
  },

  media: documented(true, 'PD'),
  promptDetails: captured(true, 'VAI'),
  template: captured('k3', 'KVV'),
} as const satisfies ModelProfile;
