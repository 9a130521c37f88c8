import { ChatCompletion, ChatCompletionChunk, chatRequest } from './chat.ts';
import type { Limits } from './limits.ts';
import { listOf, listQuery } from './lists.ts';
import { Balance, estimateRequest, Model, ModelList, TokenEstimate } from './models.ts';
import { type Operation, SESSION_ERRORS, WRITE_ERRORS } from './operation.ts';
import { reached } from './operation-routes.ts';
import { sessionOperations } from './session-operations.ts';
import { SessionMessage } from './sessions.ts';
import { SharedSnapshot, Snapshot, SnapshotDeleted, snapshotRequests } from './snapshots.ts';

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
      summary: 'Ends the snapshot and its share. Forks live on.',
      answer: SnapshotDeleted,
      errors: ['snapshot_not_found'],
    },
    {
      ...reached('listSnapshotMessages'),
      evidence: 'ours',
      summary:
        'What a restore brings back, or (`scope=archived`) all that was archived. With `query`: messages that hold all its words, newest first.',
      query: requests.messagesQuery,
      answer: listOf(SessionMessage),
      errors: ['snapshot_not_found', 'message_not_found'],
    },
    {
      ...reached('shareSnapshot'),
      evidence: 'article',
      summary: 'Lets other accounts fork the snapshot. Again: the same id with the new expiry.',
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
        "Kimi's chat completion, streamed or not. With `session_id`, `messages` are the new ones only, the turn is committed before its end is sent, and the answer carries `session`.",
      body: chatRequest(limits),
      answer: ChatCompletion,
      stream: { type: 'text/event-stream', item: ChatCompletionChunk },
      errors: ['model_not_found', 'content_empty', 'tool_call_id_not_found', ...SESSION_ERRORS, ...WRITE_ERRORS],
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
        'Tokens of a prompt, exactly as chat counts them. Takes `tools` too, and prompts longer than the window.',
      body: estimateRequest(limits),
      answer: TokenEstimate,
      errors: ['model_not_found'],
    },
    {
      ...reached('getBalance'),
      evidence: 'kimi',
      summary: 'What is left on the account.',
      answer: Balance,
      errors: [],
    },
  ];
}
