import { OPERATION_IDS, OPERATION_ROUTES, type OperationId } from '../contract/operation-routes.ts';

/** What a request asks for, as far as its method and path say it. */
export interface Target {
  operation: OperationId;
  /** The session that the path names. */
  session: string | undefined;
}

const ROUTES = OPERATION_IDS.map((operation) => {
  const { method, path } = OPERATION_ROUTES[operation];
  return { operation, method: method.toUpperCase(), parts: path.split('/') };
});

/** The operation of the contract that a request is for; undefined for none. */
export function operationOf(method: string, path: string): Target | undefined {
  const given = path.split('/');
  const route = ROUTES.find((one) => one.method === method && matches(one.parts, given));
  if (!route) return undefined;
  return { operation: route.operation, session: route.parts[2] === 'sessions' ? given[3] : undefined };
}

function matches(parts: readonly string[], given: readonly string[]): boolean {
  return (
    parts.length === given.length &&
    parts.every((part, place) => (part.startsWith('{') ? given[place] !== '' : part === given[place]))
  );
}
