export * from './chat.ts';
export {
  type Checkpoint,
  CheckpointError,
  type RollingState,
} from './checkpoint.ts';
export type { Policy, PolicyFunction, ShrinkAction, Situation } from './decide.ts';
export * from './errors.ts';
export * from './frequent-context.ts';
export * from './kimi-client.ts';
export * from './parallel.ts';
export type { TurnResult } from './rolling/answer.ts';
export type { RollingEvents } from './rolling/context.ts';
export { RollingSessionError, type RollingSessionErrorCode } from './rolling/errors.ts';
export type { AppendOptions, CallOptions, RollingOptions, TurnOptions } from './rolling/settings.ts';
export type { TextSource } from './rolling/split-text.ts';
export { RollingSession } from './rolling-session.ts';
export * from './sessions.ts';
export * from './snapshots.ts';
