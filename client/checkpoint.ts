import type { InputMessage, ToolCall } from '../contract/messages.ts';
import type { Session } from '../contract/sessions.ts';
import type { ShrinkAction } from './rolling/decide-shrink.ts';

/** Where a rolling session remembers how far it is. Any store will do; `save` must be atomic. */
export interface Checkpoint {
  /** What was last saved; undefined or null where nothing was. */
  load(): unknown;
  save(state: RollingState): void | Promise<void>;
}

const FORMAT = 'kimi-rolling-session';
const VERSION = 1;

/** All that a rolling session has to remember. What is pending was written down before it was sent. */
export interface RollingState {
  format: typeof FORMAT;
  version: typeof VERSION;
  /** Names this agent. With `step` it makes the idempotency keys, so that a repeated step is a replay. */
  id: string;
  /** Number of the last step that was begun. */
  step: number;
  /** The session as the last finished step left it; null until it has been created. */
  session: SessionMark | null;
  /** Turns that are committed. */
  turns: number;
  /** Tool calls of the last turn that wait for their results; absent where an older release wrote the checkpoint. */
  calls?: ToolCall[];
  /** One for each shrinking, oldest first. */
  snapshots: { id: string; turns: number }[];
  /** What the last shrinking left, and how many in a row gained next to nothing. */
  settled: { tokens: number; weak: number };
  shrink: PendingShrink | null;
  write: PendingWrite | null;
  rollback: PendingRollback | null;
  /** How much of each named document is in the session, in UTF-16 units; `after` counts the snapshots before. */
  documents: Record<string, { chars: number; after: number }>;
}

export interface SessionMark {
  id: string;
  version: number;
  tokens: number;
  messages: number;
  /** True while tool calls wait for their results. */
  open: boolean;
}

/** Where a session stands. */
export function markOf({ id, version, usage }: Pick<Session, 'id' | 'version' | 'usage'>, open: boolean): SessionMark {
  return { id, version, tokens: usage.total_tokens, messages: usage.messages, open };
}

/** The snapshot is taken first and kept here before the window is touched. */
export interface PendingShrink {
  step: number;
  actions: ShrinkAction[];
  enough: number;
  before: number;
  snapshot: string | null;
}

export interface PendingWrite {
  step: number;
  kind: 'turn' | 'append';
  /** Fingerprint of what the caller gave, by which a repeated call is recognised. */
  input: string;
  /** The writes still to make. The last one of a turn goes with its request. */
  writes: InputMessage[][];
  /** The request of a turn but for session and messages, so that it is the same to the byte when sent again. */
  request: Record<string, unknown>;
  document: { id: string; chars: number } | null;
  /** The caller gave it up: it is not sent again, only whether it took effect is found out. */
  cancelled: boolean;
}

interface PendingRollback {
  step: number;
  snapshot_id: string;
  preserve_len: number | 'all' | null;
}

/** A checkpoint that cannot be used. Nothing was changed. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  readonly reason: 'damaged' | 'foreign' | 'newer';

  constructor(reason: CheckpointError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export function newState(): RollingState {
  return {
    format: FORMAT,
    version: VERSION,
    id: crypto.randomUUID(),
    step: 0,
    session: null,
    turns: 0,
    calls: [],
    snapshots: [],
    settled: { tokens: 0, weak: 0 },
    shrink: null,
    write: null,
    rollback: null,
    documents: {},
  };
}

/** What a checkpoint holds. @throws CheckpointError for what is not a checkpoint of this version */
export function readState(value: unknown): RollingState | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value) || value.format !== FORMAT) {
    throw new CheckpointError('foreign', 'The checkpoint is not one of a RollingSession. Name another place for it.');
  }
  if (typeof value.version === 'number' && value.version > VERSION) {
    const message = `The checkpoint has version ${value.version}; this release reads ${VERSION}. Update kimi-emulator.`;
    throw new CheckpointError('newer', message);
  }
  const wrong = Object.entries(SHAPE).find(([name, fits]) => !fits(value[name]));
  if (wrong) throw new CheckpointError('damaged', `The checkpoint is damaged: ${wrong[0]} is not what was saved.`);
  return structuredClone(value) as unknown as RollingState;
}

type Check = (value: unknown) => boolean;

const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isText: Check = (value) => typeof value === 'string' && value !== '';
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const isList =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const hasFields =
  (fields: Record<string, Check>): Check =>
  (value) =>
    isRecord(value) && Object.entries(fields).every(([name, fits]) => fits(value[name]));
const isBoolean: Check = (value) => typeof value === 'boolean';

const SHAPE: Record<string, Check> = {
  version: (value) => value === VERSION,
  id: isText,
  step: isCount,
  session: orNull(hasFields({ id: isText, version: isCount, tokens: isCount, messages: isCount, open: isBoolean })),
  turns: isCount,
  calls: (value) => value === undefined || isList(hasFields({ id: isText, function: isRecord }))(value),
  snapshots: isList(hasFields({ id: isText, turns: isCount })),
  settled: hasFields({ tokens: isCount, weak: isCount }),
  shrink: orNull(
    hasFields({ step: isCount, actions: isList(isRecord), enough: isCount, before: isCount, snapshot: orNull(isText) }),
  ),
  write: orNull(
    hasFields({
      step: isCount,
      kind: (value) => value === 'turn' || value === 'append',
      input: (value) => typeof value === 'string',
      writes: isList(isList(isRecord)),
      request: isRecord,
      document: orNull(hasFields({ id: isText, chars: isCount })),
      cancelled: isBoolean,
    }),
  ),
  rollback: orNull(hasFields({ step: isCount, snapshot_id: isText })),
  documents: (value) => isRecord(value) && Object.values(value).every(hasFields({ chars: isCount, after: isCount })),
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The state of a rolling session, written down before and after every step. */
export class CheckpointState {
  #state: RollingState;
  readonly #checkpoint: Checkpoint | undefined;

  constructor(state: RollingState, checkpoint: Checkpoint | undefined) {
    this.#state = state;
    this.#checkpoint = checkpoint;
  }

  get state(): Readonly<RollingState> {
    return this.#state;
  }

  /** The session. @throws Error where it has not been created yet, which `open` rules out */
  get session() {
    if (!this.#state.session) throw new Error('the session has not been created');
    return this.#state.session;
  }

  /** Number of a step that begins now. Takes effect with the change that it is part of. */
  get nextStep(): number {
    return this.#state.step + 1;
  }

  /** Takes a change over once it is written down. */
  async save(change: Partial<RollingState>): Promise<void> {
    const next = { ...this.#state, ...change };
    await this.#checkpoint?.save(next);
    this.#state = next;
  }

  /** The same for the same step, also in another process. */
  key(step: number, part: string | number): string {
    return `${this.#state.id}-${step}-${part}`;
  }
}

/** SHA-256 of a value's JSON, in hexadecimal. */
export async function fingerprint(value: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
