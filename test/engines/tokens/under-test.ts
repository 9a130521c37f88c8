import { existsSync } from 'node:fs';
import type { TestContext } from 'vitest';
import type { Tokenizer } from '../../../emulator/engines/tokens/tokenizer.ts';
import { openTokenizer } from '../../../emulator/tokenizer.ts';
import { KIMI_FILE } from './oracles.ts';

export const VOCABULARIES = [
  { name: 'o200k_base', file: 'o200k_base' },
  { name: 'kimi-k2', file: KIMI_FILE },
] as const;

export type VocabularyName = (typeof VOCABULARIES)[number]['name'];

const loaded = new Map<VocabularyName, Promise<Tokenizer>>();

/** The tokenizer of that name, loaded once a test file; skips the test where the Kimi vocabulary is not at hand. */
export function tokenizerNamed(name: VocabularyName, context: TestContext): Promise<Tokenizer> {
  if (name === 'kimi-k2' && !existsSync(KIMI_FILE)) {
    console.warn(`skipped: ${context.task.name} needs the Kimi vocabulary at ${KIMI_FILE}`);
    context.skip('no Kimi vocabulary');
  }
  const file = name === 'kimi-k2' ? KIMI_FILE : name;
  const tokenizer = loaded.get(name) ?? openTokenizer({ file }).load();
  loaded.set(name, tokenizer);
  return tokenizer;
}
