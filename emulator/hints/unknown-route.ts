import { operationOf } from '../journal/operation-of.ts';
import { named, toLine } from './line.ts';

/** What was probably meant by a method and path that are not served. */
export function unknownRouteHint(method: string, path: string): string {
  const { otherMethods } = operationOf(method, path);
  if (otherMethods.length > 0)
    return toLine(`${named(path)} is served with ${otherMethods.join(' and ')}, not with ${method}`);
  const trimmed = path.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  for (const better of [trimmed, `/v1${trimmed}`, trimmed.replace(/^\/v1\/v1/, '/v1')]) {
    const found = operationOf(method, better);
    if (found.operation !== undefined || found.otherMethods.length > 0) {
      return toLine(`did you mean ${named(better)}? A client's base URL ends in /v1, once`);
    }
  }
  return 'no such route: GET /openapi.json lists all of them';
}
