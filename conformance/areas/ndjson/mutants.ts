import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { answer, type Forward, type Handler, on, type Passing, withHeaders } from '../../proof/proxy.ts';
import { messagesOf, refusal, WRITE } from '../../proof/sessions.ts';
import { NDJSON } from '../../tables/writes.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

const mutant = mutantsOf('ndjson', { answering, editLines, ended, streamed });

const BLANK = /^\r?\n/m;

/** Changes the text of a body of several lines that is sent at once. */
function editLines(edit: (text: string) => string): Handler {
  return on('POST', WRITE, ({ body, stream }, forward) =>
    typeof body === 'string' && !stream && body.includes('\n') ? forward({ body: edit(body) }) : forward(),
  );
}

/** A streamed write, line by line. */
interface Streamed extends Passing {
  id: string;
  lines: string[];
}

type Line = Record<string, unknown>;

/** Streamed writes only; the rest pass as they are. Whatever else is forwarded to another path is JSON. */
function streamed(handler: (request: Streamed, forward: Forward) => Promise<Response>): Handler {
  return on('POST', WRITE, async ({ ids: [id = ''], ...request }, forward) => {
    if (!request.headers['content-type']?.includes('ndjson')) return forward();
    const text = request.stream ? await new Response(request.stream).text() : textOf(request.body);
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const headers = { ...request.headers, 'content-type': 'application/json' };
    return handler({ ...request, id, lines }, (change = {}) =>
      forward({ body: text, ...(change.path !== undefined && { headers }), ...change }),
    );
  });
}

/** A body of one line is JSON as well. */
function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function sent(lines: readonly string[]): { body: string } {
  return { body: lines.map((line) => `${line}\n`).join('') };
}

/** What a stream was answered; an ordinary refusal is one line. */
async function linesOf(response: Response): Promise<Line[]> {
  const text = await response.clone().text();
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Line);
}

function answered(lines: readonly Line[]): Response {
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  return new Response(body, { status: 200, headers: { 'Content-Type': 'application/x-ndjson' } });
}

/** Changes the lines that a stream is answered with. */
function answering(edit: (lines: Line[], request: Streamed) => Line[]): Handler {
  return streamed(async (request, forward) => {
    const response = await forward();
    return response.status < 300 ? answered(edit(await linesOf(response), request)) : response;
  });
}

/** Meets a stream that a line has ended: with how many lines were written before it. */
function ended(
  meet: (
    request: Streamed,
    forward: Forward,
    end: { lines: Line[]; response: Response; written: number },
  ) => Promise<Response>,
): Handler {
  return streamed(async (request, forward) => {
    const response = await forward();
    const lines = await linesOf(response);
    if (!lines.at(-1)?.error) return response;
    return meet(request, forward, { lines, response, written: lines.length - 1 });
  });
}

/** Writes a mutant of streams down. */

const KINDS = ['malformed', 'empty', 'orphan', 'role', 'too-large'] as const;

const ends = KINDS.map((kind) => `ndjson.bad-later/${kind}-ends`) as [string, ...string[]];

const firsts = KINDS.map((kind) => `ndjson.bad-first/${kind}-refused`) as [string, ...string[]];

const LINE_FAULT_MUTANTS = [
  mutant('first-in-stream', 'a bad first line is reported in a stream that succeeds')
    .caughtBy(...firsts)
    .streamed(async (_, forward) => {
      const response = await forward();
      return response.status < 400 ? response : answered(await linesOf(response));
    }),
  mutant('first-skipped', 'a bad first line is refused, and the rest written')
    .caughtBy('ndjson.bad-first/nothing-stored')
    .streamed(async ({ lines }, forward) => {
      const response = await forward();
      if (response.status === 400 && lines.length > 1) await forward(sent(lines.slice(1)));
      return response;
    }),
  mutant('first-locks', 'a bad first line leaves its session busy')
    .caughtBy('ndjson.bad-first/accepted-after')
    .proxy(() => {
      const locked = new Set<string>();
      return streamed(async ({ id }, forward) => {
        const response = await forward();
        if (response.status === 400) locked.add(id);
        return response.status < 300 && locked.has(id) ? refusal('session_busy') : response;
      });
    }),
  mutant('later-unsaid', 'a bad line ends the stream as if it had come to its end')
    .caughtBy(...ends)
    .ended(async (_, __, { lines }) => {
      const { usage, version } = lines.at(-2) ?? {};
      return answered([...lines.slice(0, -1), { done: true, lines: lines.length - 1, usage, version }]);
    }),
  mutant('later-uncoded', 'the error that ends a stream has only a text')
    .caughtBy(...ends)
    .answering((lines) =>
      lines.map((line) => (line.error ? { error: (line.error as { message: string }).message } : line)),
    ),
  mutant('later-skipped', 'a bad line is reported, and the lines after it are written')
    .caughtBy('ndjson.bad-later/nothing-behind-written')
    .ended(async ({ lines }, forward, { response, written }) => {
      if (response.status < 300) await forward(sent(lines.slice(written + 1)));
      return response;
    }),
  mutant('later-undone', 'a bad line takes back the whole stream')
    .caughtBy('ndjson.bad-later/acknowledged-stays', 'ndjson.limit/window-over-ends')
    .streamed(async ({ id, lines }, forward) => {
      const path = `/v1/sessions/${id}`;
      const taken = await forward({ path: `${path}/snapshots`, body: {} });
      const { snapshot_id } = (await taken.json()) as { snapshot_id?: string };
      const response = await forward();
      const changed = await linesOf(response);
      if (snapshot_id === undefined || lines.length < 2) return response;
      if (changed.at(-1)?.error) await forward({ path: `${path}/rollback`, body: { snapshot_id } });
      await forward({ method: 'DELETE', path: `/v1/snapshots/${snapshot_id}`, body: undefined });
      return changed.at(-1)?.error ? answered(changed.slice(-1)) : response;
    }),
  mutant('later-locks', 'a stream that a bad line ended leaves its session busy')
    .caughtBy('ndjson.bad-later/accepted-after')
    .proxy(() => {
      const locked = new Map<string, number>();
      return streamed(async ({ id }, forward) => {
        const response = await forward();
        const last = (await linesOf(response)).at(-1);
        if (response.status < 300 && last?.error) locked.set(id, (locked.get(id) ?? 0) + 1);
        return (locked.get(id) ?? 0) === KINDS.length && !last?.error ? refusal('session_busy') : response;
      });
    }),
];

const LINE_RESEND_MUTANTS = [
  mutant('if-match-each', 'If-Match is compared with the version before each line')
    .caughtBy('ndjson.if-match/several-lines-accepted')
    .streamed(async ({ headers, lines }, forward) => {
      if (headers['if-match'] === undefined) return forward();
      const answers = [];
      for (const line of lines) answers.push(await linesOf(await forward(sent([line]))));
      const changed = answers.map(([line = {}]) => line);
      return changed[0]?.error ? forward() : answered([...changed, ...(answers.at(-1)?.slice(1) ?? [])]);
    }),
  mutant('if-match-ignored', 'a stream is written whatever version it asks for')
    .caughtBy('ndjson.if-match/stale-refused stale-changes-nothing')
    .streamed(({ headers }, forward) => {
      const { 'if-match': _, ...rest } = headers;
      return forward({ headers: rest });
    }),
  mutant('key-ignored', 'a stream sent again is written again')
    .caughtBy('ndjson.resend/written-once acknowledged-again rest-written other-bytes-first')
    .streamed(({ headers }, forward) => {
      const { 'idempotency-key': _, ...rest } = headers;
      return forward({ headers: rest });
    }),
  mutant('key-for-whole', 'a key is for one whole body, so that a longer one is another request')
    .caughtBy('ndjson.resend/rest-written goes-on-after-error')
    .proxy(() => {
      const bodies = new Map<string, string>();
      return streamed(({ headers, lines }, forward) => {
        const key = headers['idempotency-key'];
        const body = lines.join('\n');
        if (key === undefined) return forward();
        const other = (bodies.get(key) ?? body) !== body;
        bodies.set(key, bodies.get(key) ?? body);
        return other ? Promise.resolve(refusal('idempotency_mismatch')) : forward();
      });
    }),
  mutant('resend-unacknowledged', 'lines that are stored are not acknowledged again')
    .caughtBy('ndjson.resend/acknowledged-again')
    .proxy(() => {
      const known = new Set<string>();
      return answering((lines) => {
        const news = lines.filter(({ id }) => id === undefined || !known.has(String(id)));
        for (const { id } of lines) if (id !== undefined) known.add(String(id));
        return news;
      });
    }),
  mutant('version-before-key', 'a stream sent again is refused for the version that it made itself')
    .caughtBy('ndjson.resend/key-before-version')
    .proxy(() => {
      const matched = new Set<string>();
      return streamed(({ headers, id }, forward) => {
        const version = `${id} ${headers['if-match']}`;
        if (headers['if-match'] !== undefined && matched.has(version))
          return Promise.resolve(refusal('version_conflict'));
        matched.add(version);
        return forward();
      });
    }),
  mutant('key-without-bytes', 'a key and an index stand for a line, whatever it says')
    .caughtBy('ndjson.resend/other-bytes-later other-bytes-first')
    .proxy(() => {
      const first = new Map<string, string>();
      return streamed(({ headers, lines }, forward) => {
        const key = headers['idempotency-key'];
        if (key === undefined) return forward();
        const same = lines.map((line, index) => {
          const known = first.get(`${key} ${index}`);
          if (known === undefined && !line.includes('""')) first.set(`${key} ${index}`, line);
          return known ?? line;
        });
        return forward(sent(same));
      });
    }),
  mutant('mismatch-unsaid', 'a line of other bytes under a used key is passed over')
    .caughtBy('ndjson.resend/other-bytes-later')
    .ended(async (_, __, { lines, response }) => {
      const { code } = (lines.at(-1)?.error ?? {}) as { code?: string };
      if (code !== 'idempotency_mismatch' || lines.length < 2) return response;
      const { usage, version } = lines[0] ?? {};
      const changed = [...lines.slice(0, -1), { done: true, lines: lines.length - 1, usage, version }];
      return answer(response, changed.map((line) => `${JSON.stringify(line)}\n`).join(''));
    }),
];

const limit = SMALL_LIMITS.append_tokens;

const LINE_WRITE_MUTANTS = [
  mutant('not-understood', 'a body of several lines is refused as no JSON')
    .caughtBy('ndjson.write/accepted', 'ndjson.bad-first/accepted-after', 'ndjson.bad-later/accepted-after')
    .streamed(() => Promise.resolve(refusal('invalid_request', 'Invalid request: the body is not JSON'))),
  mutant('last-acknowledged-only', 'only the last line is acknowledged')
    .caughtBy('ndjson.write/acknowledged-in-order')
    .answering((lines) => lines.slice(-2)),
  mutant('indexes-from-one', 'lines are counted from one')
    .caughtBy('ndjson.write/acknowledged-in-order')
    .answering((lines) =>
      lines.map((line) => (typeof line.index === 'number' ? { ...line, index: line.index + 1 } : line)),
    ),
  mutant('other-ids', 'acknowledged ids are those of the lines, not of the messages')
    .caughtBy('ndjson.write/ids-as-listed')
    .answering((lines) => lines.map((line) => ('id' in line ? { ...line, id: `line_${line.index}` } : line))),
  mutant('usage-at-end', 'every line is acknowledged with the usage of the end')
    .caughtBy('ndjson.write/usage-after-each')
    .answering((lines) => lines.map((line) => ('usage' in line ? { ...line, usage: lines.at(-1)?.usage } : line))),
  mutant('one-version', 'a whole stream increases the version by one')
    .caughtBy('ndjson.write/version-after-each')
    .answering((lines) => lines.map((line) => ('version' in line ? { ...line, version: lines[0]?.version } : line))),
  mutant('no-end', 'a stream ends without its last line')
    .caughtBy('ndjson.write/accepted')
    .answering((lines) => lines.slice(0, -1)),
  mutant('end-miscounted', 'the end does not count the last line')
    .caughtBy('ndjson.write/end-counts-lines')
    .answering((lines) =>
      lines.map((line) => (typeof line.lines === 'number' ? { ...line, lines: line.lines - 1 } : line)),
    ),
  mutant('end-of-before', 'the end line has the version before the stream')
    .caughtBy('ndjson.write/end-as-read')
    .answering((lines) =>
      lines.map((line) => ('done' in line ? { ...line, version: Number(lines[0]?.version) - 1 } : line)),
    ),
  mutant('last-of-several-lost', 'the last of several lines is lost where it has no line end')
    .caughtBy('ndjson.pieces/last-line-not-lost')
    .editLines((text) => text.slice(0, text.lastIndexOf('\n') + 1)),
  mutant('blank-refused', 'an empty line is refused')
    .caughtBy('ndjson.pieces/blank-skipped-at-once')
    .editLines((text) => text.replace(BLANK, 'null\n')),
  mutant('blank-refused-in-pieces', 'an empty line is refused where lines arrive one by one')
    .caughtBy('ndjson.pieces/blank-skipped')
    .on('POST', WRITE, async ({ stream }, forward) => {
      if (!stream) return forward();
      const text = await new Response(stream).text();
      return forward({ body: text.replace(BLANK, 'null\n') });
    }),
  mutant('any-separator', 'a line ends at any line separator of Unicode')
    .caughtBy('ndjson.write/accepted')
    .streamed(({ lines }, forward) => forward(sent(lines.flatMap((line) => line.split('\u2028'))))),
  mutant('controls-dropped', 'escaped characters are lost on the way of a stream')
    .caughtBy('ndjson.write/content-exact')
    .streamed(({ lines }, forward) => forward(sent(lines.map((line) => line.replace(/\\u0000|\\r|\\n/g, ''))))),
  mutant('never-pinned', 'streamed messages are never pinned')
    .caughtBy('ndjson.write/pins-as-written')
    .streamed(({ lines }, forward) =>
      forward(sent(lines.map((line) => JSON.stringify({ ...JSON.parse(line), pinned: false })))),
    ),
  mutant('results-as-text', 'tool groups are streamed in as plain messages')
    .caughtBy('ndjson.write/groups-kept')
    .streamed(({ lines }, forward) =>
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
  mutant('answers-json', 'acknowledgements are said to be one JSON text')
    .caughtBy('ndjson.write/content-type')
    .on('POST', WRITE, async (_, forward) => {
      const response = await forward();
      return response.headers.get('content-type')?.startsWith(NDJSON)
        ? withHeaders(response, { 'content-type': 'application/json' })
        : response;
    }),
  mutant('type-to-the-letter', 'the content type of lines is compared as it is written')
    .caughtBy('ndjson.write/type-with-charset type-in-capitals')
    .on('POST', WRITE, ({ headers }, forward) => {
      const type = headers['content-type'] ?? '';
      return /ndjson/i.test(type) && type !== NDJSON ? Promise.resolve(refusal('invalid_request')) : forward();
    }),
  mutant('decoded-piecewise', 'each piece of a body is decoded by itself')
    .caughtBy('ndjson.pieces/cut-anywhere')
    .on('POST', WRITE, async ({ stream }, forward) => {
      if (!stream) return forward();
      let text = '';
      for await (const piece of stream) text += new TextDecoder().decode(piece);
      return forward({ body: text });
    }),
  mutant('read-whole-first', 'a stream is read to its end before its first line is written')
    .caughtBy('ndjson.pieces/stored-at-once')
    .streamed((_, forward) => forward()),
  mutant('one-write', 'the lines of a stream are together under the limit of a write')
    .caughtBy('ndjson.limit/each-line-by-itself most-of-a-window window-over-keeps')
    .streamed(async ({ lines, headers }, forward) => {
      const messages = lines.map((line) => JSON.parse(line));
      return forward({ headers: { ...headers, 'content-type': 'application/json' }, body: { messages } });
    }),
  mutant('limit-ignored', 'a streamed line may be of any size')
    .caughtBy('ndjson.limit/line-over-ends', 'ndjson.bad-first/too-large-refused', 'ndjson.bad-later/too-large-ends')
    .limits({ append_tokens: 4 * limit }, () =>
      on('POST', WRITE, ({ body }, forward) => {
        const long = (messagesOf(body) ?? []).some(({ content }) => String(content).length > 6 * limit);
        return long ? Promise.resolve(refusal('append_too_large')) : forward();
      }),
    ),
  mutant('given-up', 'a stream is ended after eight lines as if it had no more')
    .caughtBy('ndjson.limit/most-of-a-window')
    .streamed(({ lines }, forward) => forward(sent(lines.slice(0, 8)))),
  mutant('window-dropped', 'a stream into a full window drops the oldest messages')
    .caughtBy('ndjson.limit/window-over-ends window-over-keeps')
    .ended(async ({ id, lines }, forward, { lines: first, response, written }) => {
      const { code } = (first.at(-1)?.error ?? {}) as { code?: string };
      if (code !== 'context_window_exceeded') return response;
      const body = { preserve_len: SMALL_LIMITS.window_tokens / 2 };
      await forward({ path: `/v1/sessions/${id}/truncate`, body });
      return answered([...first.slice(0, -1), ...(await linesOf(await forward(sent(lines.slice(written)))))]);
    }),
  mutant('unknown-is-empty', 'a stream into a session that is not there ends well')
    .caughtBy('ndjson.bad-first/unknown-session-refused')
    .streamed(async (_, forward) => {
      const response = await forward();
      if (response.status !== 404) return response;
      const usage = { total_tokens: 0, tools_tokens: 0, remaining_tokens: 0, messages: 0 };
      return answered([{ done: true, lines: 0, usage, version: 1 }]);
    }),
];

export const NDJSON_MUTANTS: readonly Mutant[] = [...LINE_WRITE_MUTANTS, ...LINE_FAULT_MUTANTS, ...LINE_RESEND_MUTANTS];
