import type { Limits } from '../contract/limits.ts';
import type { BillingSlot } from './billing/billing.ts';
import type { MovableClock } from './clock.ts';
import type { TokenizerSource } from './engines/tokens/tokenizer.ts';
import type { Faults } from './faults/faults.ts';
import type { Ids } from './ids.ts';
import type { Journal } from './journal/journal.ts';
import type { Profiles } from './models/profiles.ts';
import type { ScriptableModel } from './models/scriptable.ts';
import type { State } from './state/state.ts';
import type { Store } from './store/store.ts';

/** What the rules and routes work with; each part can be injected. */
export interface Services {
  readonly store: Store;
  readonly limits: Limits;
  /** Whether `max_completion_tokens` beyond the window is cut to what is left of it, instead of refused. */
  readonly clampsAnswers: boolean;
  /** Whether the hint of a refusal stands behind its message too, and not in a header only. */
  readonly hintsInBody: boolean;
  /** Whether no sessions are kept, so that `session_id` means nothing. */
  readonly isStateless: boolean;
  readonly tokenizer: TokenizerSource;
  readonly model: ScriptableModel;
  /** The models that it can be, by name, and which of them answer. */
  readonly profiles: Profiles;
  readonly clock: MovableClock;
  readonly ids: Ids;
  readonly state: State;
  /** Opened by the first request that is billed: `billingOf`. */
  readonly billing: BillingSlot;
  readonly faults: Faults;
  readonly journal: Journal;
  /** Aborted when the emulator closes. */
  readonly closing: AbortSignal;
}
