import { OPERATION_IDS, OPERATION_ROUTES, type OperationId } from '../../contract/operation-routes.ts';

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
