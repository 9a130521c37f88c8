import type { ChatRequest } from '../../contract/chat.ts';
import { EFFORTS, type Effort, type ModelProfile } from '../../contract/models/profile.ts';

/** How a request is thought about. */
export interface Thinking {
  readonly enabled: boolean;
  readonly effort: Effort;
  /** Whether the prompt keeps all reasoning of the history, beyond what the model keeps by itself. */
  readonly keepsAll: boolean;
}

/** @param asked unknown efforts are ignored, as the live API does [captured 2026-09-01] */
export function thinkingOf(
  { thinking }: ModelProfile,
  asked: Pick<ChatRequest, 'thinking' | 'reasoning_effort'>,
): Thinking {
  const { type, keep, effort } = asked.thinking ?? {};
  const switched = type === 'disabled' ? thinking.disabled.value : thinking.enabled.value;
  const enabled = type != null && switched === 'obeyed' ? type === 'enabled' : thinking.byDefault.value;
  const efforts = thinking.efforts.value;
  const wanted = [effort, asked.reasoning_effort].find((value) => efforts?.values.some((known) => known === value));
  return {
    enabled,
    effort: EFFORTS.find((known) => known === wanted) ?? efforts?.default ?? 'max',
    keepsAll: keep === 'all' && thinking.keepAll.value,
  };
}
