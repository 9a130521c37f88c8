import { rulesOf } from './clause.ts';

const { must, should, shownBy } = rulesOf('session');

/** Streamed writes: a message a line. */
export const LINES = {
  'lines.accepted': must('article', 'Messages may be streamed into a session, one of them a line.'),
  'lines.acknowledged': must(
    'ours',
    'Each line is acknowledged by a line of its own, in order, with its index, the id and tokens of the message, and the usage and version after it.',
  ),
  'lines.committed-at-once': must('ours', 'A line is part of the session before the next one has been sent.'),
  'lines.end': must(
    'ours',
    'The stream ends with a line that counts the lines and has the usage and version of the session.',
  ),
  'lines.limit': must(
    'article',
    'The limit of a write holds for each line by itself, so a stream may write any multiple of it.',
  ),
  'lines.long': must(
    'article',
    'What could not be sent in one call can be sent as a stream: most of a window, line by line.',
  ),
  'lines.same-rules': must(
    'ours',
    'A line is stored as a write of its one message would be: content, fields, pins, tool pairing.',
  ),
  'lines.last-line-end': should('ours', 'The last line of a stream needs no line end.'),
  'lines.bad-first': must(
    'ours',
    'A first line that cannot be written is refused like any write, and nothing is stored.',
  ),
  'lines.bad-later': must(
    'ours',
    'A later line that cannot be written ends the stream with a line that holds the error, and nothing behind it is written.',
  ),
  'lines.acknowledged-stays': must(
    'ours',
    'What was acknowledged before a stream ended in an error stays in the window.',
  ),
  'lines.if-match': must(
    'ours',
    'If-Match is compared once, before the first line, and not with the versions that the lines make.',
  ),
  'lines.version': must('ours', 'Each line is one step of the version.'),
  'lines.resend': must(
    'ours',
    'Sent again under its idempotency key, a stream acknowledges again the lines that are stored, and writes only those that are not.',
  ),
  'lines.key-bytes': must('ours', 'Under a key that is in use, a line of other bytes is refused where it stands.'),
  'lines.unknown-session': must('ours', 'A stream into a session that is not there is refused as not found.'),
  'lines.reader-gone': shownBy(
    'test/routes/append-stream-reader.test.ts',
    'ours',
    'A reader that takes no acknowledgement for 30 seconds ends the stream.',
  ),
  'lines.memory': shownBy(
    'test/routes/append-stream.test.ts',
    'ours',
    'No more than one line of a stream is held at once: a stream may be longer than any request body.',
  ),
} as const;
