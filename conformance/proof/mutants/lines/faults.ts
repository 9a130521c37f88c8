import type { Mutant } from '../../mutant.ts';
import { answer, type Handler } from '../../proxy.ts';
import { refusal } from '../../rewrites.ts';
import { answered, answering, ended, linesOf, sent, streamed } from './support.ts';

const fault = (name: string, broken: string, kills: [string, ...string[]], handler: () => Handler): Mutant => ({
  id: `lines.${name}`,
  area: 'lines',
  broken,
  killedBy: kills,
  handler,
});
const KINDS = ['malformed', 'empty', 'orphan', 'role', 'too-large'] as const;
const ends = KINDS.map((kind) => `lines.bad-later/${kind}-ends`) as [string, ...string[]];
const firsts = KINDS.map((kind) => `lines.bad-first/${kind}-refused`) as [string, ...string[]];

export const LINE_FAULT_MUTANTS: readonly Mutant[] = [
  fault('first-in-stream', 'a bad first line is told within a stream that succeeds', firsts, () =>
    streamed(async (_, forward) => {
      const response = await forward();
      return response.status < 400 ? response : answered(await linesOf(response));
    }),
  ),
  fault('first-skipped', 'a bad first line is refused, and the rest written', ['lines.bad-first/nothing-stored'], () =>
    streamed(async ({ lines }, forward) => {
      const response = await forward();
      if (response.status === 400 && lines.length > 1) await forward(sent(lines.slice(1)));
      return response;
    }),
  ),
  fault('first-locks', 'a bad first line leaves its session busy', ['lines.bad-first/accepted-after'], () => {
    const locked = new Set<string>();
    return streamed(async ({ id }, forward) => {
      const response = await forward();
      if (response.status === 400) locked.add(id);
      return response.status < 300 && locked.has(id) ? refusal('session_busy') : response;
    });
  }),
  fault('later-unsaid', 'a bad line ends the stream as if it had come to its end', ends, () =>
    ended(async (_, __, { lines }) => {
      const { usage, version } = lines.at(-2) ?? {};
      return answered([...lines.slice(0, -1), { done: true, lines: lines.length - 1, usage, version }]);
    }),
  ),
  fault('later-uncoded', 'what ends a stream is told as text only', ends, () =>
    answering((lines) =>
      lines.map((line) => (line.error ? { error: (line.error as { message: string }).message } : line)),
    ),
  ),
  fault(
    'later-skipped',
    'a bad line is told, and what follows it written',
    ['lines.bad-later/nothing-behind-written'],
    () =>
      ended(async ({ lines }, forward, { response, written }) => {
        if (response.status < 300) await forward(sent(lines.slice(written + 1)));
        return response;
      }),
  ),
  fault(
    'later-undone',
    'a bad line takes back the whole stream',
    ['lines.bad-later/acknowledged-stays', 'lines.limit/window-over-ends'],
    () =>
      streamed(async ({ id, lines }, forward) => {
        const path = `/v1/sessions/${id}`;
        const taken = await forward({ path: `${path}/snapshots`, body: {} });
        const { snapshot_id } = (await taken.json()) as { snapshot_id?: string };
        const response = await forward();
        const told = await linesOf(response);
        if (snapshot_id === undefined || lines.length < 2) return response;
        if (told.at(-1)?.error) await forward({ path: `${path}/rollback`, body: { snapshot_id } });
        await forward({ method: 'DELETE', path: `/v1/snapshots/${snapshot_id}`, body: undefined });
        return told.at(-1)?.error ? answered(told.slice(-1)) : response;
      }),
  ),
  fault(
    'later-locks',
    'a stream that a bad line ended leaves its session busy',
    ['lines.bad-later/accepted-after'],
    () => {
      const locked = new Map<string, number>();
      return streamed(async ({ id }, forward) => {
        const response = await forward();
        const last = (await linesOf(response)).at(-1);
        if (response.status < 300 && last?.error) locked.set(id, (locked.get(id) ?? 0) + 1);
        return (locked.get(id) ?? 0) === KINDS.length && !last?.error ? refusal('session_busy') : response;
      });
    },
  ),
  fault(
    'if-match-each',
    'If-Match is compared with the version before each line',
    ['lines.if-match/several-lines-accepted'],
    () =>
      streamed(async ({ headers, lines }, forward) => {
        if (headers['if-match'] === undefined) return forward();
        const answers = [];
        for (const line of lines) answers.push(await linesOf(await forward(sent([line]))));
        const told = answers.map(([line = {}]) => line);
        return told[0]?.error ? forward() : answered([...told, ...(answers.at(-1)?.slice(1) ?? [])]);
      }),
  ),
  fault(
    'if-match-ignored',
    'a stream is written whatever version it asks for',
    ['lines.if-match/stale-refused', 'lines.if-match/stale-changes-nothing'],
    () =>
      streamed(({ headers }, forward) => {
        const { 'if-match': _, ...rest } = headers;
        return forward({ headers: rest });
      }),
  ),
  fault(
    'key-ignored',
    'a stream sent again is written again',
    [
      'lines.resend/written-once',
      'lines.resend/acknowledged-again',
      'lines.resend/rest-written',
      'lines.resend/other-bytes-first',
    ],
    () =>
      streamed(({ headers }, forward) => {
        const { 'idempotency-key': _, ...rest } = headers;
        return forward({ headers: rest });
      }),
  ),
  fault(
    'key-for-whole',
    'a key is for one whole body, so that a longer one is another request',
    ['lines.resend/rest-written', 'lines.resend/goes-on-after-error'],
    () => {
      const bodies = new Map<string, string>();
      return streamed(({ headers, lines }, forward) => {
        const key = headers['idempotency-key'];
        const body = lines.join('\n');
        if (key === undefined) return forward();
        const other = (bodies.get(key) ?? body) !== body;
        bodies.set(key, bodies.get(key) ?? body);
        return other ? Promise.resolve(refusal('idempotency_mismatch')) : forward();
      });
    },
  ),
  fault(
    'resend-unacknowledged',
    'lines that are stored are not acknowledged again',
    ['lines.resend/acknowledged-again'],
    () => {
      const known = new Set<string>();
      return answering((lines) => {
        const news = lines.filter(({ id }) => id === undefined || !known.has(String(id)));
        for (const { id } of lines) if (id !== undefined) known.add(String(id));
        return news;
      });
    },
  ),
  fault(
    'version-before-key',
    'a stream sent again is refused for the version that it made itself',
    ['lines.resend/key-before-version'],
    () => {
      const matched = new Set<string>();
      return streamed(({ headers, id }, forward) => {
        const version = `${id} ${headers['if-match']}`;
        if (headers['if-match'] !== undefined && matched.has(version))
          return Promise.resolve(refusal('version_conflict'));
        matched.add(version);
        return forward();
      });
    },
  ),
  fault(
    'key-without-bytes',
    'a key and an index stand for a line, whatever it says',
    ['lines.resend/other-bytes-later', 'lines.resend/other-bytes-first'],
    () => {
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
    },
  ),
  fault(
    'mismatch-unsaid',
    'a line of other bytes under a used key is passed over',
    ['lines.resend/other-bytes-later'],
    () =>
      ended(async (_, __, { lines, response }) => {
        const { code } = (lines.at(-1)?.error ?? {}) as { code?: string };
        if (code !== 'idempotency_mismatch' || lines.length < 2) return response;
        const { usage, version } = lines[0] ?? {};
        const told = [...lines.slice(0, -1), { done: true, lines: lines.length - 1, usage, version }];
        return answer(response, told.map((line) => `${JSON.stringify(line)}\n`).join(''));
      }),
  ),
];
