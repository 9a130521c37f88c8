import { createRequire } from 'node:module';

// The package names itself, so that the manifest is found from the sources and from what is built of them.
const manifest = createRequire(import.meta.url)('kimi-emulator/package.json') as { version: string };

export const VERSION = manifest.version;
