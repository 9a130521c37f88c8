import { findProfile } from '../contract/models/profiles.ts';

/** The model that answers where none is named. */
export const DEFAULT_MODEL = 'kimi-k3';

/** The article's settings, for models that do not think and sample as they are told. */
const ARTICLE = { maxTokens: 4_000, temperature: 0.2 };
/** Reasoning is part of an answer. The live default is this part of the window [Kimi API documentation, 2026-08]. */
const THINKING_SHARE = 1 / 8;

/** What a turn asks for where its caller does not say. A model that is not known is taken for one of today's. */
export function turnDefaults(model: string, sessionWindow: number) {
  const profile = findProfile(model);
  const windowTokens = Math.min(sessionWindow, profile?.window.value ?? sessionWindow);
  const thinks = profile?.thinking.byDefault.value ?? true;
  return {
    windowTokens,
    maxTokens: thinks ? Math.max(1, Math.floor(windowTokens * THINKING_SHARE)) : ARTICLE.maxTokens,
    temperature: profile?.sampling.value.kind === 'free' ? ARTICLE.temperature : undefined,
  };
}
