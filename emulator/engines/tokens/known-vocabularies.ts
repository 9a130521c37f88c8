import type { SplitDialect } from './character-flags.ts';
import { parsePackedRanks, parseRankLines } from './rank-files.ts';
import type { TokenBytes } from './vocabulary-trie.ts';

/** How the file of a vocabulary is read and how its text is split. */
export interface VocabularyKind {
  readonly name: string;
  readonly dialect: SplitDialect;
  /** Number of ranks in the published file. */
  readonly ranks: number;
  /** Reads the published file. @throws RangeError that says what is wrong with it */
  readonly parse: (file: Buffer) => Generator<void, TokenBytes>;
}

/** Moonshot's vocabulary of Kimi K2, MIT licence; the file is `tiktoken.model` of any of its K2 releases. */
export const KIMI_K2 = {
  name: 'kimi-k2',
  dialect: { hanApart: true, trailingSlash: false },
  ranks: 163_584,
  parse: parseRankLines,
  sha256: 'b6c497a7469b33ced9c38afb1ad6e47f03f5e5dc05f15930799210ec050c5103',
} as const satisfies VocabularyKind & { sha256: string };

/** OpenAI's vocabulary, as the `tiktoken` package carries it: close to Kimi's, and always at hand. */
export const O200K_BASE = {
  name: 'o200k_base',
  dialect: { hanApart: false, trailingSlash: true },
  ranks: 199_998,
  parse: function* (file: Buffer): Generator<void, TokenBytes> {
    const { bpe_ranks } = JSON.parse(file.toString()) as { bpe_ranks?: unknown };
    yield;
    if (typeof bpe_ranks !== 'string') throw new RangeError('it has no bpe_ranks');
    return yield* parsePackedRanks(bpe_ranks);
  },
} as const satisfies VocabularyKind;
