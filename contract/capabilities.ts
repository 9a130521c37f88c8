/** What a server may offer or not. A case of the kit names those that it needs. */
export const CAPABILITIES = [
  'chat',
  'chat.stream',
  'chat.tools',
  'chat.json',
  'chat.partial',
  'models',
  'tokens.estimate',
  'balance',
  'files',
  'sessions',
  'sessions.list',
  'sessions.append',
  'sessions.append.stream',
  'sessions.truncate',
  'sessions.snapshot',
  'sessions.rollback',
  'sessions.fork',
  'sessions.share',
  'sessions.compress',
  'idempotency',
  'versioning',
] as const;

export type Capability = (typeof CAPABILITIES)[number];
