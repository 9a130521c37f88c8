import type { Database, Transaction } from 'better-sqlite3';
import { Answers } from './answers.ts';
import { Collector } from './collector.ts';
import { CommitQueue } from './commit-queue.ts';
import { openDatabase } from './database.ts';
import { History } from './history.ts';
import { SessionRows } from './sessions.ts';
import { SnapshotRows } from './snapshots.ts';
import { Toolsets } from './toolsets.ts';

const TABLES = ['answers', 'sessions', 'snapshots', 'toolsets', 'entries', 'segments', 'messages'] as const;

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

  reset(): void {
    this.transaction(() => {
      for (const table of TABLES) this.#database.exec(`DELETE FROM ${table}`);
    });
  }

  close(): void {
    this.collector.close();
    this.#database.close();
  }
}
