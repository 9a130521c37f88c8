import { rulesOf } from '../rule.ts';

const { article, ours } = rulesOf('session');

/** Streamed writes: one message per line. */
export const NDJSON_RULES = {
  'ndjson.accepted': article('Messages can be streamed into a session, one per line.'),
  'ndjson.acknowledged': ours(
    "Each line is acknowledged in order by a line with its index, the message's id and tokens, and the new usage and version.",
  ),
  'ndjson.committed-at-once': ours('A line is committed before the next one is sent.'),
  'ndjson.end': ours(
    'The stream ends with a line that has the number of lines and the usage and version of the session.',
  ),
  'ndjson.content-type': ours(
    'The type application/x-ndjson is known in any case and with parameters, and the answer has it too.',
  ),
  'ndjson.limit': article('The limit of a write applies to each line, so a stream can write any multiple of it.'),
  'ndjson.long': article('A stream can write most of a window, line by line, which one write cannot.'),
  'ndjson.same-rules': ours(
    'A line is stored like a write of its message: same content, fields, pins and tool pairing.',
  ),
  'ndjson.last-line-end': ours.should('The last line needs no newline.'),
  'ndjson.blank-lines': ours('An empty line is skipped: it is not a message and has no index.'),
  'ndjson.bad-first': ours('A first line that is invalid is refused like any write, and nothing is stored.'),
  'ndjson.bad-later': ours(
    'A later line that is invalid ends the stream with an error line; nothing after it is written.',
  ),
  'ndjson.acknowledged-stays': ours('Lines that were acknowledged before an error stay in the window.'),
  'ndjson.if-match': ours('If-Match is compared once, before the first line, and not after each line.'),
  'ndjson.version': ours('Each line increases the version by one.'),
  'ndjson.resend': ours(
    'A stream that is repeated with its idempotency key acknowledges stored lines again and writes only the others.',
  ),
  'ndjson.key-bytes': ours('With a used key, a line with other bytes is refused at its position.'),
  'ndjson.unknown-session': ours('A stream into an unknown session is refused as not found.'),
  'ndjson.reader-gone': ours.shownBy(
    'test/routes/append-stream-reader.test.ts',
    'A client that reads no acknowledgement for 30 seconds ends the stream.',
  ),
  'ndjson.memory': ours.shownBy(
    'test/routes/append-stream.test.ts',
    'At most one line is held in memory: a stream can be longer than any request body.',
  ),
} as const;
