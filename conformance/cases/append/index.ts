import type { Case } from '../../core/case.ts';
import { appendAtomic } from './atomic.ts';
import { appendCallIds } from './call-ids.ts';
import { appendConcurrent } from './concurrent.ts';
import { appendContent } from './content.ts';
import { appendEmpty } from './empty.ts';
import { appendLaws } from './laws.ts';
import { appendLimit } from './limit.ts';
import { appendLimitInTokens } from './limit-in-tokens.ts';
import { appendLimitWhole } from './limit-whole.ts';
import { appendMessage } from './message.ts';
import { appendRequestMessages } from './request-messages.ts';
import { appendSystemMessages } from './system-messages.ts';
import { appendToolResults } from './tool-results.ts';
import { appendUsage } from './usage.ts';
import { appendWindow } from './window.ts';

export const APPEND_CASES: readonly Case[] = [
  appendMessage,
  appendUsage,
  appendAtomic,
  appendContent,
  appendSystemMessages,
  appendEmpty,
  appendToolResults,
  appendCallIds,
  appendLimit,
  appendLimitInTokens,
  appendLimitWhole,
  appendRequestMessages,
  appendWindow,
  appendConcurrent,
  appendLaws,
];
