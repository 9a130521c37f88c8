import { expect } from 'vitest';
import type { Reply } from '../support/emulator.ts';

/** The hint of an answer, which is one line of visible ASCII of no great length. */
export function hintOf({ headers }: Pick<Reply<unknown>, 'headers'>): string {
  const hint = headers.get('kimi-emulator-hint') ?? '';
  expect(hint).toMatch(/^[\x20-\x7e]{0,500}$/);
  return hint;
}
