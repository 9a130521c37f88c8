#!/usr/bin/env node
import nodeModule from 'node:module';

/** Since Node 22.1: what was compiled at an earlier start is read from a cache in the folder for temporary files. */
const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown };
enableCompileCache?.();

// Loaded once the cache is there: what a file imports is compiled before it runs.
const { run } = await import('./run.ts');
await run(process.argv.slice(2));
