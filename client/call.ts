import OpenAI from 'openai';

/** What names a session, a snapshot or a share where the id stands among the parameters. */
export interface SessionId {
  session_id: string;
}
export interface SnapshotId {
  snapshot_id: string;
}
export interface ShareId {
  share_id: string;
}

/**
 * The arguments of a method in either spelling: the SDK's, with the id first, or one object that holds the id as well, as in
 * `sessions.truncate({ session_id, preserve_len })`. The overloads of each method say what it takes.
 */
export type CallArguments = [
  target: string | object,
  params?: object | null,
  options?: OpenAI.RequestOptions | undefined,
];

interface ReadCall {
  /** Safe as one segment of a path. */
  id: string;
  params: object;
  options: OpenAI.RequestOptions | undefined;
}

/** Reads either spelling. @throws OpenAIError where the id is missing or cannot stand in a path */
export function readCall(name: string, [target, second, third]: CallArguments): ReadCall {
  if (typeof target === 'string') return { id: segment(name, target), params: second ?? {}, options: third };
  const { [name]: id, ...params } = (target ?? {}) as Record<string, unknown>;
  return { id: segment(name, id), params, options: (second ?? undefined) as OpenAI.RequestOptions | undefined };
}

/** The id of a method that takes nothing else, safe as one segment of a path. @throws OpenAIError as `readCall` */
export function readId<Name extends string>(name: Name, target: string | Record<Name, string>): string {
  return segment(name, typeof target === 'string' ? target : target?.[name]);
}

/** An id as a segment of a path. A path would silently lose `.` and `..`, and so address something else. */
export function segment(name: string, id: unknown): string {
  if (typeof id !== 'string' || id === '' || id === '.' || id === '..') {
    throw new OpenAI.OpenAIError(`${name} must be an id, not ${JSON.stringify(id) ?? 'undefined'}`);
  }
  return encodeURIComponent(id);
}
