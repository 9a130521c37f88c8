import type { SessionMessage } from '../../contract/sessions.ts';
import { holds, refused } from '../core/expect.ts';
import type { Trial } from '../core/trial.ts';
import { createSnapshot, type State } from './dialect.ts';
import { keptOf } from './groups.ts';
import type { Reply } from './reply.ts';
import { mixedWindow, TOOL } from './windows.ts';

/** A snapshot that restores a part of a window in which there is all that a cut has to mind. */
export interface PartlyRestored extends State {
  snapshot_id: string;
  /** Tokens, least first; `middle` is what the snapshot restores by itself, and with `most` not all comes back either. */
  little: number;
  middle: number;
  most: number;
  /** What has to come back where so many tokens are asked for. */
  kept: (preserve_len: number) => SessionMessage[] | undefined;
}

/** Needs `sessions.append`, `sessions.snapshot` and `tokens.estimate`. @throws Mismatch, Fault */
export async function partlyRestored(trial: Trial<string>): Promise<PartlyRestored> {
  const state = await mixedWindow(trial, { tools: [TOOL] });
  const { session, messages } = state;
  const times = (factor: number) => Math.floor(factor * trial.limits.min_preserve_tokens);
  const lengths = { little: times(1.1), middle: times(1.6), most: times(2.1) };
  const { id: snapshot_id } = await createSnapshot(trial.api, session.id, { preserve_len: lengths.middle });
  const kept = (preserve_len: number) => keptOf(messages, preserve_len - session.usage.tools_tokens);
  return { ...state, ...lengths, snapshot_id, kept };
}

/** A `preserve_len` below the minimum is refused, and the minimum is named. @throws Mismatch */
export function belowMinimum(reply: Reply, least: number): void {
  const message = refused(reply, 'preserve_len_too_small', { param: 'preserve_len' });
  holds(message.includes(String(least)), `the refusal names the minimum ${least}: ${message}`);
}
