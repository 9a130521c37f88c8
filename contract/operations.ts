import * as z from 'zod';
import { ChatCompletion, ChatCompletionChunk, chatRequest } from './chat.ts';
import type { ErrorCode } from './errors.ts';
import { FileDeleted, FileList, FileObject, FileText, fileUpload } from './files.ts';
import type { Evidence, Limits } from './limits.ts';
import { listOf, listQuery } from './lists.ts';
import { InputMessage } from './messages.ts';
import { Balance, estimateRequest, Model, ModelList, TokenEstimate } from './models.ts';
import { type OperationId, type OperationRoute, reached } from './operation-routes.ts';
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
import { SharedSnapshot, Snapshot, SnapshotDeleted, snapshotRequests } from './snapshots.ts';

/** One route of the API: what it takes, what it answers, and which errors are its own. */
export interface Operation extends OperationRoute {
  id: OperationId;
  summary: string;
  evidence: Evidence;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** The fields of a body of `multipart/form-data`, beside its `file`. */
  form?: z.ZodObject;
  answer: z.ZodType;
  /** Whether it may be answered with the bytes of a file instead. */
  bytes?: true;
  /** The answer where it is streamed: its media type, and one event or line of it. */
  stream?: { type: string; item: z.ZodType };
  status?: 201;
  errors: readonly ErrorCode[];
}

/** What any change of a session may be refused with. */
const SESSION_ERRORS: readonly ErrorCode[] = ['session_not_found', 'version_conflict', 'session_busy'];
/** What any write into a window may be refused with. */
const WRITE_ERRORS: readonly ErrorCode[] = [
  'tool_result_orphan',
  'tool_call_unanswered',
  'append_too_large',
  'context_window_exceeded',
];

/** Every operation of the contract, in the order of the page that defines it. */
export function operations(limits: Limits): Operation[] {
  return [...sessionOperations(limits), ...snapshotOperations(limits), ...statelessOperations(limits)];
}

function snapshotOperations(limits: Limits): Operation[] {
  const requests = snapshotRequests(limits);
  return [
    {
      ...reached('listSnapshots'),
      evidence: 'ours',
      summary: 'Snapshots of the account, newest first, also of deleted sessions.',
      query: listQuery(limits),
      answer: listOf(Snapshot),
      errors: ['snapshot_not_found'],
    },
    {
      ...reached('getSnapshot'),
      evidence: 'ours',
      summary: 'The snapshot.',
      answer: Snapshot,
      errors: ['snapshot_not_found'],
    },
    {
      ...reached('deleteSnapshot'),
      evidence: 'ours',
      summary: 'Deletes the snapshot and its share. Its forks remain.',
      answer: SnapshotDeleted,
      errors: ['snapshot_not_found'],
    },
    {
      ...reached('listSnapshotMessages'),
      evidence: 'ours',
      summary:
        'The messages that a restore brings back, or with `scope=archived` all archived messages. With `query`: messages that contain all its words, newest first.',
      query: requests.messagesQuery,
      answer: listOf(SessionMessage),
      errors: ['snapshot_not_found', 'message_not_found'],
    },
    {
      ...reached('shareSnapshot'),
      evidence: 'article',
      summary: 'Lets other accounts fork the snapshot. Sharing it again keeps the id and sets the new expiry.',
      body: requests.share,
      answer: Snapshot,
      errors: ['snapshot_not_found'],
    },
    {
      ...reached('unshareSnapshot'),
      evidence: 'ours',
      summary: 'Ends the share.',
      answer: Snapshot,
      errors: ['snapshot_not_found', 'share_not_found'],
    },
    {
      ...reached('getShare'),
      evidence: 'ours',
      summary: 'A shared snapshot, for any account.',
      answer: SharedSnapshot,
      errors: ['share_not_found'],
    },
  ];
}

function statelessOperations(limits: Limits): Operation[] {
  return [
    {
      ...reached('createChatCompletion'),
      evidence: 'kimi',
      summary:
        "Kimi's chat completion, streamed or not. With `session_id`, `messages` holds only the new messages, the turn is committed before the end of the answer is sent, and the answer contains `session`.",
      body: chatRequest(limits),
      answer: ChatCompletion,
      stream: { type: 'text/event-stream', item: ChatCompletionChunk },
      errors: [
        'model_not_found',
        'content_empty',
        'assistant_empty',
        'role_unsupported',
        'stop_too_long',
        'function_name_duplicated',
        'tool_call_id_not_found',
        'tool_results_missing',
        ...SESSION_ERRORS,
        ...WRITE_ERRORS,
      ],
    },
    {
      ...reached('listModels'),
      evidence: 'kimi',
      summary: 'The models.',
      answer: ModelList,
      errors: [],
    },
    {
      ...reached('getModel'),
      evidence: 'kimi',
      summary: 'One model.',
      answer: Model,
      errors: ['model_not_found'],
    },
    {
      ...reached('estimateTokenCount'),
      evidence: 'kimi',
      summary:
        'Tokens of a prompt, exactly as chat counts them. Also accepts `tools`, and prompts longer than the window.',
      body: estimateRequest(limits),
      answer: TokenEstimate,
      errors: ['model_not_found'],
    },
    {
      ...reached('createFile'),
      evidence: 'kimi',
      summary:
        'Uploads a file. A picture or a video is then named as `ms://ID` in a message, for as long as it is there.',
      form: fileUpload,
      answer: FileObject,
      errors: ['file_purpose_invalid', 'file_too_large', 'file_empty', 'files_limit_reached'],
    },
    {
      ...reached('listFiles'),
      evidence: 'kimi',
      summary: 'All files of the account, newest first.',
      answer: FileList,
      errors: [],
    },
    {
      ...reached('getFile'),
      evidence: 'kimi',
      summary: 'The file, without its bytes.',
      answer: FileObject,
      errors: ['file_not_found'],
    },
    {
      ...reached('getFileContent'),
      evidence: 'kimi',
      summary: 'What a file of the purpose `file-extract` says; the bytes of any other.',
      answer: FileText,
      bytes: true,
      errors: ['file_not_found'],
    },
    {
      ...reached('deleteFile'),
      evidence: 'kimi',
      summary: 'Deletes the file. Sessions that show it keep its bytes.',
      answer: FileDeleted,
      errors: ['file_not_found'],
    },
    {
      ...reached('getBalance'),
      evidence: 'kimi',
      summary: 'The balance of the account.',
      answer: Balance,
      errors: [],
    },
  ];
}

/** Everything under /v1/sessions. */
function sessionOperations(limits: Limits): Operation[] {
  const requests = sessionRequests(limits);
  const query = listQuery(limits);
  return [
    {
      ...reached('createSession'),
      evidence: 'article',
      status: 201,
      summary:
        'Creates a session; with `snapshot_id` or `share_id`, a fork, which accepts no model, tools or messages.',
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
      summary: 'The session, with the tokens and messages in its window.',
      answer: Session,
      errors: ['session_not_found'],
    },
    {
      ...reached('updateSession'),
      evidence: 'ours',
      summary: 'Changes title, metadata and tools. Fields that are left out keep their values.',
      body: requests.update,
      answer: Session,
      errors: [...SESSION_ERRORS, 'context_window_exceeded'],
    },
    {
      ...reached('deleteSession'),
      evidence: 'ours',
      summary: 'Deletes the session, so that it no longer counts towards the limit. Its snapshots remain.',
      answer: SessionDeleted,
      errors: SESSION_ERRORS,
    },
    {
      ...reached('appendMessages'),
      evidence: 'article',
      summary:
        'One write, all or nothing: a message, or `{messages: […]}`. As `application/x-ndjson` each line is one write of one message, acknowledged by a line `{index, id, tokens, usage, version}`; the last line is `{done: true, lines, usage, version}`.',
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
      summary: 'Pins or unpins a message of the window.',
      body: requests.pin,
      answer: SessionMessage,
      errors: [...SESSION_ERRORS, 'message_not_found'],
    },
    {
      ...reached('truncateSession'),
      evidence: 'article',
      summary: 'Cuts the start of the window: tools, pinned messages and the newest groups within `preserve_len` stay.',
      body: requests.truncate,
      answer: SessionTruncation,
      errors: [...SESSION_ERRORS, 'preserve_len_too_small'],
    },
    {
      ...reached('rollbackSession'),
      evidence: 'article',
      summary: 'Returns to a snapshot of this session. `preserve_len: "all"` restores the whole archived window.',
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
