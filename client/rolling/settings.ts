import type { Tool } from '../../contract/messages.ts';
import type { ChatParams } from '../chat.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Policy } from '../decide.ts';
import { type Sleep, sleep } from '../retry.ts';

/** Sizes in tokens. */
export interface RollingOptions {
  /** Where the agent remembers how far it is. Without one it cannot be resumed, and its session ends with it. */
  checkpoint?: Checkpoint;
  /** Over this a round is followed by a shrinking. Default 180,000; earlier where the next write and answer might not fit. */
  maxKeep?: number;
  /** What a cut leaves. Default 8,000. */
  preserveLen?: number;
  /** How the window is made smaller. Default `truncate`. */
  policy?: Policy;
  /** Default `kimi-k2-0905`. */
  model?: string;
  /** Longest answer. Default 4,000. */
  maxTokens?: number;
  /** Default 0.2. */
  temperature?: number;
  /** A system message at the head of a new session: pinned, so that it survives every cut. */
  instructions?: string;
  /** Tools of a new session. */
  tools?: Tool[];
  title?: string;
  metadata?: Record<string, string>;
  /** Goes on in a session that is there already, where the checkpoint names none. */
  sessionId?: string;
  /** What becomes of a tool result that is too large for one write. Default `refuse`. */
  toolResults?: 'refuse' | 'clip';
  /** How often a step is tried again. Every step has an effect once, however often it is sent. Default 6. */
  retries?: number;
  /** Waits between tries. */
  sleep?: Sleep;
  /** Ends the opening. */
  signal?: AbortSignal;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface TurnOptions extends CallOptions {
  /** Parameters of this turn's request, such as `tool_choice` or another `max_tokens`. */
  params?: Partial<Omit<ChatParams, 'messages' | 'session_id'>>;
}

export interface AppendOptions extends CallOptions {
  role?: 'user' | 'system';
  /** Names the document, so that what is in the session already is skipped when it is appended again after a crash. */
  id?: string;
}

export type Settings = ReturnType<typeof toSettings>;

/** The options, with their defaults. @throws RangeError for sizes that exclude each other */
export function toSettings(options: RollingOptions) {
  const settings = {
    maxKeep: options.maxKeep ?? 180_000,
    preserveLen: options.preserveLen ?? 8_000,
    policy: options.policy ?? ('truncate' as const),
    model: options.model ?? 'kimi-k2-0905',
    maxTokens: options.maxTokens ?? 4_000,
    temperature: options.temperature ?? 0.2,
    clip: options.toolResults === 'clip',
    retries: options.retries ?? 6,
    sleep: options.sleep ?? sleep,
  };
  if (!(settings.preserveLen < settings.maxKeep)) {
    throw new RangeError(`preserveLen (${settings.preserveLen}) must be less than maxKeep (${settings.maxKeep})`);
  }
  return settings;
}
