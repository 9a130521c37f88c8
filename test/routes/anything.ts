import fc from 'fast-check';
import { expect } from 'vitest';
import { MODEL } from '../support/emulator.ts';
import { sized, tool } from '../support/session.ts';

/** Names that the schemas know, so that what is thrown at them often gets past the first check. */
const FIELDS = [
  'model',
  'messages',
  'role',
  'content',
  'session_id',
  'snapshot_id',
  'share_id',
  'preserve_len',
  'pinned',
  'partial',
  'name',
  'tool_calls',
  'tool_call_id',
  'tools',
  'tool_choice',
  'function',
  'parameters',
  'arguments',
  'type',
  'id',
  'title',
  'metadata',
  'stream',
  'stream_options',
  'include_usage',
  'temperature',
  'n',
  'stop',
  'max_tokens',
  'response_format',
  'json_schema',
  'schema',
  'ratio',
  'format',
  'dry_run',
  'expires_in',
  'description',
  'properties',
  'enum',
  '__proto__',
  'constructor',
  'toString',
] as const;

/** Ids that exist, to be thrown in. */
interface Ids {
  session: string;
  snapshot: string;
  message: string;
}

/** Any JSON value, made of what the API knows and of what it does not. */
export function anyValue({ session, snapshot, message }: Ids): fc.Arbitrary<unknown> {
  const scalar = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      -0,
      1,
      -1,
      16,
      40,
      2 ** 53,
      1e308,
      -1e308,
      0.5,
      4096.5,
      '',
      'x',
      'all',
    ),
    fc.constantFrom<unknown>(
      'user',
      'system',
      'assistant',
      'tool',
      'function',
      'text',
      'auto',
      'required',
      'json_object',
    ),
    fc.constantFrom<unknown>('\0', '\ud83d', '😀', '<|im_end|>', MODEL, session, snapshot, message, 'call', 'look'),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.double({ noNaN: true }),
    fc.integer(),
  );
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      scalar,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...FIELDS), fc.string({ maxLength: 5 })), tie('value'), { maxKeys: 5 }),
    ),
  })).value;
}

/** Bodies that are right but for a few fields. */
export function bodies(ids: Ids): fc.Arbitrary<string> {
  const right = fc.constantFrom<object>(
    { role: 'user', content: 'hello' },
    { messages: [{ role: 'tool', tool_call_id: 'call', content: 'x' }, sized(9)] },
    { model: MODEL, messages: [sized(9)], session_id: ids.session },
    { model: MODEL, messages: [sized(9)], tools: [tool('look')], tool_choice: 'required', stream: true },
    { preserve_len: 64 },
    { ratio: 1.5, format: 'json' },
    { snapshot_id: ids.snapshot },
    { pinned: true },
    { expires_in: 60 },
    { title: 'x', metadata: { a: 'b' }, tools: [tool('look')] },
  );
  const value = anyValue(ids);
  const changed = fc
    .tuple(right, fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 3 }))
    .map(([body, changes]) => JSON.stringify({ ...body, ...changes }));
  const text = fc.string({ unit: fc.constantFrom(...'{}[]",:\\u 1e-tn'), maxLength: 40 });
  return fc.oneof(
    changed,
    value.map((whole) => JSON.stringify(whole) ?? ''),
    { weight: 1, arbitrary: text },
  );
}

export function requests(ids: Ids): fc.Arbitrary<[method: string, path: string]> {
  const session = `/v1/sessions/${ids.session}`;
  const snapshot = `/v1/snapshots/${ids.snapshot}`;
  return fc.constantFrom<[string, string]>(
    ['POST', '/v1/sessions'],
    ['POST', session],
    ['POST', `${session}/messages`],
    ['POST', `${session}/messages/${ids.message}`],
    ['POST', `${session}/truncate`],
    ['POST', `${session}/snapshots`],
    ['POST', `${session}/rollback`],
    ['POST', `${session}/compress`],
    ['POST', `${snapshot}/share`],
    ['POST', '/v1/chat/completions'],
    ['POST', '/v1/tokenizers/estimate-token-count'],
    ['DELETE', '/v1/sessions/sess_none'],
    ['DELETE', `${snapshot}/share`],
    ['PUT', session],
  );
}

export const types = fc.constantFrom(
  'application/json',
  'application/json',
  'application/json',
  'application/x-ndjson',
  'text/plain',
);
export const headers = fc.record(
  {
    'If-Match': fc.constantFrom('"1"', '"2"', '*', 'x'),
    'Idempotency-Key': fc.constantFrom('a', 'b', ' ', 'k'.repeat(300)),
    Authorization: fc.constantFrom('Bearer sk-test', 'Bearer other', 'Bearer', ''),
  },
  { requiredKeys: [] },
);

/** Asserts that an answer is not a 500, and reveals nothing of how the server is built. */
export function expectNoDefect({ status, text }: { status: number; text: string }): void {
  expect(status, text).toBeLessThan(500);
  expect(text).not.toMatch(/\bat .+[.]ts:\d+|node_modules|SQLITE|TypeError|RangeError/);
}
