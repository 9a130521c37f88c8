import type { Source } from '../http/streams.ts';
import type { Services } from '../services.ts';
import type { LiveEvent } from './answers.ts';
import { refusalsSince } from './sessions.ts';

/**
 * How often a change is looked for, and how often a reader is told at most while one follows another. Nothing is done for a
 * change until then, so that it costs a request nothing. Together they leave the page time to show it within 200 ms.
 */
const TICK_MS = 20;
const PAUSE_MS = 150;
/** Sessions named in one event. Of more, the reader asks for all. */
const MOST_NAMED = 50;

/**
 * What changes, as events. It is looked for when the reader asks for the next event, so that one who reads slowly gets fewer
 * and none are stored for it.
 */
export function liveEvents(
  services: Pick<Services, 'store' | 'journal' | 'clock' | 'faults'>,
  signal: AbortSignal,
  countSessions: () => number,
): Source<LiveEvent> {
  const { store, journal, clock, faults } = services;
  let seen = -1;
  /** Up to which request those that were refused are known. */
  let request = 0;
  let last = '';
  let told = 0;
  return {
    async next() {
      await pause(signal, told + PAUSE_MS - performance.now());
      for (;;) {
        if (signal.aborted || store.closed) return { done: true, value: undefined };
        const { changes } = store.past;
        const { changes: requests } = journal;
        // Real time runs by itself, and is not a change.
        const moved = clock.isSystem ? Math.round((clock.now() - Date.now()) / 1_000) : clock.now();
        const set = faults.none
          ? ''
          : faults
              .list()
              .map(({ id, remaining }) => `${id} ${remaining}`)
              .join();
        const state = `${changes} ${requests} ${moved} ${set}`;
        if (state !== last) {
          const since = refusalsSince(journal, request);
          const refused = since.refused.flatMap(({ session }) => session ?? []);
          const changed = store.past.changedSince(seen);
          const named = new Set([...refused, ...(changed ?? [])]);
          const isKnown = seen !== -1 && changed !== undefined && named.size <= MOST_NAMED;
          last = state;
          seen = changes;
          request = since.request;
          told = performance.now();
          const sessions = isKnown ? [...named] : null;
          return {
            done: false,
            value: [{ changes, requests, sessions, count: countSessions(), now: clock.now(), faults: set }],
          };
        }
        await pause(signal, TICK_MS);
      }
    },
  };
}

function pause(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(0, ms)).unref();
    signal.addEventListener('abort', end, { once: true });
  });
}
