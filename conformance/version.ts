import { createRequire } from 'node:module';

/** The version of the package. */
export const KIT_VERSION: string = (createRequire(import.meta.url)('kimi-emulator/package.json') as { version: string })
  .version;
