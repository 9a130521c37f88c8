export {
  type Checkpoint,
  CheckpointError,
  type RollingState,
} from './checkpoint.ts';
export * from './errors.ts';
export * from './frequent-context.ts';
export * from './kimi-client.ts';
export * from './parallel.ts';
export type { AbandonOpenCalls, ToolResult } from './rolling/calls.ts';
export type { AppendOptions, CallOptions, RollingEvents, RollingOptions, TurnOptions } from './rolling/context.ts';
export type { Policy, PolicyFunction, ShrinkAction, Situation } from './rolling/decide-shrink.ts';
export type { TextSource } from './rolling/fit.ts';
export type { TurnResult } from './rolling/turn.ts';
export { RollingSession } from './rolling-session.ts';
export * from './sessions.ts';
