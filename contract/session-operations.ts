import * as z from 'zod';
import type { Limits } from './limits.ts';
import { listOf, listQuery } from './lists.ts';
import { InputMessage } from './messages.ts';
import { type Operation, SESSION_ERRORS, WRITE_ERRORS } from './operation.ts';
import { reached } from './operation-routes.ts';
import {
  AppendAcknowledgement,
  AppendEnd,
  Session,
  SessionAppend,
  SessionCompression,
  SessionDeleted,
  SessionMessage,
  SessionTruncation,
  sessionRequests,
} from './sessions.ts';
import { Snapshot, snapshotRequests } from './snapshots.ts';

/** Everything under /v1/sessions. */
export function sessionOperations(limits: Limits): Operation[] {
  const requests = sessionRequests(limits);
  const query = listQuery(limits);
  return [
    {
      ...reached('createSession'),
      evidence: 'article',
      status: 201,
      summary:
        'A new session; or, with `snapshot_id` or `share_id`, a fork, which takes neither model, tools nor messages.',
      body: requests.create,
      answer: Session,
      errors: [
        'model_not_found',
        'session_limit_reached',
        ...WRITE_ERRORS,
        'snapshot_not_found',
        'share_not_found',
        'preserve_len_too_small',
      ],
    },
    {
      ...reached('listSessions'),
      evidence: 'ours',
      summary: 'Sessions of the account, newest first.',
      query,
      answer: listOf(Session),
      errors: ['session_not_found'],
    },
    {
      ...reached('getSession'),
      evidence: 'article',
      summary: 'The session and what stands in its window.',
      answer: Session,
      errors: ['session_not_found'],
    },
    {
      ...reached('updateSession'),
      evidence: 'ours',
      summary: 'Title, metadata and tools. What is not given stays.',
      body: requests.update,
      answer: Session,
      errors: [...SESSION_ERRORS, 'context_window_exceeded'],
    },
    {
      ...reached('deleteSession'),
      evidence: 'ours',
      summary: "Frees the session's place. Its snapshots stay.",
      answer: SessionDeleted,
      errors: SESSION_ERRORS,
    },
    {
      ...reached('appendMessages'),
      evidence: 'article',
      summary:
        'One write, all or nothing: a message, or `{messages: […]}`. As `application/x-ndjson` each line is one write of one message, acknowledged by a line `{index, id, tokens, usage, version}`; the end is `{done: true, lines, usage, version}`.',
      body: z.union([requests.append, InputMessage]),
      answer: SessionAppend,
      stream: { type: 'application/x-ndjson', item: z.union([AppendAcknowledgement, AppendEnd]) },
      errors: [...SESSION_ERRORS, ...WRITE_ERRORS],
    },
    {
      ...reached('listMessages'),
      evidence: 'ours',
      summary: 'The window, oldest first.',
      query,
      answer: listOf(SessionMessage),
      errors: ['session_not_found', 'message_not_found'],
    },
    {
      ...reached('pinMessage'),
      evidence: 'ours',
      summary: 'Pins a message of the window, or takes its pin away.',
      body: requests.pin,
      answer: SessionMessage,
      errors: [...SESSION_ERRORS, 'message_not_found'],
    },
    {
      ...reached('truncateSession'),
      evidence: 'article',
      summary: 'Cuts the head of the window: tools, pinned messages and the newest groups within `preserve_len` stay.',
      body: requests.truncate,
      answer: SessionTruncation,
      errors: [...SESSION_ERRORS, 'preserve_len_too_small'],
    },
    {
      ...reached('rollbackSession'),
      evidence: 'article',
      summary:
        'Brings back a snapshot taken of this session. `preserve_len: "all"` restores the whole archived window.',
      body: requests.rollback,
      answer: Session,
      errors: [...SESSION_ERRORS, 'snapshot_not_found', 'snapshot_mismatch', 'preserve_len_too_small'],
    },
    {
      ...reached('compressSession'),
      evidence: 'article',
      summary: 'Replaces all but tools, pins and, with `preserve_len`, the newest groups by one structured summary.',
      body: requests.compress,
      answer: SessionCompression,
      errors: [
        ...SESSION_ERRORS,
        'tool_call_unanswered',
        'preserve_len_too_small',
        'compress_infeasible',
        'snapshot_limit_reached',
      ],
    },
    {
      ...reached('createSnapshot'),
      evidence: 'article',
      status: 201,
      summary: 'Archives the whole window; `preserve_len` says how much of it a restore brings back.',
      body: snapshotRequests(limits).create,
      answer: Snapshot,
      errors: ['session_not_found', 'version_conflict', 'snapshot_limit_reached', 'preserve_len_too_small'],
    },
    {
      ...reached('listSessionSnapshots'),
      evidence: 'ours',
      summary: 'Snapshots of the session, newest first.',
      query,
      answer: listOf(Snapshot),
      errors: ['session_not_found', 'snapshot_not_found'],
    },
  ];
}
