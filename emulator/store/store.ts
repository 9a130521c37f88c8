import type { Database, Transaction } from 'better-sqlite3';
import { Answers } from './answers.ts';
import { Collector } from './collector.ts';
import { CommitQueue } from './commit-queue.ts';
import { diskFault, openDatabase } from './database.ts';
import { History } from './history.ts';
import { KeptState } from './kept-state.ts';
import { PortableRows } from './portable-rows.ts';
import { SessionRows } from './sessions.ts';
import { SnapshotRows } from './snapshots.ts';
import { Toolsets } from './toolsets.ts';

/** The state: named tables and one way to change them, a synchronous transaction. */
export class Store {
  readonly history: History;
  readonly sessions: SessionRows;
  readonly snapshots: SnapshotRows;
  readonly toolsets: Toolsets;
  readonly answers: Answers;
  readonly collector: Collector;
  readonly #database: Database;
  readonly #commits: CommitQueue;
  #kept: KeptState | undefined;
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
  }

  /** All of `work`, or nothing of it. Never spans an `await`. */
  transaction<Result>(work: () => Result): Result {
    return this.#run.immediate(work) as Result;
  }

  /** The same, with the changes that come in at the same time committed together. */
  commit<Result>(work: () => Result): Promise<Result> {
    return this.#commits.add(work);
  }

  /** What `work` would answer, with its effects undone. Part of a transaction. */
  rehearse<Result>(work: () => Result): Result {
    this.#database.exec('SAVEPOINT rehearsal');
    try {
      return work();
    } finally {
      this.#database.exec('ROLLBACK TO rehearsal; RELEASE rehearsal');
    }
  }

  /** How often this state has been opened before, counting this time. */
  countRun(): number {
    const row = this.#database
      .prepare<[], { value: number }>(
        `INSERT INTO meta (name, value) VALUES ('runs', 1)
         ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
      )
      .get();
    return row?.value ?? 1;
  }

  /** What only exports and imports read and write. */
  portableRows(): PortableRows {
    return new PortableRows(this.#database);
  }

  /** Steps with every reset, so that a change that was asked for before one can tell that it is of another state. */
  get generation(): number {
    return this.#generation;
  }

  /** Makes the present state the one that a reset returns to. Answers are no part of it, and are forgotten. */
  keep(): void {
    this.#forgetting((kept) => kept.keep());
  }

  /**
   * Returns to the state that was kept last, or to nothing. Takes the same time whatever the windows hold: what is left behind
   * is collected later.
   */
  reset(): void {
    this.#forgetting((kept) => kept.restore());
    this.#generation += 1;
  }

  #forgetting(work: (kept: KeptState) => void): void {
    this.#kept ??= new KeptState(this.#database, this.history, this.collector);
    const kept = this.#kept;
    this.answers.forgetAll((step) =>
      this.transaction(() => {
        work(kept);
        return step();
      }),
    );
  }

  /** What the disk has done, in one line, where it is to blame for the error of a change or a query. */
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
