import type { Limits } from '../../contract/limits.ts';
import type { Deferred } from './deferred.ts';

/** The emulator's own routes, never part of the contract. Anybody on this machine may use them. */
export function controlGroups(limits: Limits): Deferred[] {
  return [
    {
      base: '/_emulator',
      routes: ['GET /clock', 'POST /clock'],
      load: async () => (await import('./control/clock.ts')).clockRoutes(),
    },
    {
      base: '/_emulator',
      routes: ['POST /reset', 'POST /baseline', 'GET /export', 'POST /import'],
      load: async () => (await import('./control/state.ts')).stateRoutes(),
    },
    {
      base: '/_emulator',
      routes: ['POST /faults', 'GET /faults', 'DELETE /faults', 'DELETE /faults/:id'],
      load: async () => (await import('./control/faults.ts')).faultRoutes(),
    },
    {
      base: '/_emulator',
      routes: ['GET /journal', 'DELETE /journal'],
      load: async () => (await import('./control/journal.ts')).journalRoutes(),
    },
    {
      base: '/_emulator/spend',
      routes: ['GET /'],
      load: async () => (await import('./control/spend.ts')).spendRoutes(),
    },
    {
      base: '/openapi.json',
      routes: ['GET /'],
      load: async () => (await import('./openapi.ts')).openApiRoutes(limits),
    },
  ];
}

/** The routes of the contract that need an account, but for the models, which are there at once. */
export function apiGroups(limits: Limits, chunkCharacters: number): Deferred[] {
  return [
    {
      base: '/v1/sessions',
      routes: [
        'POST /',
        'GET /',
        'GET /:id',
        'POST /:id',
        'DELETE /:id',
        'POST /:id/truncate',
        'POST /:id/rollback',
        'POST /:id/compress',
      ],
      load: async () => (await import('./sessions.ts')).sessionRoutes(limits),
    },
    {
      base: '/v1/sessions',
      routes: ['POST /:id/messages', 'GET /:id/messages', 'POST /:id/messages/:message'],
      load: async () => (await import('./messages.ts')).messageRoutes(limits),
    },
    {
      base: '/v1/sessions',
      routes: ['POST /:id/snapshots', 'GET /:id/snapshots'],
      load: async () => (await import('./snapshots.ts')).sessionSnapshotRoutes(limits),
    },
    {
      base: '/v1/snapshots',
      routes: ['GET /', 'GET /:id', 'DELETE /:id', 'GET /:id/messages', 'POST /:id/share', 'DELETE /:id/share'],
      load: async () => (await import('./snapshots.ts')).snapshotRoutes(limits),
    },
    {
      base: '/v1/shares',
      routes: ['GET /:share_id'],
      load: async () => (await import('./snapshots.ts')).shareRoutes(),
    },
    {
      base: '/v1',
      routes: ['POST /chat/completions'],
      load: async () => (await import('./chat-completions.ts')).chatRoutes(limits, chunkCharacters),
    },
    {
      base: '/v1',
      routes: ['POST /tokenizers/estimate-token-count'],
      load: async () => (await import('./tokenizers.ts')).tokenizerRoutes(limits),
    },
    {
      base: '/v1',
      routes: ['GET /users/me/balance'],
      load: async () => (await import('./account.ts')).accountRoutes(),
    },
  ];
}
