import type { TokenBytes } from '../../../emulator/engines/tokens/vocabulary-build.ts';

/** A vocabulary of all bytes and these tokens after them, in the order of their ranks. */
export function byteTokens(...more: string[]): TokenBytes {
  return tokenBytes([
    ...Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)),
    ...more.map((token) => Buffer.from(token)),
  ]);
}

export function tokenBytes(tokens: readonly Uint8Array[]): TokenBytes {
  const starts = new Uint32Array(tokens.length + 1);
  for (const [token, { length }] of tokens.entries()) starts[token + 1] = (starts[token] ?? 0) + length;
  return { bytes: Buffer.concat(tokens), starts };
}

/** Runs sliced work in one go. */
export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
