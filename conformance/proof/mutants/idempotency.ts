import type { Mutant } from '../mutant.ts';
import { KEY_MUTANTS } from './idempotency/keys.ts';
import { REPLAY_MUTANTS } from './idempotency/replays.ts';
import { STATE_MUTANTS } from './idempotency/state.ts';

export const IDEMPOTENCY_MUTANTS: readonly Mutant[] = [...KEY_MUTANTS, ...REPLAY_MUTANTS, ...STATE_MUTANTS];
