import type { Limits } from '../contract/limits.ts';
import type { Spend, SpendOptions } from './billing/spend.ts';
import type { MovableClock } from './clock.ts';
import type { TokenizerSource } from './engines/tokens/tokenizer.ts';
import type { Faults } from './faults/faults.ts';
import type { Journal } from './journal/journal.ts';
import type { ScriptableModel, ScriptOptions } from './models/scriptable.ts';
import type { ScriptRule } from './models/scripted.ts';
import type { ListenOptions, RunningServer } from './server.ts';
import type { ExportOptions, Imported, ImportOptions } from './state/state-file.ts';

export interface Emulator {
  /** Answers requests in process, as `fetch` does over the network. */
  readonly fetch: typeof fetch;
  /** What an SDK takes as its base URL; that of the port that was opened last, while it listens. */
  readonly baseURL: string;
  readonly limits: Limits;
  readonly tokenizer: TokenizerSource;
  readonly model: ScriptableModel;
  /**
   * The emulator's time; `advance(ms)` moves it forward, and lets expire what is due.
   * @example
   * emulator.clock.advance(24 * 3_600_000);
   */
  readonly clock: MovableClock;
  /**
   * The last requests and their answers.
   * @example
   * expect(emulator.journal.entries({ status: 200 })).toHaveLength(1);
   */
  readonly journal: Journal;
  /**
   * Faults on demand: `add` sets one, which acts so many times.
   * @example
   * emulator.faults.add({ operation: 'createChatCompletion', effect: 'error', code: 'rpm_limit', times: 1 });
   */
  readonly faults: Pick<Faults, 'add' | 'list' | 'clear' | 'unused'>;
  /**
   * The state as a whole: its baseline, and files of it.
   * @example
   * emulator.state.saveBaseline(); // once the sessions that every test needs are there
   * emulator.state.reset(); // before each test
   */
  readonly state: EmulatorState;
  /**
   * Serves over HTTP as well; by default on loopback and any free port.
   * @example
   * const { url, close } = await emulator.listen({ port: 4100 });
   * @throws Error, rejecting, once the emulator is closed; the system's, such as EADDRINUSE
   */
  listen(options?: Partial<ListenOptions>): Promise<RunningServer>;
  /**
   * Ends the server and closes the database.
   * @param last done in between: when no request is under way any more, and the state can still be read
   */
  close(last?: () => Promise<void>): Promise<void>;
  /**
   * Answers by rules, in front of the model. Requests after the call are answered by them, awaited or not.
   * @example
   * await emulator.script([{ when: { text: 'weather' }, reply: 'Rain.' }]);
   * @throws DocumentError, rejecting, for an invalid rule
   */
  script(rules: readonly ScriptRule[], options?: ScriptOptions): Promise<void>;
  /**
   * What the chats so far cost, and what they would have cost without sessions; of one account, by its key, or of all.
   * @example
   * const spend = await emulator.spend();
   */
  spend(key?: string, options?: SpendOptions): Promise<Spend>;
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface EmulatorState {
  /** Makes the present state the one that `reset` returns to. */
  saveBaseline(): void;
  /** Returns to the baseline, or to an empty state where none was saved. Requests under way no longer change anything. */
  reset(): void;
  /** All sessions and snapshots, or one session and its snapshots, as the text of a file. @throws StateError */
  export(options?: ExportOptions): Promise<string>;
  /** The same as bytes, in parts of about a megabyte: for a state that is longer than a string can be. @throws StateError */
  exportParts(options?: ExportOptions): Promise<readonly Uint8Array[]>;
  /** Adds what such a file holds, or changes nothing. @throws StateError in one line */
  import(file: string | Uint8Array | object, options?: ImportOptions): Promise<Imported>;
}
