import { assumed, captured, documented, type Fact, type ModelProfile } from './profile.ts';

const ARTICLES_NAME: Fact<readonly string[]> = {
  value: ['kimi-k2-0905'],
  evidence: 'article',
  source: 'article "Kimi K2-0905: state management for long flows"',
  date: '2025-10',
};

/** The article's model. It thinks nowhere, takes text alone and samples freely. */
export const KIMI_K2_0905 = {
  id: 'kimi-k2-0905-preview',
  aliases: ARTICLES_NAME,
  since: documented('2025-09-05', 'DOC'),
  retired: documented('2026-05-25', 'PD'),
  created: assumed(1_757_030_400),
  row: captured({ supports_image_in: false, supports_video_in: false, supports_reasoning: false }, 'WIRE'),
  completionId: captured('24 hex digits', 'WIRE'),
  fingerprint: captured({ text: 'fpv0_10a6da87', on: 'finish chunk' }, 'WIRE'),

  window: documented(262_144, 'DOC'),
  defaultOutput: documented(1024, 'DOC'),
  clampsDefaultOutput: documented(false, 'DOC'),
  largestOutput: documented(null, 'DOC'),
  bodyBytes: assumed(4 * 2 ** 20),

  thinking: {
    byDefault: documented(false, 'DOC'),
    enabled: assumed('ignored'),
    disabled: assumed('ignored'),
    efforts: documented(null, 'DOC'),
    history: documented('all', 'DOC'),
    keepAll: documented(false, 'DOC'),
    requiresReasoning: documented(false, 'DOC'),
    whenOff: captured('nothing', 'WIRE'),
  },

  sampling: documented({ kind: 'free' }, 'DOC'),

  tools: {
    namePattern: documented('^[a-zA-Z_][a-zA-Z0-9-_]{2,63}$', 'DOC'),
    requiredWhileThinking: documented('obeyed', 'DOC'),
    namedWhileThinking: documented('obeyed', 'DOC'),
    callIds: assumed('functions.NAME:INDEX'),
    spacedArguments: assumed(false),
    builtins: documented(['$web_search'], 'DOC'),
    dynamic: captured(false, 'KVV'),
    schemas: assumed(null),
  },

  media: documented(false, 'DOC'),
  promptDetails: captured(false, 'WIRE'),
  template: captured('k2', 'WIRE'),
} as const satisfies ModelProfile;
