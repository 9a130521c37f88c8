import { constants } from 'node:buffer';
import type { Limits } from '../../contract/limits.ts';
import type { MovableClock } from '../clock.ts';
import { runInSlices } from '../engines/scheduler.ts';
import type { TokenizerSource } from '../engines/tokens/tokenizer.ts';
import type { SeededIds } from '../ids.ts';
import { lazy } from '../lazy.ts';
import type { Profiles } from '../models/profiles.ts';
import type { Store } from '../store/store.ts';
import { type ExportOptions, type FileParts, type Imported, type ImportOptions, StateError } from './state-file.ts';

const exporting = lazy(() => import('./export-state.ts'));
const importing = lazy(() => import('./import-state.ts'));

export interface StateParts {
  store: Store;
  limits: Limits;
  profiles: Profiles;
  tokenizer: TokenizerSource;
  clock: MovableClock;
  /** Undefined where ids are random. */
  seededIds: SeededIds | undefined;
}

/** The state as a whole: baseline, reset, export and import. */
export class State {
  /** Called at every reset, once sessions and time are those of the baseline. */
  readonly onReset: (() => void)[] = [];
  /** Called when a baseline is saved: what answers show but no state holds is cleared, so that the first test sees what all others see. */
  readonly onSaveBaseline: (() => void)[] = [];
  readonly #parts: StateParts;

  constructor(parts: StateParts) {
    this.#parts = parts;
  }

  /**
   * Makes the present sessions, snapshots, time and next ids the state that `reset` returns to. Answers stored under an
   * idempotency key are not part of it, and are dropped at once.
   */
  saveBaseline(): void {
    const { store, clock, seededIds } = this.#parts;
    store.saveBaseline();
    clock.saveBaseline();
    seededIds?.saveBaseline();
    for (const call of this.onSaveBaseline) call();
  }

  /** Returns to the baseline, or to an empty state. A request that is still running is refused when it tries to change something. */
  reset(): void {
    const { store, clock, seededIds } = this.#parts;
    store.reset();
    clock.reset();
    seededIds?.reset();
    for (const call of this.onReset) call();
  }

  /** @returns a state file of any length, in parts @throws StateError if there is no such session */
  async exportParts({ session }: ExportOptions = {}): Promise<FileParts> {
    const { store, tokenizer } = this.#parts;
    const { exportState } = await exporting();
    const release = store.collector.pause();
    try {
      return await runInSlices(exportState(store, tokenizer.name, session));
    } finally {
      release();
    }
  }

  /** @returns the same as one text @throws StateError also if it is longer than a string can be */
  async export(options: ExportOptions = {}): Promise<string> {
    const parts = await this.exportParts(options);
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (bytes > constants.MAX_STRING_LENGTH) {
      throw new StateError(`the state takes ${bytes} bytes, more than a string can hold: export it with exportParts()`);
    }
    return Buffer.concat(parts).toString();
  }

  /**
   * Adds everything that a state file holds, or nothing if anything about it is invalid.
   * @param file its text or bytes, or the value that `JSON.parse` returns for the text
   * @throws StateError in one line
   */
  async import(file: string | Uint8Array | object, options: ImportOptions = {}): Promise<Imported> {
    return (await importing()).importState(this.#parts, file, options);
  }
}
