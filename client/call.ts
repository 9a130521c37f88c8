import OpenAI from 'openai';

/**
 * The two spellings of a call on one thing: the SDK's, with the id first, and one object that holds the id as well, as in
 * `sessions.truncate({ session_id, preserve_len })`.
 */
export type Call<Id extends string, Params> =
  | [id: string, params: Params, options?: OpenAI.RequestOptions]
  | [params: Params & Record<Id, string>, options?: OpenAI.RequestOptions];

/** As `Call`, where nothing but the id has to be given. */
export type OptionalCall<Id extends string, Params> =
  | [id: string, params?: Params | null, options?: OpenAI.RequestOptions]
  | [params: Params & Record<Id, string>, options?: OpenAI.RequestOptions];

/** As `Call`, for a call that takes the id alone. */
export type BareCall<Id extends string> = [target: string | Record<Id, string>, options?: OpenAI.RequestOptions];

interface ReadCall<Params> {
  /** Safe as one segment of a path. */
  id: string;
  params: Params;
  options: OpenAI.RequestOptions | undefined;
}

/** Either spelling, read. @throws OpenAIError where the id is missing or could not stand in a path */
export function readCall<Id extends string, Params extends object>(
  name: Id,
  call: Call<Id, Params> | OptionalCall<Id, Params>,
): ReadCall<Params> {
  const [first, second, third] = call;
  if (typeof first === 'string') {
    return { id: segment(name, first), params: (second ?? {}) as Params, options: third };
  }
  const { [name]: id, ...params } = first ?? {};
  return { id: segment(name, id), params: params as unknown as Params, options: second as OpenAI.RequestOptions };
}

/** The id of a call that takes nothing else, safe as one segment of a path. @throws OpenAIError as `readCall` */
export function readTarget<Id extends string>(name: Id, target: string | Record<Id, string>): string {
  return segment(name, typeof target === 'string' ? target : target?.[name]);
}

/** An id as a segment of a path. A path would silently lose `.` and `..`, and so address something else. */
export function segment(name: string, id: unknown): string {
  if (typeof id !== 'string' || id === '' || id === '.' || id === '..') {
    throw new OpenAI.OpenAIError(`${name} must be an id, not ${JSON.stringify(id) ?? 'undefined'}`);
  }
  return encodeURIComponent(id);
}
