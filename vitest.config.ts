import { defineConfig } from 'vitest/config';

/** A test that hangs ends all the same. Far above what any takes on a busy machine: no limit decides what is right. */
const HANGS_MS = 600_000;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'examples/*.test.ts'],
    globalSetup: ['test/support/slice.ts'],
    testTimeout: HANGS_MS,
    hookTimeout: HANGS_MS,
    // Most tests compare the live API's texts.
    env: { KIMI_EMULATOR_HINTS: 'header' },
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    expect: { poll: { timeout: 60_000, interval: 5 } },
    // Nothing of ours is global, so files share the modules of their worker: to load them for each took half of the time.
    isolate: false,
    // Vitest leaves a core to itself, which on two is half of them.
    maxWorkers: '100%',
  },
});
