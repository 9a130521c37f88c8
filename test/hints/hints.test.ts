import { Session } from 'node:inspector/promises';
import { afterAll, describe, expect, it, vi } from 'vitest';

/**
 * Every hint has a case that provokes its cause: what is never said in the cases below is found by the coverage of the modules
 * that say it. They are loaded anew, as V8 counts the blocks only of what it compiles while it counts.
 */
const inspector = new Session();
inspector.connect();
await inspector.post('Profiler.enable');
await inspector.post('Debugger.enable');
await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
vi.resetModules();

describe('hints', async () => {
  await import('./causes.ts');
  await import('./conflicts.ts');
  await import('./every-400.ts');
  await import('./fields.ts');
  await import('./missing.ts');
  await import('./query.ts');
  await import('./tool-calls.ts');
});

it('every sentence of a hint is said in a case', async () => {
  expect(await notRun(/\/emulator\/hints\/[\w-]+\.ts$/)).toEqual([]);
});

afterAll(async () => {
  await inspector.post('Profiler.stopPreciseCoverage');
  inspector.disconnect();
});

/** A text with letters; blocks that say nothing need no case. */
const SENTENCE = /["'`][^"'`]*[a-z]{2}[^"'`]*["'`]/;

/** Blocks of the modules that no case has run, and that say something, as `file: code`. */
async function notRun(modules: RegExp): Promise<string[]> {
  const { result } = await inspector.post('Profiler.takePreciseCoverage');
  const found: string[] = [];
  for (const { url, scriptId, functions } of result.filter((script) => modules.test(script.url))) {
    const { scriptSource } = await inspector.post('Debugger.getScriptSource', { scriptId });
    const ranges = functions.flatMap((each) => each.ranges).filter(({ count }) => count === 0);
    const code = ranges.map(({ startOffset, endOffset }) => scriptSource.slice(startOffset, endOffset).trim());
    found.push(
      ...code
        .filter((block) => SENTENCE.test(block.replaceAll(/\$\{[^}]*\}/g, '')))
        .map((block) => `${url.split('/').at(-1)}: ${block.slice(0, 160)}`),
    );
  }
  return found;
}
