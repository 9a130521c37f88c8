import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Nothing of ours is global, so files share the modules of their worker: to load them for each took half of the time.
    isolate: false,
    // Vitest leaves a core to itself, which on two is half of them.
    maxWorkers: '100%',
  },
});
