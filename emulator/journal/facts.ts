import type { CompletionUsage } from '../../contract/chat.ts';

/**
 * What a request did, told by the route that knows it. Tokens and messages are counts; `total` is what the window holds
 * afterwards, session tools included. Only those of a request that succeeded are true.
 */
export interface Facts {
  created?: { session: string; from_snapshot?: string; from_share?: string };
  /** `lines` where it was streamed. `opened` and `answered` are ids of tool calls. */
  wrote?: {
    messages: number;
    tokens: number;
    total: number;
    lines?: number;
    opened?: string[];
    answered?: string[];
    /** Place of the last message in its history; a cut names the first place that it keeps. */
    place?: number;
  };
  turn?: Turn;
  cut?: { messages: number; tokens: number; total: number; first_place: number };
  compressed?: { before: number; total: number; snapshot?: string };
  snapshot?: { id: string; preserve_len: number | null };
  rolled_back?: { snapshot: string; total: number; first_place: number };
  deleted?: { session?: string; snapshot?: string };
  shared?: { share: string; snapshot: string; expires_at: number | null };
  unshared?: { snapshot: string };
  /** All state was put back; not a request of anybody's. */
  reset?: true;
}

export interface Turn {
  model: string;
  usage: CompletionUsage;
  /** As asked for; null where the request did not say. */
  max_tokens: number | null;
  finish_reasons: string[];
  /** Tool calls that were delivered. */
  calls?: string[];
  /** False where calls were delivered and, cut by their length, not stored. */
  stored?: false;
  /** In a session, what its window holds afterwards. */
  total?: number;
}
