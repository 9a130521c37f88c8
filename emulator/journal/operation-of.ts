/** The operations of the contract by method and path. Apart from its schemas, which take long to load. */
const OPERATIONS = [
  ['createSession', 'POST', '/v1/sessions'],
  ['listSessions', 'GET', '/v1/sessions'],
  ['getSession', 'GET', '/v1/sessions/:session'],
  ['updateSession', 'POST', '/v1/sessions/:session'],
  ['deleteSession', 'DELETE', '/v1/sessions/:session'],
  ['appendMessages', 'POST', '/v1/sessions/:session/messages'],
  ['listMessages', 'GET', '/v1/sessions/:session/messages'],
  ['pinMessage', 'POST', '/v1/sessions/:session/messages/:message'],
  ['truncateSession', 'POST', '/v1/sessions/:session/truncate'],
  ['rollbackSession', 'POST', '/v1/sessions/:session/rollback'],
  ['compressSession', 'POST', '/v1/sessions/:session/compress'],
  ['createSnapshot', 'POST', '/v1/sessions/:session/snapshots'],
  ['listSessionSnapshots', 'GET', '/v1/sessions/:session/snapshots'],
  ['listSnapshots', 'GET', '/v1/snapshots'],
  ['getSnapshot', 'GET', '/v1/snapshots/:snapshot'],
  ['deleteSnapshot', 'DELETE', '/v1/snapshots/:snapshot'],
  ['listSnapshotMessages', 'GET', '/v1/snapshots/:snapshot/messages'],
  ['shareSnapshot', 'POST', '/v1/snapshots/:snapshot/share'],
  ['unshareSnapshot', 'DELETE', '/v1/snapshots/:snapshot/share'],
  ['getShare', 'GET', '/v1/shares/:share'],
  ['createChatCompletion', 'POST', '/v1/chat/completions'],
  ['listModels', 'GET', '/v1/models'],
  ['getModel', 'GET', '/v1/models/:model'],
  ['estimateTokenCount', 'POST', '/v1/tokenizers/estimate-token-count'],
  ['getBalance', 'GET', '/v1/users/me/balance'],
] as const;

export type OperationId = (typeof OPERATIONS)[number][0];

/** What a path names. */
export type PathIds = Partial<Record<'session' | 'message' | 'snapshot' | 'share' | 'model', string>>;

const MATCHERS = OPERATIONS.map(([id, method, path]) => ({
  id,
  method,
  pattern: new RegExp(`^${path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`),
}));

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
