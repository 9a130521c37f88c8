import type * as z from 'zod';
import type { ErrorCode } from './errors.ts';
import type { Evidence } from './evidence.ts';
import type { OperationId, OperationRoute } from './operation-routes.ts';

/** One route of the API: what it takes, what it answers, and which errors are its own. */
export interface Operation extends OperationRoute {
  id: OperationId;
  summary: string;
  evidence: Evidence;
  query?: z.ZodObject;
  body?: z.ZodType;
  answer: z.ZodType;
  /** The answer where it is streamed: its media type, and one event or line of it. */
  stream?: { type: string; item: z.ZodType };
  status?: 201;
  errors: readonly ErrorCode[];
}

/** What any change of a session may be refused with. */
export const SESSION_ERRORS: readonly ErrorCode[] = ['session_not_found', 'version_conflict', 'session_busy'];
/** What any write into a window may be refused with. */
export const WRITE_ERRORS: readonly ErrorCode[] = [
  'tool_result_orphan',
  'tool_call_unanswered',
  'append_too_large',
  'context_window_exceeded',
];
