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
