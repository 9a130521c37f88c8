import type OpenAI from 'openai';
import type { APIPromise } from 'openai';
import type { Tool } from '../../contract/messages.ts';
import type { Session } from '../../contract/sessions.ts';
import type { Checkpoint, CheckpointState } from '../checkpoint.ts';
import { DEFAULT_MODEL, turnDefaults } from '../defaults.ts';
import type { ChatParams, KimiClient } from '../kimi-client.ts';
import { type RetryOptions, type Sleep, sleep, withRetries } from '../retry.ts';
import type { AbandonOpenCalls } from './calls.ts';
import type { Policy, ShrinkAction } from './decide-shrink.ts';
import type { Density } from './fit.ts';

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
  /** The server refused to shrink the window so; what it names is tried instead, or else the policy's next action. */
  refused: { action: ShrinkAction; error: unknown; instead: ShrinkAction | null };
  /** What the model thinks, as it comes: `text` is all of it so far. It begins anew where both are the same. */
  reasoning: { delta: string; text: string };
  /** A step failed and is tried again. */
  retry: { error: unknown; attempt: number; delayMs: number };
  /** The turn is committed, but the shrinking after it failed. It comes before the next turn. */
  deferred: { error: unknown };
}

/** What the parts of a rolling session share. */
export interface RollingContext {
  readonly client: KimiClient;
  readonly settings: Settings;
  readonly checkpoint: CheckpointState;
  readonly events: Events<RollingEvents>;
  /** The window is that of the model that answered last. */
  limits: Session['limits'];
  readonly density: Density;
  /** The last refusal to make the window smaller, until something has made it so. */
  readonly refusals: { last: unknown };
}

interface Step {
  key: string;
  signal: AbortSignal | undefined;
  /** The version that the session must have, for a step whose repetition would have another effect. */
  version?: number;
}

interface Sent<Value> {
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
  return withRetries(
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
export function emitWindow({ checkpoint, events, settings, limits }: RollingContext): void {
  const { maxKeep } = settings;
  events.emit('window', { tokens: checkpoint.session.tokens, maxKeep, windowTokens: limits.window_tokens });
}

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
  /** Default `kimi-k3`; of a session that is there already, its own. */
  model?: string;
  /** Longest answer, with its reasoning. Default an eighth of the window for models that think, else 4,000. */
  maxTokens?: number;
  /** Default 0.2; to models that fix it none is sent. */
  temperature?: number;
  /** A system message at the head of a new session: pinned, so that it survives every cut. */
  instructions?: string;
  /** Tools of a new session; a turn may have others, in its `params`. */
  tools?: Tool[];
  /** Title of a new session. */
  title?: string;
  /** Metadata of a new session, by which it can be found; `rolling_session` is set to the id of the checkpoint. */
  metadata?: Record<string, string>;
  /** Goes on in a session that is there already, where the checkpoint names none. */
  sessionId?: string;
  /** What becomes of tool calls that wait for results where a text comes instead. By default the text is refused. */
  abandonOpenCalls?: AbandonOpenCalls;
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
  /** What becomes of tool calls that wait for results, and get none here. Default as `open` has it. */
  abandonOpenCalls?: AbandonOpenCalls;
}

export interface AppendOptions extends CallOptions {
  role?: 'user' | 'system';
  /** Names the document, so that what is in the session already is skipped when it is appended again after a crash. */
  id?: string;
}

export type Settings = ReturnType<typeof toSettings>;

/**
 * The options, with their defaults.
 * @param session once it is known
 * @throws RangeError for invalid sizes, or where they exclude each other
 */
export function toSettings(options: RollingOptions, session?: Pick<Session, 'model' | 'limits'>) {
  const model = options.model ?? session?.model ?? DEFAULT_MODEL;
  const windowTokens = session?.limits.window_tokens ?? Number.MAX_SAFE_INTEGER;
  const settings = {
    maxKeep: options.maxKeep ?? 180_000,
    preserveLen: options.preserveLen ?? 8_000,
    policy: options.policy ?? ('truncate' as const),
    model,
    maxTokens: options.maxTokens ?? turnDefaults(model, windowTokens).maxTokens,
    temperature: options.temperature,
    clip: options.toolResults === 'clip',
    abandonOpenCalls: options.abandonOpenCalls,
    retries: options.retries ?? 6,
    sleep: options.sleep ?? sleep,
  };
  for (const name of ['maxKeep', 'preserveLen', 'maxTokens'] as const) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1)
      throw new RangeError(`${name} (${settings[name]}) must be a whole number of tokens, 1 at least`);
  }
  const { abandonOpenCalls } = settings;
  if (abandonOpenCalls !== undefined && abandonOpenCalls !== 'error result')
    throw new RangeError(`abandonOpenCalls (${abandonOpenCalls}) must be 'error result', or left out`);
  if (!Number.isSafeInteger(settings.retries) || settings.retries < 0)
    throw new RangeError(`retries (${settings.retries}) must be a whole number, 0 at least`);
  if (!(settings.preserveLen < settings.maxKeep)) {
    throw new RangeError(`preserveLen (${settings.preserveLen}) must be less than maxKeep (${settings.maxKeep})`);
  }
  return settings;
}

/** Tells listeners what goes on. A listener is called at once, in order; what it throws goes to whoever caused the event. */
export class Events<Kinds extends object> {
  readonly #listeners = new Map<keyof Kinds, Set<(event: never) => void>>();

  /** @returns what takes the listener away again */
  on<Name extends keyof Kinds>(name: Name, listener: (event: Kinds[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  emit<Name extends keyof Kinds>(name: Name, event: Kinds[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(event as never);
  }
}
