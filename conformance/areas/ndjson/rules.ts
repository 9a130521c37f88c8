import { rulesOf } from '../rule.ts';

const { must, should, shownBy } = rulesOf('session');

/** Streamed writes: a message a line. */
export const NDJSON_RULES = {
  'ndjson.accepted': must('article', 'Messages may be streamed into a session, one of them a line.'),
  'ndjson.acknowledged': must(
    'ours',
    'Each line is acknowledged by a line of its own, in order, with its index, the id and tokens of the message, and the usage and version after it.',
  ),
  'ndjson.committed-at-once': must('ours', 'A line is part of the session before the next one has been sent.'),
  'ndjson.end': must(
    'ours',
    'The stream ends with a line that counts the lines and has the usage and version of the session.',
  ),
  'ndjson.limit': must(
    'article',
    'The limit of a write holds for each line by itself, so a stream may write any multiple of it.',
  ),
  'ndjson.long': must(
    'article',
    'What could not be sent in one call can be sent as a stream: most of a window, line by line.',
  ),
  'ndjson.same-rules': must(
    'ours',
    'A line is stored as a write of its one message would be: content, fields, pins, tool pairing.',
  ),
  'ndjson.last-line-end': should('ours', 'The last line of a stream needs no line end.'),
  'ndjson.bad-first': must(
    'ours',
    'A first line that cannot be written is refused like any write, and nothing is stored.',
  ),
  'ndjson.bad-later': must(
    'ours',
    'A later line that cannot be written ends the stream with a line that holds the error, and nothing behind it is written.',
  ),
  'ndjson.acknowledged-stays': must(
    'ours',
    'What was acknowledged before a stream ended in an error stays in the window.',
  ),
  'ndjson.if-match': must(
    'ours',
    'If-Match is compared once, before the first line, and not with the versions that the lines make.',
  ),
  'ndjson.version': must('ours', 'Each line is one step of the version.'),
  'ndjson.resend': must(
    'ours',
    'Sent again under its idempotency key, a stream acknowledges again the lines that are stored, and writes only those that are not.',
  ),
  'ndjson.key-bytes': must('ours', 'Under a key that is in use, a line of other bytes is refused where it stands.'),
  'ndjson.unknown-session': must('ours', 'A stream into a session that is not there is refused as not found.'),
  'ndjson.reader-gone': shownBy(
    'test/routes/append-stream-reader.test.ts',
    'ours',
    'A reader that takes no acknowledgement for 30 seconds ends the stream.',
  ),
  'ndjson.memory': shownBy(
    'test/routes/append-stream.test.ts',
    'ours',
    'No more than one line of a stream is held at once: a stream may be longer than any request body.',
  ),
} as const;
