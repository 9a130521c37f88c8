import type { Limits } from '../contract/limits.ts';
import type { Clock } from './clock.ts';
import type { Ids } from './ids.ts';
import type { Model } from './models/model.ts';
import type { SessionLocks } from './sessions/locks.ts';
import type { Store } from './store/store.ts';
import type { TokenizerSource } from './tokens/tokenizer.ts';

/** What the rules and routes work with; each part can be injected. */
export interface Services {
  readonly store: Store;
  readonly limits: Limits;
  readonly tokenizer: TokenizerSource;
  readonly model: Model;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly locks: SessionLocks;
}
