import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Vocabulary } from './vocabulary.ts';
import { writeAtomically } from './write-atomically.ts';

/** Part of the file's name. Step it whenever what `buildVocabulary` makes, or how it lies in the file, changes. */
const FORMAT = 1;
/** In the machine's own byte order, which the arrays have too. */
const MAGIC = 0x6b656d76;
const DIGEST_BYTES = 32;
/** MAGIC, size, longest, and the number of elements of each array. */
const HEADER_NUMBERS = 9;

/**
 * The parsed form of a vocabulary file, kept so that it need not be parsed again. It begins with the SHA-256 of `key` and all that
 * follows, so a damaged, truncated, outdated or foreign one is never used.
 * @param key SHA-256 of the vocabulary file it was made from
 */
export function readCachedVocabulary(file: Buffer, key: string): Vocabulary | undefined {
  const start = DIGEST_BYTES + HEADER_NUMBERS * 4;
  if (file.length < start || file.byteOffset % 4 !== 0) return undefined;
  if (!digest(key, [file.subarray(DIGEST_BYTES)]).equals(file.subarray(0, DIGEST_BYTES))) return undefined;
  const [magic, size = 0, longest = 0, ...counts] = new Uint32Array(
    file.buffer,
    file.byteOffset + DIGEST_BYTES,
    HEADER_NUMBERS,
  );
  if (magic !== MAGIC) return undefined;
  let at = file.byteOffset + start;
  const take = (bytes: number): [ArrayBufferLike, number] => {
    at += bytes;
    return [file.buffer, at - bytes];
  };
  const [trie = 0, tokenAt = 0, shorter = 0, merges = 0, pairs = 0, lengths = 0] = counts;
  return {
    size,
    longest,
    trie: new Int32Array(...take(trie * 4), trie),
    tokenAt: new Int32Array(...take(tokenAt * 4), tokenAt),
    shorter: new Int32Array(...take(shorter * 4), shorter),
    merges: new Int32Array(...take(merges * 4), merges),
    pairs: new Uint32Array(...take(pairs * 4), pairs),
    lengths: new Uint16Array(...take(lengths * 2), lengths),
  };
}

/** Keeps a vocabulary for `readCachedVocabulary`; where that is not possible, does nothing. */
export async function writeCachedVocabulary(path: string, key: string, vocabulary: Vocabulary): Promise<void> {
  const { trie, tokenAt, shorter, merges, pairs, lengths } = vocabulary;
  // Four-byte elements first, so that each array begins where its elements may.
  const arrays = [trie, tokenAt, shorter, merges, pairs, lengths];
  const header = Uint32Array.of(MAGIC, vocabulary.size, vocabulary.longest, ...arrays.map((array) => array.length));
  const content = [header, ...arrays].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  try {
    await writeAtomically(path, [digest(key, content), ...content]);
  } catch {
    // A cache that cannot be written costs a second at the next start, nothing else.
  }
}

/** Where the parsed form of the vocabulary of that name is kept. */
export function cachedVocabularyPath(folder: string, name: string): string {
  return join(folder, `${name}-${FORMAT}.bin`);
}

function digest(key: string, parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(key);
  for (const part of parts) hash.update(part);
  return hash.digest();
}
