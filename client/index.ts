export * from './chat.ts';
export * from './errors.ts';
export * from './kimi-client.ts';
export * from './sessions.ts';
export * from './snapshots.ts';
