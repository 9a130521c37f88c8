import { assumed, type ModelProfile } from './profile.ts';

/**
 * A model that this project knows nothing of, as other servers have: it counts with o200k_base, and is not asked to refuse
 * anything by itself.
 */
export function otherModel(id: string): ModelProfile {
  return {
    id,
    aliases: assumed([]),
    since: assumed('1970-01-01'),
    retired: assumed(null),
    created: assumed(0),
    row: assumed({ supports_image_in: false, supports_video_in: false, supports_reasoning: false }),
    completionId: assumed('uuid'),
    fingerprint: assumed(null),
    window: assumed(262_144),
    defaultOutput: assumed(1_024),
    clampsDefaultOutput: assumed(true),
    largestOutput: assumed(null),
    bodyBytes: assumed(4 * 2 ** 20),
    thinking: {
      byDefault: assumed(false),
      enabled: assumed('ignored'),
      disabled: assumed('ignored'),
      efforts: assumed(null),
      history: assumed('all'),
      keepAll: assumed(false),
      requiresReasoning: assumed(false),
      whenOff: assumed('nothing'),
    },
    sampling: assumed({ kind: 'free' }),
    tools: {
      namePattern: assumed('^.+$'),
      requiredWhileThinking: assumed('obeyed'),
      namedWhileThinking: assumed('obeyed'),
      callIds: assumed('functions.NAME:INDEX'),
      spacedArguments: assumed(false),
      dynamic: assumed(false),
      builtins: assumed([]),
      schemas: assumed(null),
    },
    media: assumed(true),
    promptDetails: assumed(false),
    template: assumed('k2'),
  };
}
