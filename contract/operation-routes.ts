/** Where an operation is reached. */
export interface OperationRoute {
  readonly method: 'get' | 'post' | 'delete';
  /** With its parameters in braces. */
  readonly path: string;
}

const SESSION = '/v1/sessions/{id}';
const SNAPSHOT = '/v1/snapshots/{id}';
const FILE = '/v1/files/{id}';

/** Every operation of the contract by its id. Apart from the schemas, so that a name can be looked up without them. */
export const OPERATION_ROUTES = {
  createSession: route('post', '/v1/sessions'),
  listSessions: route('get', '/v1/sessions'),
  getSession: route('get', SESSION),
  updateSession: route('post', SESSION),
  deleteSession: route('delete', SESSION),
  appendMessages: route('post', `${SESSION}/messages`),
  listMessages: route('get', `${SESSION}/messages`),
  pinMessage: route('post', `${SESSION}/messages/{message_id}`),
  truncateSession: route('post', `${SESSION}/truncate`),
  rollbackSession: route('post', `${SESSION}/rollback`),
  compressSession: route('post', `${SESSION}/compress`),
  createSnapshot: route('post', `${SESSION}/snapshots`),
  listSessionSnapshots: route('get', `${SESSION}/snapshots`),
  listSnapshots: route('get', '/v1/snapshots'),
  getSnapshot: route('get', SNAPSHOT),
  deleteSnapshot: route('delete', SNAPSHOT),
  listSnapshotMessages: route('get', `${SNAPSHOT}/messages`),
  shareSnapshot: route('post', `${SNAPSHOT}/share`),
  unshareSnapshot: route('delete', `${SNAPSHOT}/share`),
  getShare: route('get', '/v1/shares/{share_id}'),
  createChatCompletion: route('post', '/v1/chat/completions'),
  listModels: route('get', '/v1/models'),
  getModel: route('get', '/v1/models/{id}'),
  estimateTokenCount: route('post', '/v1/tokenizers/estimate-token-count'),
  createFile: route('post', '/v1/files'),
  listFiles: route('get', '/v1/files'),
  getFile: route('get', FILE),
  getFileContent: route('get', `${FILE}/content`),
  deleteFile: route('delete', FILE),
  getBalance: route('get', '/v1/users/me/balance'),
} as const satisfies Record<string, OperationRoute>;

export type OperationId = keyof typeof OPERATION_ROUTES;

export const OPERATION_IDS = Object.keys(OPERATION_ROUTES) as OperationId[];

/** Name and place of an operation, for its description. */
export function reached(id: OperationId): OperationRoute & { id: OperationId } {
  return { id, ...OPERATION_ROUTES[id] };
}

function route(method: OperationRoute['method'], path: string): OperationRoute {
  return { method, path };
}

/** What a path names. */
type PathIds = Partial<Record<'session' | 'message' | 'snapshot' | 'share' | 'model' | 'file', string>>;

/** A parameter is named for what stands before it: `sessions/{id}` names a session. */
const PARAMETER = /(\w+)s\/\{\w+\}/g;

const MATCHERS = OPERATION_IDS.map((id) => {
  const { method, path } = OPERATION_ROUTES[id];
  return {
    id,
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll(PARAMETER, '$1s/(?<$1>[^/]+)')}$`),
  };
});

export interface Addressed {
  operation: OperationId | undefined;
  ids: PathIds;
  /** Methods under which the path would be served, where this one is not. */
  otherMethods: string[];
}

/** Which operation of the contract a request asks for, and of what. */
export function operationOf(method: string, path: string): Addressed {
  const fitting = MATCHERS.map((matcher) => ({ ...matcher, match: matcher.pattern.exec(path) })).filter(
    ({ match }) => match !== null,
  );
  const found = fitting.find((matcher) => matcher.method === method);
  const otherMethods = found ? [] : fitting.map((matcher) => matcher.method);
  return { operation: found?.id, ids: decoded(found?.match?.groups ?? {}), otherMethods };
}

function decoded(groups: Record<string, string>): PathIds {
  return Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decode(text)]));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
