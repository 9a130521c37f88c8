import type { Row, Task } from './cell.ts';

/** The opening, three pieces of 16 characters, and the finish chunk. */
const ALL_EVENTS = 5;
const LIMIT_MS = 1_000;
/** More often than any client tries. */
const ALWAYS = 20;

/** Every fault, in the order of the table. */
export const ROWS: readonly Row[] = [
  ...both('429 `engine_overloaded`, once', { effect: 'error', code: 'engine_overloaded' }),
  row('chat', '429 `engine_overloaded`, always', { effect: 'error', code: 'engine_overloaded', times: ALWAYS }),
  row('chat', '429 `rpm_limit`, once', { effect: 'error', code: 'rpm_limit' }),
  row('chat', '429 `tpd_limit`', { effect: 'error', code: 'tpd_limit', times: ALWAYS }),
  row('chat', '429 `quota_exceeded`', { effect: 'error', code: 'quota_exceeded', times: ALWAYS }),
  row('chat', '400 `content_filter`', { effect: 'error', code: 'content_filter', times: ALWAYS }),
  row('chat', '500 `unexpected_output`, once', { effect: 'error', code: 'unexpected_output' }),
  row('chat', '`window_pressure`, always', { effect: 'window_pressure', max_new_tokens: 1, times: ALWAYS }),
  row('chat', '`session_busy`, twice', { effect: 'session_busy', times: 2 }),
  row('append', '`session_busy`, twice', { effect: 'session_busy', times: 2 }),
  row('chat', '`delay` of 50 ms', { effect: 'delay', ms: 50 }),
  { ...row('chat', '`hang`, once; the client waits 1 s', { effect: 'hang' }), limitMs: LIMIT_MS },
  ...both('`reset`, once', { effect: 'reset' }),
  row('chat', '`reset`, always', { effect: 'reset', times: ALWAYS }),
  ...both('`lose_answer`, once', { effect: 'lose_answer' }),
  row('append', '`lose_answer`, once', { effect: 'lose_answer' }),
  ...both('`disk_full`, once', { effect: 'disk_full' }),
  row('streamed chat', '`slow_stream` of 5 ms', { effect: 'slow_stream', ms: 5 }),
  row('streamed chat', '`cut_stream` after 2 events', { effect: 'cut_stream', after_events: 2 }),
  row('streamed chat', '`cut_stream` inside a character', { effect: 'cut_stream', inside_character: true }),
  row('streamed chat', '`cut_stream` after 2 events, cleanly', {
    effect: 'cut_stream',
    after_events: 2,
    cleanly: true,
  }),
  row('streamed chat', '`cut_stream` before `[DONE]`', { effect: 'cut_stream', after_events: ALL_EVENTS }),
  row('rollback', '`snapshot_expired`, once', { effect: 'snapshot_expired' }),
  row('compress', '`compress_fails`, once', { effect: 'compress_fails' }),
];

function row(task: Task, fault: string, spec: Row['spec']): Row {
  return { task, fault, spec };
}

function both(fault: string, spec: Row['spec']): Row[] {
  return [row('chat', fault, spec), row('streamed chat', fault, spec)];
}
