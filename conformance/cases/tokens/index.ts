import type { Case } from '../../core/case.ts';
import { tokensCharged, tokensCompletion } from './charged.ts';
import { tokensEstimate, tokensPrompt } from './estimate.ts';
import { tokensTemplate } from './template.ts';

export const TOKENS_CASES: readonly Case[] = [
  tokensEstimate,
  tokensPrompt,
  tokensTemplate,
  tokensCharged,
  tokensCompletion,
];
