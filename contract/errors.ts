import { type Evidence, LIMITS } from './limits.ts';

/** Why a request is an `invalid_request`, where that says more than its text and its field. */
export type InvalidReason =
  | 'missing_field'
  | 'not_json'
  | 'not_unicode'
  | 'body_cut_off'
  | 'too_many_values'
  | 'no_messages'
  | 'one_choice_only'
  | 'repeated_call_id'
  | 'hosted_agents'
  | 'no_script_rule';

/** What takes most tokens of a message, and can be made less in its own way. */
export type LargestPart = 'text' | 'reasoning' | 'calls' | 'result' | 'media';

/** Details of any row may name the field that is to blame. */
interface Field {
  param?: string | undefined;
}

/** The account in the texts of the live API: `org-…<ak-…>`. */
interface Holder {
  holder: string;
}

/** `wait`: seconds until the same request may be answered. Departure: the live API's texts say one second, always. */
interface RateLimited extends Holder {
  limit: number;
  wait?: number | undefined;
}

const INVALID = 'invalid_request_error';
const NOT_FOUND = 'resource_not_found_error';
const CONFLICT = 'conflict_error';
const RATE = 'rate_limit_reached_error';
const AGAIN = 'please try again after 1 seconds';

const { window_tokens, append_tokens, min_preserve_tokens, sessions, snapshots, body_bytes, file_bytes, files } =
  LIMITS;
const SOMEBODY = { holder: 'org-000000000000000000000000<ak-00000000000000000000>' };
const SOME_CALL = 'functions.unknown:0';

const CONTROL_CLOSED = {
  origin: 'Control routes are not open to pages of other origins',
  'no key':
    'Control routes are closed on a server that other machines can reach, unless it is started with --control-key (option controlKey)',
  'api keys':
    'The inspector shows what the holders of all keys have written: a server with --api-keys opens it only if it is started with --control-key (option controlKey)',
  'wrong key':
    "Control routes need this server's control key (see --control-key): send it as Authorization: Bearer KEY",
  token:
    "Actions of the inspector need its page's token: send what GET /_emulator/inspect says as Kimi-Emulator-Inspector",
  'read only': 'This server shows an exported file and changes nothing',
} as const;

/** What is wrong with the id of a call or of its result. */
interface ToolCallFault {
  /** None where a result names no call. */
  ids: readonly string[];
  fault: 'orphan' | 'duplicate';
  index: number;
  /** The message that has answered the call already. */
  first?: number;
}

/** The live API's texts, word for word where captured (`{…}` filled in). */
export const LIVE_TEXT = {
  contentEmpty: 'text content is empty',
  toolCallIdAbsent: 'tool_call_id  is not found',
  toolCallIdNotFound: (id: string) => `tool_call_id '${id}' not found`,
  /** Every form in which the live API has been seen to say it: of 2025-11 and of 2026. */
  toolCallIdNotFoundForms: /^tool_call_id (?:'[^']*' | )(?:is )?not found$/,
  toolResultsMissing: (ids: readonly string[]) =>
    `an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids.join(', ')}`,
  assistantEmpty: (index: number) =>
    `Invalid request: the message at position ${index} with role 'assistant' must not be empty`,
  roleUnsupported: 'invalid request: unsupported role ROLE_UNSPECIFIED',
  stopTooLong: (limit: number, count: number) =>
    `stop array too long. Expected an array with maximum length ${limit}, but got ${count}`,
  invalidAuthentication: 'Invalid Authentication',
  incorrectApiKey: 'Incorrect API key provided',
  unexpectedOutput: 'invalid state transition',
  parametersNotObject: 'tools.function.parameters.type is required and must be "object"',
  functionNameDuplicated: (name: string) => `function name ${name} is duplicated`,
  samplingFixed: (field: string, allowed: number) => `invalid ${field}: only ${allowed} is allowed for this model`,
  thinkingFixed: 'invalid thinking: only type=enabled is allowed for this model',
  reasoningMissing: (index: number) =>
    `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${index}`,
  choiceWhileThinking: (choice: 'required' | 'specified') =>
    `tool_choice '${choice}' is incompatible with thinking enabled`,
  tokenizationFailed: 'tokenization failed',
  /** Behind "Invalid request: ". Seen of images. The type is what the bytes are, whatever the URL says. */
  partType: (type: string) => `invalid part type: ${type}`,
  mediaUrl: (kind: 'image' | 'video', url: string) => `unsupported ${kind} url: ${url}`,
  mediaFormat: (kind: 'image' | 'video', type: string) => `unsupported ${kind} format: ${type}`,
  /** The live text goes on; only its beginning is documented. */
  wrongType: (field: string, expected: string) =>
    `the \`${field}\` field in the request (expected type ${expected}) is illegal`,
  /** `field`: tools.function.parameters or response_format.json_schema */
  schemaRefused: (field: string, path: string, fault: string) =>
    `Invalid request: ${field} is not a valid moonshot flavored json schema, details: <At path '${path}': ${fault}>`,
  modelNotFound: (model: string) => `Not found the model ${model} or Permission denied`,
  bodyTooLarge: (size: number, limit: number) => `total message size ${size} exceeds limit ${limit}`,
  filePurpose: "Invalid purpose: only 'file-extract' accepted",
  fileTooLarge: (limit: number) =>
    `File size is too large, max file size is ${limit / 2 ** 20}MB, please confirm and re-upload the file`,
  fileEmpty: 'File size is zero, please confirm and re-upload the file',
  filesTooMany: 'Too many uploaded files',
  windowExceeded: (limit: number, requested: number) =>
    `Invalid request: Your request exceeded model token limit: ${limit} (requested: ${requested})`,
} as const;

/**
 * Every error by its code: how it is answered, its text as a function of its details, the field it blames, and details that
 * stand for any request, which injected errors and documentation show. Tokens are counts.
 */
export const ERRORS = {
  // both: bare on the stateless routes, with a code where a session, snapshot or share is addressed
  invalid_request: {
    ...row(400, INVALID, false, 'kimi'),
    message: ({ problem }: Field & { problem: string; reason?: InvalidReason | undefined }) =>
      `Invalid request: ${problem}`,
    example: { problem: 'this one was made to fail' },
  },
  context_window_exceeded: {
    ...row(400, INVALID, false, 'kimi'),
    /** What the window holds, what the request adds to it, and what its answer may take. */
    message: (details: { limit: number; requested: number; used?: number; adding?: number; answer?: number }) =>
      LIVE_TEXT.windowExceeded(details.limit, details.requested),
    example: { limit: window_tokens.default, requested: window_tokens.default + 1 },
  },
  // the session dialect
  append_too_large: {
    ...row(400, INVALID, false, 'article'),
    /** Tokens of the largest message, and what of it takes most of them. */
    message: ({ allowed, counted }: { allowed: number; counted: number; largest: number; mostly?: LargestPart }) =>
      `Invalid request: one write takes at most ${allowed} tokens (append_tokens), this one counts ${counted}`,
    param: 'messages',
    example: {
      allowed: append_tokens.default,
      counted: append_tokens.default + 1,
      largest: append_tokens.default + 1,
    },
  },
  preserve_len_too_small: {
    ...row(400, INVALID, false, 'article'),
    /** `least` is the limit where `asked` is below it, else what tools, pins and the newest message take. */
    message: ({ least, asked }: { least: number; asked?: number }) =>
      asked === undefined
        ? `Invalid request: preserve_len must be at least ${least} for the tools, pins and newest message of this window`
        : `Invalid request: preserve_len must be at least ${least} (min_preserve_tokens), not ${asked}`,
    param: 'preserve_len',
    example: { least: min_preserve_tokens.default, asked: min_preserve_tokens.default - 1 },
  },
  session_limit_reached: {
    ...row(400, INVALID, false, 'article'),
    message: ({ limit }: { limit: number }) => limitReached('sessions', limit),
    example: { limit: sessions.default },
  },
  snapshot_limit_reached: {
    ...row(400, INVALID, false, 'ours'),
    message: ({ limit }: { limit: number }) => limitReached('snapshots', limit),
    example: { limit: snapshots.default },
  },
  snapshot_mismatch: {
    ...row(400, INVALID, false, 'ours'),
    message: ({ snapshot, origin }: { snapshot: string; origin: string }) =>
      `Invalid request: snapshot ${snapshot} was taken of session ${origin}; fork it instead`,
    param: 'snapshot_id',
    example: { snapshot: 'snap_unknown', origin: 'sess_unknown' },
  },
  compress_infeasible: {
    ...row(400, INVALID, false, 'ours'),
    message: ({ least, largestRatio }: { least: number; largestRatio?: number | undefined }) =>
      `Invalid request: what must stay takes ${least} tokens; ${
        largestRatio === undefined ? 'no ratio is feasible' : `the largest feasible ratio is ${largestRatio}`
      }`,
    param: 'ratio',
    example: { least: window_tokens.default / 2, largestRatio: 2 },
  },
  tool_result_orphan: {
    ...row(400, INVALID, false, 'ours'),
    /** `first`: which message of the same request has answered the call. */
    message: ({ ids }: Field & { ids: readonly string[]; first?: number }) =>
      `Invalid request: tool_call_id ${ids.join(', ')} answers no open call`,
    example: { ids: [SOME_CALL] },
  },
  tool_call_unanswered: {
    ...row(400, INVALID, false, 'ours'),
    message: ({ ids }: Field & { ids: readonly string[] }) =>
      `Invalid request: tool call ${ids.join(', ')} waits for its result`,
    example: { ids: [SOME_CALL] },
  },
  session_not_found: {
    ...row(404, NOT_FOUND, false, 'ours'),
    message: ({ session }: Field & { session: string }) => `Not found the session ${session}`,
    example: { session: 'sess_unknown' },
  },
  snapshot_not_found: {
    ...row(404, NOT_FOUND, false, 'ours'),
    message: ({ snapshot }: Field & { snapshot: string }) => `Not found the snapshot ${snapshot}`,
    example: { snapshot: 'snap_unknown' },
  },
  share_not_found: {
    ...row(404, NOT_FOUND, false, 'ours'),
    message: (details: Field & ({ share: string } | { snapshot: string })) =>
      `Not found the share ${'share' in details ? details.share : `of ${details.snapshot}`}`,
    example: { share: 'shr_unknown' },
  },
  message_not_found: {
    ...row(404, NOT_FOUND, false, 'ours'),
    /** The routes that set faults answer as this row does, too. */
    message: (details: Field & ({ message: string } | { fault: string })) =>
      'message' in details ? `Not found the message ${details.message}` : `Not found the fault ${details.fault}`,
    example: { message: 'msg_unknown' },
  },
  session_busy: {
    ...row(409, CONFLICT, true, 'ours'),
    message: ({ session }: { session: string }) =>
      `The session ${session} is busy with another request, please try again later`,
    example: { session: 'sess_unknown' },
  },
  request_in_progress: {
    ...row(409, CONFLICT, true, 'ours'),
    message: () => 'A request with this Idempotency-Key is still running, please try again later',
    example: {},
  },
  version_conflict: {
    ...row(409, CONFLICT, false, 'ours'),
    message: (details: { session: string; version: number; expected: number } | { reset: true }) =>
      'reset' in details
        ? 'The state was reset while this request ran'
        : `The session ${details.session} is at version ${details.version}, not ${details.expected}`,
    example: { session: 'sess_unknown', version: 2, expected: 1 },
  },
  idempotency_mismatch: {
    ...row(409, CONFLICT, false, 'ours'),
    message: ({ key }: { key: string }) => `The Idempotency-Key ${key} was used for another request`,
    example: { key: 'unknown' },
  },
  // the gateway's own
  spend_limit_reached: {
    ...row(402, 'spend_limit_error', false, 'ours'),
    /** Amounts as texts; `taken`: spent and reserved by calls under way. */
    message: (
      details:
        | { limit: string; per: 'run' | 'key' | 'session'; taken: string; needed: string }
        | { model: string }
        | { route: string },
    ) => {
      if ('model' in details)
        return `No price of the model ${details.model} is known, so that --max-spend cannot hold: give one with --prices`;
      if ('route' in details) return `What ${details.route} costs is not known, so that --max-spend cannot hold`;
      return `The call may cost ${details.needed}, and ${details.taken} of --max-spend ${details.limit} per ${details.per} is spent or reserved: a chat may cost less with a smaller max_tokens or max_completion_tokens`;
    },
    example: { limit: '5.000000 USD', per: 'run', taken: '4.990000', needed: '0.020000' },
  },
  upstream_failed: {
    ...row(502, 'upstream_error', true, 'ours'),
    /** `unsent`: nothing of the request reached it. */
    message: ({ problem }: { problem: string; unsent?: boolean }) =>
      `The upstream gave no answer that can be used: ${problem}`,
    example: { problem: 'the connection broke off' },
  },
  upstream_timeout: {
    ...row(504, 'upstream_timeout_error', true, 'ours'),
    message: ({ what, seconds }: { what: string; seconds: number; unsent?: boolean }) =>
      `The upstream took too long: ${what} for ${seconds} seconds`,
    example: { what: 'no answer', seconds: 900 },
  },
  tape_miss: {
    ...row(501, 'tape_miss_error', false, 'ours'),
    /** `n`: the recorded request that comes closest. */
    message: (details: { method: string; path: string; recorded: number; n?: number; difference?: string }) => {
      const { method, path, recorded, n, difference } = details;
      const closest = n === undefined ? `none of its ${recorded} is like it` : `the closest is #${n}: ${difference}`;
      return `The tape holds no recording of this ${method} ${path}; ${closest}`;
    },
    example: {
      method: 'POST',
      path: '/chat/completions',
      recorded: 3,
      n: 2,
      difference: 'its messages[0] (user) differs at character 9: "berth A", not "berth B"',
    },
  },
  // the live API's own
  body_too_large: {
    ...live(400, INVALID, false),
    message: ({ size, limit }: { size: number; limit: number }) => LIVE_TEXT.bodyTooLarge(size, limit),
    example: { size: body_bytes.default + 1, limit: body_bytes.default },
  },
  content_filter: {
    ...live(400, 'content_filter', false),
    message: () => 'The request was rejected because it was considered high risk',
    example: {},
  },
  content_empty: {
    ...live(400, INVALID, false),
    message: (_: { index: number }) => LIVE_TEXT.contentEmpty,
    example: { index: 0 },
  },
  assistant_empty: {
    ...live(400, INVALID, false),
    message: ({ index }: { index: number }) => LIVE_TEXT.assistantEmpty(index),
    example: { index: 1 },
  },
  role_unsupported: {
    ...live(400, INVALID, false),
    message: (_: { role: string; param: string }) => LIVE_TEXT.roleUnsupported,
    example: { role: 'developer', param: 'messages[0].role' },
  },
  stop_too_long: {
    ...live(400, INVALID, false),
    message: ({ limit, count }: { limit: number; count: number }) => LIVE_TEXT.stopTooLong(limit, count),
    example: { limit: 5, count: 6 },
  },
  function_name_duplicated: {
    ...live(400, INVALID, false),
    message: ({ name }: { name: string }) => LIVE_TEXT.functionNameDuplicated(name),
    example: { name: 'look_up' },
  },
  sampling_fixed: {
    ...live(400, INVALID, false),
    /** Departure: the texts for the two penalties follow the pattern of the others; they have not been seen. */
    message: ({ field, allowed }: { field: string; allowed: number }) => LIVE_TEXT.samplingFixed(field, allowed),
    example: { field: 'temperature', allowed: 1 },
  },
  thinking_fixed: {
    ...live(400, INVALID, false),
    message: () => LIVE_TEXT.thinkingFixed,
    example: {},
  },
  reasoning_missing: {
    ...live(400, INVALID, false),
    message: ({ index }: { index: number }) => LIVE_TEXT.reasoningMissing(index),
    example: { index: 1 },
  },
  tool_choice_while_thinking: {
    ...live(400, INVALID, false),
    message: ({ choice }: { choice: 'required' | 'specified' }) => LIVE_TEXT.choiceWhileThinking(choice),
    example: { choice: 'required' },
  },
  parameters_not_object: {
    ...live(400, INVALID, false),
    message: (_: { tool: string }) => LIVE_TEXT.parametersNotObject,
    example: { tool: 'look_up' },
  },
  schema_refused: {
    ...live(400, INVALID, false),
    /** `of`: the tool's name, or the schema's; `fix`: how to write it instead. */
    message: ({ field, path, fault }: { field: string; path: string; fault: string; of: string; fix: string }) =>
      LIVE_TEXT.schemaRefused(field, path, fault),
    example: {
      field: 'tools.function.parameters',
      path: 'properties.a',
      fault: 'type is not defined',
      of: 'look_up',
      fix: 'add the type of the values beside enum',
    },
  },
  tokenization_failed: {
    ...live(400, INVALID, false),
    /** Seen for tools in a system message on a model that does not take them. */
    message: (_: { index: number }) => LIVE_TEXT.tokenizationFailed,
    example: { index: 0 },
  },
  tool_call_id_not_found: {
    ...live(400, INVALID, false),
    /** Departure: what the live API says to an id that stands twice in one message is not known. */
    message: ({ ids: [id = ''], fault }: ToolCallFault) =>
      fault === 'orphan' && id !== '' ? LIVE_TEXT.toolCallIdNotFound(id) : LIVE_TEXT.toolCallIdAbsent,
    example: { ids: [SOME_CALL], fault: 'orphan', index: 0 },
  },
  file_purpose_invalid: {
    ...live(400, INVALID, false),
    /** The text is older than the other purposes [documented, 2026-08]. */
    message: (_: { purpose: string | undefined }) => LIVE_TEXT.filePurpose,
    example: { purpose: 'assistants' },
  },
  file_too_large: {
    ...live(400, INVALID, false),
    message: ({ limit }: { limit: number }) => LIVE_TEXT.fileTooLarge(limit),
    example: { limit: file_bytes.default },
  },
  file_empty: {
    ...live(400, INVALID, false),
    message: () => LIVE_TEXT.fileEmpty,
    example: {},
  },
  files_limit_reached: {
    ...live(400, INVALID, false),
    /** Departure: too many bytes of all files together get the same text; that of the live API is not known. */
    message: (_: { limit: number; of: 'files' | 'files_bytes' }) => LIVE_TEXT.filesTooMany,
    example: { limit: files.default, of: 'files' },
  },
  tool_results_missing: {
    ...live(400, INVALID, false),
    /** `index` of the message that follows instead; undefined where the messages end. */
    message: ({ ids }: { ids: readonly string[]; index?: number | undefined }) => LIVE_TEXT.toolResultsMissing(ids),
    example: { ids: [SOME_CALL] },
  },
  invalid_authentication: {
    ...live(401, 'invalid_authentication_error', false),
    /** A key that is not known, or one of the other host [captured]. */
    message: () => LIVE_TEXT.invalidAuthentication,
    example: {},
  },
  incorrect_api_key: {
    ...live(401, 'incorrect_api_key_error', false),
    /** No key at all, on any route of both hosts [captured, 2026-09]. */
    message: () => LIVE_TEXT.incorrectApiKey,
    example: {},
  },
  permission_denied: {
    ...live(403, 'permission_denied_error', false),
    /** Departure: the live API refuses accounts this way; the emulator refuses hosts and pages of other origins. */
    message: (details: { host?: string; origin?: string; control?: keyof typeof CONTROL_CLOSED }) => {
      if (details.host !== undefined) return `Host ${details.host} is not this server's (see --allow-host)`;
      if (details.origin !== undefined) return `Origin ${details.origin} is not allowed (see --cors)`;
      return details.control === undefined ? 'The API you are accessing is not open' : CONTROL_CLOSED[details.control];
    },
    example: {},
  },
  model_not_found: {
    ...live(404, NOT_FOUND, false),
    /** `served`: the names that are answered for instead. */
    message: ({ model }: { model: string; served?: readonly string[] }) => LIVE_TEXT.modelNotFound(model),
    example: { model: 'kimi-k2-0905-preview' },
  },
  file_not_found: {
    ...row(404, NOT_FOUND, false, 'ours'),
    bare: true,
    message: ({ file }: { file: string }) => `Not found the file ${file}`,
    example: { file: 'file-unknown' },
  },
  engine_overloaded: {
    ...live(429, 'engine_overloaded_error', true),
    message: () => 'The engine is currently overloaded, please try again later',
    example: {},
  },
  quota_exceeded: {
    ...live(429, 'exceeded_current_quota_error', false),
    message: ({ holder }: Holder) =>
      `Your account ${holder} is suspended due to insufficient balance, please recharge your account or check your plan and billing details`,
    example: SOMEBODY,
  },
  concurrency_limit: {
    ...live(429, RATE, true),
    message: ({ holder, limit }: RateLimited) =>
      `Your account ${holder} request reached max organization concurrency: ${limit}, ${AGAIN}`,
    example: { ...SOMEBODY, limit: 1 },
  },
  rpm_limit: {
    ...live(429, RATE, true),
    message: ({ holder, limit }: RateLimited) =>
      `Your account ${holder} request reached organization max RPM: ${limit}, ${AGAIN}`,
    example: { ...SOMEBODY, limit: 20 },
  },
  tpm_limit: {
    ...live(429, RATE, true),
    message: ({ holder, limit, current }: RateLimited & { current: number }) =>
      `Your account ${holder} request reached organization TPM rate limit, current: ${current}, limit: ${limit}, ${AGAIN}`,
    example: { ...SOMEBODY, limit: 500_000, current: 563_653 },
  },
  tpd_limit: {
    ...live(429, RATE, false),
    message: ({ holder, limit, current }: RateLimited & { current: number }) =>
      `Your account ${holder} request reached organization TPD rate limit, current: ${current}, limit: ${limit}`,
    example: { ...SOMEBODY, limit: 1_500_000, current: 1_526_210 },
  },
  unexpected_output: {
    ...live(500, 'unexpected_output', true),
    message: () => LIVE_TEXT.unexpectedOutput,
    example: {},
  },
  // the live API's own, which happen here by a fault or a script only
  api_version_missing: {
    ...live(400, INVALID, false),
    /** For routes of Hosted Agents. */
    message: () => 'missing required header Kimi-Api-Version',
    example: {},
  },
  plan_limit: {
    ...live(403, 'access_terminated_error', false),
    /** Of a coding plan that is used up [seen by users of Kimi Code, 2026-06 to 2026-09]. */
    message: () =>
      "You've reached your usage limit for this billing cycle. Your quota will be refreshed in the next cycle. To continue now, purchase extra usage or upgrade your plan: https://www.kimi.com/code/#pricing",
    example: {},
  },
  server_error: {
    ...live(500, 'server_error', true),
    /** Departure: the documents name the type alone. */
    message: () => 'The server had an error while processing the request, please try again later',
    example: {},
  },
  server_unavailable: {
    ...live(503, 'server_unavailable', true),
    /** Departure: the documents name the type alone. */
    message: () => 'The server is currently unavailable, please try again later',
    example: {},
  },
  gateway_timeout: {
    ...live(504, 'gateway_timeout', true),
    html: true,
    /** What a proxy in front of the live API says where an answer that is not streamed takes more than 900 s. */
    message: () => '504 Gateway Time-out',
    example: {},
  },
} as const satisfies Record<string, ErrorRow>;

/** One row of the error table. Rows of the live API are sent without `code` and `param`. */
export interface ErrorRow {
  readonly status: 400 | 401 | 402 | 403 | 404 | 409 | 429 | 500 | 501 | 502 | 503 | 504;
  readonly type: string;
  /** Sent as `x-should-retry`, which the official SDK obeys. */
  readonly retry: boolean;
  readonly evidence: Evidence;
  /** True for rows of the live API that are never given a `code`, even where a session is addressed. */
  readonly bare: boolean;
  /** Answered as a page, not as JSON: it does not come from the API. */
  readonly html?: true;
  /** The text, made from the details. */
  message(details: never): string;
  /** The field that is to blame where the details name no other. */
  readonly param?: string;
  readonly example: object;
}

export type ErrorCode = keyof typeof ERRORS;

/** The data of an error; its text and its hint are made from it. */
export type ErrorDetails<Code extends ErrorCode = ErrorCode> = Code extends ErrorCode
  ? Parameters<(typeof ERRORS)[Code]['message']> extends [infer Details]
    ? Details
    : Record<string, never>
  : never;

/** The codes that a client can read in `error.code`. */
export type SessionErrorCode = {
  [Code in ErrorCode]: (typeof ERRORS)[Code]['bare'] extends true ? never : Code;
}[ErrorCode];

/** The error envelope. `code` and `param` stand only where a session, snapshot or share is addressed. */
export interface ErrorBody {
  error: { message: string; type: string; code?: SessionErrorCode; param?: string };
}

/** The text of an error, and the field that it blames. */
export function describeError<Code extends ErrorCode>(
  code: Code,
  details: ErrorDetails<Code>,
): { message: string; param: string | undefined } {
  const row: ErrorRow = ERRORS[code];
  return { message: row.message(details as never), param: (details as Field).param ?? row.param };
}

/** A row's example, with this account, model or session where its text names one. */
export function exampleDetails<Code extends ErrorCode>(
  code: Code,
  subject: { holder?: string; model?: string; session?: string } = {},
): ErrorDetails<Code> {
  const { example }: ErrorRow = ERRORS[code];
  const named = Object.entries(subject).filter(([name, value]) => value !== undefined && name in example);
  return { ...example, ...Object.fromEntries(named) } as ErrorDetails<Code>;
}

function limitReached(what: string, limit: number): string {
  return `Invalid request: the number of ${what} of this account has reached the limit: ${limit}, please delete some`;
}

type Bareness<Bare extends boolean> = Pick<ErrorRow, 'status' | 'type' | 'retry' | 'evidence'> & {
  readonly bare: Bare;
};

function row(status: ErrorRow['status'], type: string, retry: boolean, evidence: Evidence): Bareness<false> {
  return { status, type, retry, evidence, bare: false };
}

function live(status: ErrorRow['status'], type: string, retry: boolean): Bareness<true> {
  return { status, type, retry, evidence: 'kimi', bare: true };
}
