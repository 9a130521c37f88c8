import type { Case } from '../../core/case.ts';
import { chatCache } from './cache.ts';
import { chatN, chatNUsage } from './choices.ts';
import { chatHistory, chatMessages } from './history.ts';
import { chatJson } from './json.ts';
import { chatLength, chatWindow } from './length.ts';
import { chatPartial } from './partial.ts';
import { chatRanges } from './ranges.ts';
import { chatAlias, chatShape } from './shape.ts';
import { chatStop, chatStopLimits } from './stop.ts';

export const CHAT_CASES: readonly Case[] = [
  chatShape,
  chatAlias,
  chatHistory,
  chatMessages,
  chatLength,
  chatWindow,
  chatStop,
  chatStopLimits,
  ...chatRanges,
  chatN,
  chatNUsage,
  chatPartial,
  chatJson,
  chatCache,
];
