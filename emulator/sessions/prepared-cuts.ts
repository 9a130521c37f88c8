import type { Tokenizer } from '../engines/tokens/tokenizer.ts';
import type { StoredMessage } from '../store/entries.ts';
import { cutNewestGroup, type GroupCut } from './cut-texts.ts';

/**
 * The cuts of one request. A change cannot wait in its transaction for a long text to be cut: it is given up there, the
 * cut is worked out giving way to the event loop, and the change is tried again, on whatever the state then is.
 */
export class PreparedCuts {
  readonly #tokenizer: Tokenizer;
  readonly #known = new Map<string, GroupCut>();

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** As `cutNewestGroup` has it. @throws CutMissing where it must be worked out first */
  newestGroup(group: readonly StoredMessage[], budget: number): GroupCut {
    const key = JSON.stringify([budget, ...group.map(({ id, message, tokens, held }) => [id, message, tokens, held])]);
    const known = this.#known.get(key);
    if (known) return known;
    throw new CutMissing(async () => {
      this.#known.set(key, await cutNewestGroup(this.#tokenizer, group, budget));
    });
  }
}

/** Never gets out of `withCuts`. */
class CutMissing extends Error {
  readonly workOut: () => Promise<void>;

  constructor(workOut: () => Promise<void>) {
    super('a cut is not worked out');
    this.workOut = workOut;
  }
}

/** Attempts a change; as often as that lacks a cut, works it out and attempts the change anew. */
export async function withCuts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CutMissing)) throw error;
      await error.workOut();
    }
  }
}
