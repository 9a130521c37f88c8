import type { Database, Transaction } from 'better-sqlite3';
import { ApiError } from '../api-error.ts';
import { Answers } from './answers.ts';
import { Baseline } from './baseline.ts';
import type { Blobs } from './blobs.ts';
import { Collector } from './collector.ts';
import { diskFault, type KnowsModel, openDatabase } from './database.ts';
import { FileRows } from './files.ts';
import { History } from './history.ts';
import { type PastChange, PastWindows } from './past.ts';
import { PortableRows } from './portable-rows.ts';
import { type SessionRow, SessionRows, Toolsets } from './sessions.ts';
import { SnapshotRows } from './snapshots.ts';

/** The state: named tables and one way to change them, a synchronous transaction. */
export class Store {
  readonly history: History;
  readonly sessions: SessionRows;
  readonly snapshots: SnapshotRows;
  readonly toolsets: Toolsets;
  readonly answers: Answers;
  readonly collector: Collector;
  readonly blobs: Blobs;
  readonly locks = new Locks();
  readonly files: FileRows;
  /** The last windows of each session. */
  readonly past: PastWindows;
  readonly #database: Database;
  readonly #commits: CommitQueue;
  #baseline: Baseline | undefined;
  #portableRows: PortableRows | undefined;
  #generation = 0;
  readonly #run: Transaction<(work: () => unknown) => unknown>;

  /**
   * @param moments past windows of each session that can be looked at
   * @param knows which models its sessions may have
   * @throws DatabaseError in one line where `path` cannot be used
   */
  constructor(path: string, moments = 0, knows?: KnowsModel) {
    const database = openDatabase(path, knows);
    this.#database = database;
    this.#commits = new CommitQueue(database);
    // Made once: a new one costs more than a small change does.
    this.#run = database.transaction((work) => work());
    this.history = new History(database);
    this.sessions = new SessionRows(database);
    this.snapshots = new SnapshotRows(database);
    this.past = new PastWindows(moments);
    this.toolsets = new Toolsets(database, this.past.toolsets);
    this.answers = new Answers(database);
    this.collector = new Collector(database, this.past);
    this.blobs = this.collector.blobs;
    this.files = new FileRows(database);
  }

  /** All of `work`, or nothing of it. Never spans an `await`. */
  transaction<Result>(work: () => Result): Result {
    return this.#run.immediate(work) as Result;
  }

  /** The same, in one commit with the other changes of this tick. */
  commit<Result>(work: () => Result): Promise<Result> {
    return this.#commits.add(work);
  }

  /** What `work` would return, with its changes rolled back. Part of a transaction. */
  rehearse<Result>(work: () => Result): Result {
    this.#database.exec('SAVEPOINT rehearsal');
    try {
      return work();
    } finally {
      this.#database.exec('ROLLBACK TO rehearsal; RELEASE rehearsal');
    }
  }

  /** How often this database has been opened, counting this time. */
  countRun(): number {
    const row = this.#database
      .prepare<[], { value: number }>(
        `INSERT INTO meta (name, value) VALUES ('runs', 1)
         ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
      )
      .get();
    return row?.value ?? 1;
  }

  /** Rows that only exports, imports and the inspector read and write. Their statements are prepared when first asked for. */
  portableRows(): PortableRows {
    this.#portableRows ??= new PortableRows(this.#database);
    return this.#portableRows;
  }

  /** Incremented by every reset, so that a change requested before one can tell that it belongs to another state. */
  get generation(): number {
    return this.#generation;
  }

  /** Adds a moment to a session's past. To be told once the change is committed. */
  recordMoment(change: PastChange, at: number, request?: number, before?: SessionRow): void {
    this.#free(() => this.past.record(change, at, request, before));
  }

  /** The session is deleted, and its past with it. */
  forgetMoments(session: string): void {
    this.#free(() => this.past.forget(session));
  }

  #free(change: () => readonly number[]): void {
    const { droppedToolsets } = this.past;
    for (const segment of change()) this.collector.markDirty(segment);
    if (this.past.droppedToolsets > droppedToolsets) this.collector.sweepLater();
  }

  /** Makes the present state the one that a reset returns to. Stored answers are not part of it, and are dropped. */
  saveBaseline(): void {
    this.#dropAnswersWith((baseline) => baseline.save());
  }

  /** Returns to the baseline, or to an empty state. Takes the same time whatever the windows hold: garbage is collected later. */
  reset(): void {
    this.past.clear();
    this.#dropAnswersWith((baseline) => {
      baseline.restore();
      this.collector.releasePast();
    });
    this.#generation += 1;
    this.locks.reset();
    this.history.memory.clear();
  }

  #dropAnswersWith(work: (baseline: Baseline) => void): void {
    this.#baseline ??= new Baseline(this.#database, this.history, this.collector);
    const baseline = this.#baseline;
    this.answers.dropAll((step) =>
      this.transaction(() => {
        work(baseline);
        return step();
      }),
    );
  }

  /** One line about the disk where it caused this error of a change or a query. */
  diskFault(error: unknown): string | undefined {
    return diskFault(error, this.#database.name);
  }

  get closed(): boolean {
    return !this.#database.open;
  }

  close(): void {
    this.collector.close();
    this.#database.close();
  }
}

interface Job {
  /** Returns the error with which it failed, if it did. */
  run(): unknown;
  settle(failure?: { error: unknown }): void;
}

/**
 * Changes that arrive within one tick share a commit, which costs more than most changes do. Each is all or nothing by itself,
 * they run one after the other, and no caller hears of its change before all are committed.
 */
export class CommitQueue {
  readonly #database: Database;
  readonly #run: Transaction<(work: () => unknown) => unknown>;
  #waiting: Job[] = [];

  constructor(database: Database) {
    this.#database = database;
    this.#run = database.transaction((work) => work());
  }

  add<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      let outcome: { value: Result } | { error: unknown };
      const job: Job = {
        run: () => {
          try {
            outcome = { value: this.#run(work) as Result };
            return undefined;
          } catch (error) {
            outcome = { error };
            return error;
          }
        },
        settle: (failure) => {
          const settled = failure ?? outcome;
          if ('error' in settled) reject(settled.error);
          else resolve(settled.value);
        },
      };
      if (this.#waiting.push(job) === 1) setImmediate(() => this.#commit());
    });
  }

  #commit(): void {
    const jobs = this.#waiting;
    this.#waiting = [];
    let failure: { error: unknown } | undefined;
    try {
      if (jobs.length === 1) jobs[0]?.run();
      else this.#run.immediate(() => this.#runAll(jobs));
    } catch (error) {
      failure = { error };
    }
    for (const job of jobs) job.settle(failure);
  }

  #runAll(jobs: readonly Job[]): void {
    for (const job of jobs) {
      const cause = job.run();
      // A full disk ends the whole transaction; later changes would commit by themselves and be reported as failed.
      if (!this.#database.inTransaction) throw new Error('a shared transaction was rolled back', { cause });
    }
  }
}

/** What belongs to one request while it runs: sessions in which a turn or a compression runs, and idempotency keys. */
class Locks {
  #sessions = new Set<string>();
  #keys = new Set<string>();

  /** Any other change of a held session has to wait; reads need not. @throws ApiError `session_busy` */
  requireIdle(sessionId: string): void {
    if (this.#sessions.has(sessionId)) throw new ApiError('session_busy', { session: sessionId });
  }

  /** Holds the session until the returned function is called. @throws ApiError `session_busy` */
  acquire(sessionId: string): () => void {
    this.requireIdle(sessionId);
    const sessions = this.#sessions.add(sessionId);
    return () => void sessions.delete(sessionId);
  }

  /** Holds the key until the returned function is called. @throws ApiError `request_in_progress` */
  claimKey(key: string): () => void {
    if (this.#keys.has(key)) throw new ApiError('request_in_progress', {});
    const keys = this.#keys.add(key);
    return () => void keys.delete(key);
  }

  /** Frees all: those who held something release nothing that is held from now on. */
  reset(): void {
    this.#sessions = new Set();
    this.#keys = new Set();
  }
}
