import type { Database, Transaction } from 'better-sqlite3';
import { Answers } from './answers.ts';
import { Baseline } from './baseline.ts';
import type { Blobs } from './blobs.ts';
import { Collector } from './collector.ts';
import { CommitQueue, diskFault, openDatabase } from './database.ts';
import { History } from './history.ts';
import { PortableRows } from './portable-rows.ts';
import { SessionRows, Toolsets } from './sessions.ts';
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
  readonly #database: Database;
  readonly #commits: CommitQueue;
  #baseline: Baseline | undefined;
  #generation = 0;
  readonly #run: Transaction<(work: () => unknown) => unknown>;

  /** @throws DatabaseError in one line where `path` cannot be used */
  constructor(path: string) {
    const database = openDatabase(path);
    this.#database = database;
    this.#commits = new CommitQueue(database);
    // Made once: a new one costs more than a small change does.
    this.#run = database.transaction((work) => work());
    this.history = new History(database);
    this.sessions = new SessionRows(database);
    this.snapshots = new SnapshotRows(database);
    this.toolsets = new Toolsets(database);
    this.answers = new Answers(database);
    this.collector = new Collector(database);
    this.blobs = this.collector.blobs;
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

  /** Rows that only exports and imports read and write. */
  portableRows(): PortableRows {
    return new PortableRows(this.#database);
  }

  /** Incremented by every reset, so that a change requested before one can tell that it belongs to another state. */
  get generation(): number {
    return this.#generation;
  }

  /** Makes the present state the one that a reset returns to. Stored answers are not part of it, and are dropped. */
  saveBaseline(): void {
    this.#dropAnswersWith((baseline) => baseline.save());
  }

  /** Returns to the baseline, or to an empty state. Takes the same time whatever the windows hold: garbage is collected later. */
  reset(): void {
    this.#dropAnswersWith((baseline) => baseline.restore());
    this.#generation += 1;
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
