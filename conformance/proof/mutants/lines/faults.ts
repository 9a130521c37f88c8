import type { Mutant } from '../../mutant.ts';
import { refusal } from '../../rewrites.ts';
import { answered, answering, ended, fault, linesOf, sent, streamed } from './support.ts';

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
];
