import type { Database, Transaction } from 'better-sqlite3';

interface Job {
  /** The error with which it failed, if it did. */
  run(): unknown;
  settle(failure?: { error: unknown }): void;
}

/**
 * Changes that come in during one turn of the event loop share a commit, which costs more than most changes do. Each is
 * all or nothing by itself, they run one after the other, and none is told of before all are committed.
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
      // A full disk ends the whole transaction; what ran on would be committed, and told that it was not.
      if (!this.#database.inTransaction) throw new Error('a shared transaction was rolled back', { cause });
    }
  }
}
