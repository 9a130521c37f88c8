import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';

const SHARED = new URL('../../../shared/', import.meta.url);

/** Real input that stands beside the project on some machines and is never part of it. */
const SHARED_FILES = {
  vocabulary: 'kimi-k2/tiktoken.model',
  dialogues: 'data/tau-airline.jsonl',
  novel: 'data/story-of-the-stone.txt',
  schemas: 'data/mfjs-cases.jsonl',
  toolLists: 'data/k2-tool-declarations.jsonl',
} as const;

type SharedFile = keyof typeof SHARED_FILES;

function sharedPath(name: SharedFile): string | undefined {
  const path = fileURLToPath(new URL(SHARED_FILES[name], SHARED));
  return existsSync(path) ? path : undefined;
}

/** The path of a shared file; where it is absent the test is skipped, loudly. */
export function requireShared(context: TestContext, name: SharedFile): string {
  const path = sharedPath(name);
  if (path !== undefined) return path;
  const reason = `needs ${SHARED_FILES[name]} beside the project`;
  console.warn(`SKIPPED: ${context.task.name} ${reason}`);
  return context.skip(reason);
}

export function readShared(context: TestContext, name: SharedFile): string {
  return readFileSync(requireShared(context, name), 'utf8');
}
