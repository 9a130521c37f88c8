import type OpenAI from 'openai';
import type { APIPromise } from 'openai';
import type { Session } from '../../contract/sessions.ts';
import type { Events } from '../events.ts';
import type { KimiClient } from '../kimi-client.ts';
import { type RetryOptions, retrying } from '../retry.ts';
import type { Density } from './density.ts';
import type { Ledger } from './ledger.ts';
import type { Settings } from './settings.ts';

/** What a rolling session tells of itself. Sizes in tokens. */
export interface RollingEvents {
  /** The window after a change. */
  window: { tokens: number; maxKeep: number; windowTokens: number };
  snapshot: { snapshotId: string; tokens: number };
  truncate: { before: number; after: number; snapshotId: string };
  compress: { before: number; after: number; snapshotId: string | null };
  /** Something that another process, or an earlier call, had begun is done: again, found done, or found not done and left. */
  resume: {
    what: 'session' | 'turn' | 'append' | 'shrink' | 'rollback';
    outcome: 'sent' | 'replayed' | 'found' | 'dropped';
  };
  /** A step failed and is tried again. */
  retry: { error: unknown; attempt: number; delayMs: number };
  /** The turn is committed, but the shrinking after it failed. It comes before the next turn. */
  deferred: { error: unknown };
}

/** What the parts of a rolling session share. */
export interface RollingContext {
  readonly client: KimiClient;
  readonly settings: Settings;
  readonly ledger: Ledger;
  readonly events: Events<RollingEvents>;
  readonly limits: Session['limits'];
  readonly density: Density;
}

interface Step {
  key: string;
  signal: AbortSignal | undefined;
  /** The version that the session must have, for a step whose repetition would have another effect. */
  version?: number;
}

export interface Sent<Value> {
  value: Value;
  /** True where the server had carried the step out before. */
  replayed: boolean;
}

/** Sends a step until it is answered. Tries of one step carry one key. */
export function send<Value>(
  context: Pick<RollingContext, 'settings' | 'events'>,
  step: Step,
  call: (options: OpenAI.RequestOptions) => APIPromise<Value>,
): Promise<Sent<Value>> {
  return retrying(
    async () => {
      const { data, response } = await call(stepOptions(step)).withResponse();
      return { value: data, replayed: isReplay(response) };
    },
    retryOptions(context, step.signal),
  );
}

/** The SDK's own retries are off: these steps are tried again here, where an event tells of it. */
export function stepOptions({ key, signal, version }: Step): OpenAI.RequestOptions {
  return {
    idempotencyKey: key,
    maxRetries: 0,
    signal,
    ...(version !== undefined && { headers: { 'If-Match': `"${version}"` } }),
  };
}

export function isReplay(response: Response): boolean {
  return response.headers.get('idempotent-replayed') === 'true';
}

export function retryOptions(
  { settings, events }: Pick<RollingContext, 'settings' | 'events'>,
  signal: AbortSignal | undefined,
): RetryOptions {
  const onRetry = (error: unknown, attempt: number, delayMs: number) =>
    events.emit('retry', { error, attempt, delayMs });
  return { retries: settings.retries, sleep: settings.sleep, signal, onRetry };
}

/** Tells where the window stands. */
export function tellWindow({ ledger, events, settings, limits }: RollingContext): void {
  const { maxKeep } = settings;
  events.emit('window', { tokens: ledger.session.tokens, maxKeep, windowTokens: limits.window_tokens });
}
