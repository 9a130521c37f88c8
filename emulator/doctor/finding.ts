import type { JournalEntry } from '../journal/entries.ts';
import type { Run } from './run.ts';

export type Level = 'error' | 'warning' | 'ok';
/** Where a finding applies: everywhere, including the stateless live API, or only to servers with sessions. */
type Target = 'everywhere' | 'sessions';

/** The result of one rule for a run. */
export interface Finding {
  rule: string;
  level: Level;
  target: Target;
  /** What happened. */
  says: string;
  /** What to do about it; absent if nothing is wrong. */
  fix?: string;
  /** Numbers of the requests that show it. */
  evidence: number[];
  /** Details, one line each. */
  details?: string[];
}

export interface Rule {
  name: string;
  target: Target;
  judge(run: Run): Judgement;
}

type Judgement = Pick<Finding, 'level' | 'says' | 'fix' | 'evidence' | 'details'>;

export function fine(says: string): Judgement {
  return { level: 'ok', says, evidence: [] };
}

/** `3 writes, all with a key`, or `no writes`. */
export function fineAll(count: number, noun: string, rest: string): Judgement {
  return fine(count === 0 ? `no ${noun}s` : some(count, noun) + rest);
}

export function bad(level: Level, says: string, fix: string, evidence: readonly { n: number }[]): Judgement {
  return { level, says, fix, evidence: evidence.map(({ n }) => n) };
}

/** Merges evidence, each request once. */
export function inOrder(...evidence: (readonly JournalEntry[])[]): JournalEntry[] {
  return [...new Set(evidence.flat())].toSorted((a, b) => a.n - b.n);
}

/** `1 request`, `3 requests` */
export function some(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`;
}

export function tokens(count: number): string {
  return some(count, 'token');
}
