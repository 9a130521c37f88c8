import { constants } from 'node:buffer';
import type { Limits } from '../../contract/limits.ts';
import type { MovableClock } from '../clock.ts';
import { runInSlices } from '../engines/scheduler.ts';
import type { TokenizerSource } from '../engines/tokens/tokenizer.ts';
import type { SeededIds } from '../ids.ts';
import { later } from '../later.ts';
import { freeKeys } from '../middleware/idempotency.ts';
import type { SessionLocks } from '../sessions/locks.ts';
import type { Store } from '../store/store.ts';
import type { Imported, ImportOptions } from './import-state.ts';
import type { FileParts } from './seal.ts';
import { StateError } from './state-error.ts';

const exporting = later(() => import('./export-state.ts'));
const importing = later(() => import('./import-state.ts'));

export interface StateParts {
  store: Store;
  limits: Limits;
  tokenizer: TokenizerSource;
  clock: MovableClock;
  /** Undefined where ids are random. */
  seededIds: SeededIds | undefined;
  locks: SessionLocks;
}

export interface ExportOptions {
  /** One session, with the snapshots taken of it; without it, everything. */
  session?: string;
}

/** The state as a whole: kept, reset, and carried from one emulator to another. */
export class State {
  /** Called at every reset, once sessions and time are those of the kept state. */
  readonly onReset: (() => void)[] = [];
  /** Called when a state is kept: for what answers show and no state holds, so that the first test finds what all others do. */
  readonly onKeep: (() => void)[] = [];
  readonly #parts: StateParts;

  constructor(parts: StateParts) {
    this.#parts = parts;
  }

  /**
   * Makes the present sessions, snapshots, time and next ids what `reset` returns to. What requests with a key were answered is
   * no part of it, and is forgotten here already.
   */
  keep(): void {
    const { store, clock, seededIds } = this.#parts;
    store.keep();
    clock.keep();
    seededIds?.keep();
    for (const call of this.onKeep) call();
  }

  /**
   * Returns to what was kept; to nothing where nothing was. A request that is under way changes nothing any more: it is
   * refused when it comes to it.
   */
  reset(): void {
    const { store, clock, seededIds, locks } = this.#parts;
    store.reset();
    clock.restart();
    seededIds?.restart();
    locks.reset();
    freeKeys(store);
    for (const call of this.onReset) call();
  }

  /** @returns the parts of a state file, whatever its length @throws StateError where there is no such session */
  async exportParts({ session }: ExportOptions = {}): Promise<FileParts> {
    const { store, tokenizer } = this.#parts;
    const { exportState } = await exporting();
    const release = store.collector.hold();
    try {
      return await runInSlices(exportState(store, tokenizer.name, session));
    } finally {
      release();
    }
  }

  /** @returns the same as a text @throws StateError also where it is longer than a string can be */
  async export(options: ExportOptions = {}): Promise<string> {
    const parts = await this.exportParts(options);
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (bytes > constants.MAX_STRING_LENGTH) {
      throw new StateError(`the state takes ${bytes} bytes, more than one string can hold: export it in parts`);
    }
    return Buffer.concat(parts).toString();
  }

  /**
   * Adds what a state file holds, all of it or, where anything about it is wrong, nothing.
   * @param file its text or bytes, or what `JSON.parse` makes of the text
   * @throws StateError in one line
   */
  async import(file: string | Uint8Array | object, options: ImportOptions = {}): Promise<Imported> {
    return (await importing()).importState(this.#parts, file, options);
  }
}
