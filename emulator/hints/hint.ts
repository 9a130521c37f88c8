import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import type { Limits } from '../../contract/limits.ts';
import type { ApiError } from '../api-error.ts';
import type { Exchange } from '../journal/exchange.ts';
import { type Asking, type Hint, Past, toLine } from './asking.ts';
import {
  appendTooLarge,
  compressInfeasible,
  contextWindowExceeded,
  parametersNotObject,
  preserveLenTooSmall,
  reasoningMissing,
  samplingFixed,
  schemaRefused,
  sessionLimitReached,
  snapshotLimitReached,
  snapshotMismatch,
  thinkingFixed,
  tokenizationFailed,
  toolChoiceWhileThinking,
} from './limits.ts';
import {
  assistantEmpty,
  bodyTooLarge,
  contentEmpty,
  fileEmpty,
  filePurposeInvalid,
  filesLimitReached,
  fileTooLarge,
  invalidRequest,
  roleUnsupported,
  stopTooLong,
} from './requests.ts';
import {
  idempotencyMismatch,
  messageNotFound,
  modelNotFound,
  requestInProgress,
  sessionBusy,
  sessionNotFound,
  shareNotFound,
  snapshotNotFound,
  versionConflict,
} from './state.ts';
import {
  functionNameDuplicated,
  toolCallIdNotFound,
  toolCallUnanswered,
  toolResultOrphan,
  toolResultsMissing,
} from './tool-calls.ts';

/** What there is to say of each refusal. Every code that a request can be answered with 400 for has its line. */
const HINTS: { readonly [Code in ErrorCode]?: Hint<Code> } = {
  invalid_request: invalidRequest,
  context_window_exceeded: contextWindowExceeded,
  append_too_large: appendTooLarge,
  preserve_len_too_small: preserveLenTooSmall,
  session_limit_reached: sessionLimitReached,
  snapshot_limit_reached: snapshotLimitReached,
  snapshot_mismatch: snapshotMismatch,
  compress_infeasible: compressInfeasible,
  tool_result_orphan: toolResultOrphan,
  tool_call_unanswered: toolCallUnanswered,
  session_not_found: sessionNotFound,
  snapshot_not_found: snapshotNotFound,
  share_not_found: shareNotFound,
  message_not_found: messageNotFound,
  session_busy: sessionBusy,
  request_in_progress: requestInProgress,
  version_conflict: versionConflict,
  idempotency_mismatch: idempotencyMismatch,
  body_too_large: bodyTooLarge,
  content_empty: contentEmpty,
  assistant_empty: assistantEmpty,
  role_unsupported: roleUnsupported,
  stop_too_long: stopTooLong,
  function_name_duplicated: functionNameDuplicated,
  sampling_fixed: samplingFixed,
  thinking_fixed: thinkingFixed,
  reasoning_missing: reasoningMissing,
  tool_choice_while_thinking: toolChoiceWhileThinking,
  parameters_not_object: parametersNotObject,
  schema_refused: schemaRefused,
  tokenization_failed: tokenizationFailed,
  tool_call_id_not_found: toolCallIdNotFound,
  file_purpose_invalid: filePurposeInvalid,
  file_too_large: fileTooLarge,
  file_empty: fileEmpty,
  files_limit_reached: filesLimitReached,
  tool_results_missing: toolResultsMissing,
  model_not_found: modelNotFound,
};

interface Refused {
  refusal: ApiError;
  exchange: Exchange | undefined;
  body: Uint8Array;
  path: string;
  query: Readonly<Record<string, string>> | undefined;
  /** All that the journal knows of the account. */
  known: readonly Exchange[];
  limits: Limits;
  /** Unix seconds. */
  now: number;
}

/** The hint of a refusal as a header has it; undefined where there is nothing to teach. */
export function hintFor({ refusal, known, ...asked }: Refused): string | undefined {
  if (refusal.injectedBy !== undefined) return toLine(`${refusal.injectedBy} caused this, no earlier request`);
  const hint: Hint<never> | undefined = HINTS[refusal.code];
  if (!hint) return undefined;
  const asking: Asking = { refusal, ...asked, past: new Past(known, asked.exchange) };
  return toLine(hint(asking as Asking<never>) + (ERRORS[refusal.code].status === 400 ? sentBefore(asking) : ''));
}

/** Where the very same request was refused the same way before. */
function sentBefore({ refusal, exchange, body, past }: Asking): string {
  const { asked } = exchange ?? {};
  if (body.length === 0) return '';
  const same = past.last(
    (each) =>
      each.code === refusal.code &&
      each.asked.method === asked?.method &&
      each.asked.path === asked.path &&
      each.request instanceof Uint8Array &&
      Buffer.compare(each.request, body) === 0,
  );
  return same ? ` (${past.name(same)} was the same and got the same answer: a 400 does not pass by waiting)` : '';
}
