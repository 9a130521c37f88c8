import { SMALL_LIMITS } from '../../../targets/emulator.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, on } from '../../proxy.ts';
import { messagesOf, refusal, saying, WRITE } from '../../rewrites.ts';
import { answered, answering, ended, type Line, linesOf, sent, streamed } from './support.ts';

const told = (name: string, broken: string, kills: [string, ...string[]], edit: (lines: Line[]) => Line[]): Mutant => ({
  id: `lines.${name}`,
  area: 'lines',
  broken,
  killedBy: kills,
  handler: () => answering(edit),
});
const limit = SMALL_LIMITS.append_tokens;

export const LINE_WRITE_MUTANTS: readonly Mutant[] = [
  {
    id: 'lines.not-understood',
    area: 'lines',
    broken: 'a body of several lines is refused as no JSON',
    killedBy: ['lines.write/accepted', 'lines.bad-first/accepted-after', 'lines.bad-later/accepted-after'],
    handler: () => streamed(() => Promise.resolve(refusal('invalid_request', 'Invalid request: the body is no JSON'))),
  },
  told('last-acknowledged-only', 'only the last line is acknowledged', ['lines.write/acknowledged-in-order'], (lines) =>
    lines.slice(-2),
  ),
  told('indexes-from-one', 'lines are counted from one', ['lines.write/acknowledged-in-order'], (lines) =>
    lines.map((line) => (typeof line.index === 'number' ? { ...line, index: line.index + 1 } : line)),
  ),
  told(
    'other-ids',
    'acknowledged ids are those of the lines, not of the messages',
    ['lines.write/ids-as-listed'],
    (lines) => lines.map((line) => ('id' in line ? { ...line, id: `line_${line.index}` } : line)),
  ),
  told(
    'usage-at-end',
    'every line is acknowledged with the usage of the end',
    ['lines.write/usage-after-each'],
    (lines) => lines.map((line) => ('usage' in line ? { ...line, usage: lines.at(-1)?.usage } : line)),
  ),
  told(
    'one-version',
    'a whole stream is told to be one step of the version',
    ['lines.write/version-after-each'],
    (lines) => lines.map((line) => ('version' in line ? { ...line, version: lines[0]?.version } : line)),
  ),
  told('no-end', 'a stream ends without its last line', ['lines.write/accepted'], (lines) => lines.slice(0, -1)),
  told('end-miscounted', 'the end does not count the last line', ['lines.write/end-counts-lines'], (lines) =>
    lines.map((line) => (typeof line.lines === 'number' ? { ...line, lines: line.lines - 1 } : line)),
  ),
  told('end-of-before', 'the end tells the version of before the stream', ['lines.write/end-as-read'], (lines) =>
    lines.map((line) => ('done' in line ? { ...line, version: Number(lines[0]?.version) - 1 } : line)),
  ),
  {
    id: 'lines.any-separator',
    area: 'lines',
    broken: 'a line ends at any line separator of Unicode',
    killedBy: ['lines.write/accepted'],
    handler: () => streamed(({ lines }, forward) => forward(sent(lines.flatMap((line) => line.split('\u2028'))))),
  },
  {
    id: 'lines.controls-dropped',
    area: 'lines',
    broken: 'escaped characters are lost on the way of a stream',
    killedBy: ['lines.write/content-exact'],
    handler: () =>
      streamed(({ lines }, forward) => forward(sent(lines.map((line) => line.replace(/\\u0000|\\r|\\n/g, ''))))),
  },
  {
    id: 'lines.never-pinned',
    area: 'lines',
    broken: 'streamed messages are never pinned',
    killedBy: ['lines.write/pins-as-written'],
    handler: () =>
      streamed(({ lines }, forward) =>
        forward(sent(lines.map((line) => JSON.stringify({ ...JSON.parse(line), pinned: false })))),
      ),
  },
  {
    id: 'lines.results-as-text',
    area: 'lines',
    broken: 'tool groups are streamed in as plain messages',
    killedBy: ['lines.write/groups-kept'],
    handler: () =>
      streamed(({ lines }, forward) =>
        forward(
          sent(
            lines.map((line) => {
              const { role, content, name, pinned } = JSON.parse(line);
              return JSON.stringify({
                role: role === 'tool' ? 'user' : role,
                content: content ?? 'calls',
                name,
                pinned,
              });
            }),
          ),
        ),
      ),
  },
  {
    id: 'lines.decoded-piecewise',
    area: 'lines',
    broken: 'each piece of a body is decoded by itself',
    killedBy: ['lines.pieces/cut-anywhere'],
    handler: () =>
      on('POST', WRITE, async ({ stream }, forward) => {
        if (!stream) return forward();
        let text = '';
        for await (const piece of stream) text += new TextDecoder().decode(piece);
        return forward({ body: text });
      }),
  },
  {
    id: 'lines.read-whole-first',
    area: 'lines',
    broken: 'a stream is read to its end before its first line is written',
    killedBy: ['lines.pieces/stored-at-once'],
    handler: () => streamed((_, forward) => forward()),
  },
  {
    id: 'lines.one-write',
    area: 'lines',
    broken: 'the lines of a stream are together under the limit of a write',
    killedBy: ['lines.limit/each-line-by-itself', 'lines.limit/most-of-a-window', 'lines.limit/window-over-keeps'],
    handler: () =>
      streamed(async ({ lines, headers }, forward) => {
        const messages = lines.map((line) => JSON.parse(line));
        return forward({ headers: { ...headers, 'content-type': 'application/json' }, body: { messages } });
      }),
  },
  {
    id: 'lines.limit-ignored',
    area: 'lines',
    broken: 'a streamed line may be of any size',
    killedBy: ['lines.limit/line-over-ends', 'lines.bad-first/too-large-refused', 'lines.bad-later/too-large-ends'],
    options: () => ({ limits: { ...SMALL_LIMITS, append_tokens: 4 * limit } }),
    handler: () =>
      chain(
        saying({ append_tokens: limit }, {}),
        on('POST', WRITE, ({ body }, forward) => {
          const long = (messagesOf(body) ?? []).some(({ content }) => String(content).length > 6 * limit);
          return long ? Promise.resolve(refusal('append_too_large')) : forward();
        }),
      ),
  },
  {
    id: 'lines.given-up',
    area: 'lines',
    broken: 'a stream is ended after eight lines as if it had no more',
    killedBy: ['lines.limit/most-of-a-window'],
    handler: () => streamed(({ lines }, forward) => forward(sent(lines.slice(0, 8)))),
  },
  {
    id: 'lines.window-dropped',
    area: 'lines',
    broken: 'a stream into a full window drops the oldest messages',
    killedBy: ['lines.limit/window-over-ends', 'lines.limit/window-over-keeps'],
    handler: () =>
      ended(async ({ id, lines }, forward, { lines: first, response, written }) => {
        const { code } = (first.at(-1)?.error ?? {}) as { code?: string };
        if (code !== 'context_window_exceeded') return response;
        const body = { preserve_len: SMALL_LIMITS.window_tokens / 2 };
        await forward({ path: `/v1/sessions/${id}/truncate`, body });
        return answered([...first.slice(0, -1), ...(await linesOf(await forward(sent(lines.slice(written)))))]);
      }),
  },
  {
    id: 'lines.unknown-is-empty',
    area: 'lines',
    broken: 'a stream into a session that is not there ends well',
    killedBy: ['lines.bad-first/unknown-session-refused'],
    handler: () =>
      streamed(async (_, forward) => {
        const response = await forward();
        if (response.status !== 404) return response;
        const usage = { total_tokens: 0, tools_tokens: 0, remaining_tokens: 0, messages: 0 };
        return answered([{ done: true, lines: 0, usage, version: 1 }]);
      }),
  },
];
