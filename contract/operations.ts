import { ChatCompletion, ChatCompletionChunk, chatRequest } from './chat.ts';
import type { Limits } from './limits.ts';
import { listOf, listQuery } from './lists.ts';
import { Balance, estimateRequest, Model, ModelList, TokenEstimate } from './models.ts';
import { type Operation, SESSION_ERRORS, WRITE_ERRORS } from './operation.ts';
import { sessionOperations } from './session-operations.ts';
import { SessionMessage } from './sessions.ts';
import { SharedSnapshot, Snapshot, SnapshotDeleted, snapshotRequests } from './snapshots.ts';

/** Every operation of the contract, in the order of the page that defines it. */
export function operations(limits: Limits): Operation[] {
  return [...sessionOperations(limits), ...snapshotOperations(limits), ...statelessOperations(limits)];
}

function snapshotOperations(limits: Limits): Operation[] {
  const requests = snapshotRequests(limits);
  const one = '/v1/snapshots/{id}';
  return [
    {
      id: 'listSnapshots',
      method: 'get',
      path: '/v1/snapshots',
      evidence: 'ours',
      summary: 'Snapshots of the account, newest first, also of deleted sessions.',
      query: listQuery(limits),
      answer: listOf(Snapshot),
      errors: ['snapshot_not_found'],
    },
    {
      id: 'getSnapshot',
      method: 'get',
      path: one,
      evidence: 'ours',
      summary: 'The snapshot.',
      answer: Snapshot,
      errors: ['snapshot_not_found'],
    },
    {
      id: 'deleteSnapshot',
      method: 'delete',
      path: one,
      evidence: 'ours',
      summary: 'Ends the snapshot and its share. Forks live on.',
      answer: SnapshotDeleted,
      errors: ['snapshot_not_found'],
    },
    {
      id: 'listSnapshotMessages',
      method: 'get',
      path: `${one}/messages`,
      evidence: 'ours',
      summary:
        'What a restore brings back, or (`scope=archived`) all that was archived. With `query`: messages that hold all its words, newest first.',
      query: requests.messagesQuery,
      answer: listOf(SessionMessage),
      errors: ['snapshot_not_found', 'message_not_found'],
    },
    {
      id: 'shareSnapshot',
      method: 'post',
      path: `${one}/share`,
      evidence: 'article',
      summary: 'Lets other accounts fork the snapshot. Again: the same id with the new expiry.',
      body: requests.share,
      answer: Snapshot,
      errors: ['snapshot_not_found'],
    },
    {
      id: 'unshareSnapshot',
      method: 'delete',
      path: `${one}/share`,
      evidence: 'ours',
      summary: 'Ends the share.',
      answer: Snapshot,
      errors: ['snapshot_not_found', 'share_not_found'],
    },
    {
      id: 'getShare',
      method: 'get',
      path: '/v1/shares/{share_id}',
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
      id: 'createChatCompletion',
      method: 'post',
      path: '/v1/chat/completions',
      evidence: 'kimi',
      summary:
        "Kimi's chat completion, streamed or not. With `session_id`, `messages` are the new ones only, the turn is committed before its end is sent, and the answer carries `session`.",
      body: chatRequest(limits),
      answer: ChatCompletion,
      stream: { type: 'text/event-stream', item: ChatCompletionChunk },
      errors: ['model_not_found', 'content_empty', 'tool_call_id_not_found', ...SESSION_ERRORS, ...WRITE_ERRORS],
    },
    {
      id: 'listModels',
      method: 'get',
      path: '/v1/models',
      evidence: 'kimi',
      summary: 'The models.',
      answer: ModelList,
      errors: [],
    },
    {
      id: 'getModel',
      method: 'get',
      path: '/v1/models/{id}',
      evidence: 'kimi',
      summary: 'One model.',
      answer: Model,
      errors: ['model_not_found'],
    },
    {
      id: 'estimateTokenCount',
      method: 'post',
      path: '/v1/tokenizers/estimate-token-count',
      evidence: 'kimi',
      summary:
        'Tokens of a prompt, exactly as chat counts them. Takes `tools` too, and prompts longer than the window.',
      body: estimateRequest(limits),
      answer: TokenEstimate,
      errors: ['model_not_found'],
    },
    {
      id: 'getBalance',
      method: 'get',
      path: '/v1/users/me/balance',
      evidence: 'kimi',
      summary: 'What is left on the account.',
      answer: Balance,
      errors: [],
    },
  ];
}
