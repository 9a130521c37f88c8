import type { Mutant } from '../../mutant.ts';
import { answer } from '../../proxy.ts';
import { refusal } from '../../rewrites.ts';
import { answered, answering, ended, fault, linesOf, sent, streamed } from './support.ts';

export const LINE_RESEND_MUTANTS: readonly Mutant[] = [
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
