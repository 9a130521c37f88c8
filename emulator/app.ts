import { Hono } from 'hono';
import { authenticate } from './middleware/authenticate.ts';
import type { Env } from './middleware/context.ts';
import { strikeFaults } from './middleware/faults.ts';
import { type GuardOptions, guard } from './middleware/guard.ts';
import { limitRate } from './middleware/rate-limit.ts';
import { requestId } from './middleware/request-id.ts';
import type { Rates } from './rate/rates.ts';
import { healthRoutes } from './routes/control/health.ts';
import { defer } from './routes/deferred.ts';
import { modelRoutes } from './routes/models.ts';
import { errorResponse } from './routes/render-error.ts';
import { unknownRoute } from './routes/unknown.ts';
import type { Services } from './services.ts';

export interface AppOptions extends GuardOptions {
  /** Keys that are let in; any key where undefined. */
  keys: readonly string[] | undefined;
  /** Characters of one streamed chunk. */
  chunkCharacters: number;
  /** What accounts may do at most; undefined for anything. */
  rates: Rates | undefined;
}

/** Puts middleware and routes together. Every error of the walk ends in the one `onError`. */
export function createApp(services: Services, { chunkCharacters, ...options }: AppOptions): Hono<Env> {
  const { limits } = services;
  const app = new Hono<Env>();
  app.onError((error, c) => errorResponse(c, error));
  app.notFound((c) => unknownRoute(c));
  app.use(requestId(services));
  app.use(guard(options));
  app.route('/_emulator', healthRoutes());
  defer(app, {
    base: '/_emulator',
    routes: ['GET /clock', 'POST /clock'],
    load: async () => (await import('./routes/control/clock.ts')).clockRoutes(),
  });
  defer(app, {
    base: '/_emulator',
    routes: ['POST /reset', 'POST /keep', 'GET /export', 'POST /import'],
    load: async () => (await import('./routes/control/state.ts')).stateRoutes(),
  });
  defer(app, {
    base: '/_emulator',
    routes: ['POST /faults', 'GET /faults', 'DELETE /faults', 'DELETE /faults/:id'],
    load: async () => (await import('./routes/control/faults.ts')).faultRoutes(),
  });
  defer(app, {
    base: '/_emulator',
    routes: ['GET /journal', 'DELETE /journal'],
    load: async () => (await import('./routes/control/journal.ts')).journalRoutes(),
  });
  defer(app, {
    base: '/_emulator/spend',
    routes: ['GET /'],
    load: async () => (await import('./routes/control/spend.ts')).spendRoutes(),
  });
  defer(app, {
    base: '/openapi.json',
    routes: ['GET /'],
    load: async () => (await import('./routes/openapi.ts')).openApiRoutes(limits),
  });
  app.use('/v1/*', authenticate(options.keys));
  if (options.rates) app.use('/v1/chat/completions', limitRate(options.rates));
  app.use('/v1/*', strikeFaults(services.faults));
  app.route('/v1', modelRoutes(limits));
  defer(app, {
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
    load: async () => (await import('./routes/sessions.ts')).sessionRoutes(limits),
  });
  defer(app, {
    base: '/v1/sessions',
    routes: ['POST /:id/messages', 'GET /:id/messages', 'POST /:id/messages/:message'],
    load: async () => (await import('./routes/messages.ts')).messageRoutes(limits),
  });
  defer(app, {
    base: '/v1/sessions',
    routes: ['POST /:id/snapshots', 'GET /:id/snapshots'],
    load: async () => (await import('./routes/snapshots.ts')).sessionSnapshotRoutes(limits),
  });
  defer(app, {
    base: '/v1/snapshots',
    routes: ['GET /', 'GET /:id', 'DELETE /:id', 'GET /:id/messages', 'POST /:id/share', 'DELETE /:id/share'],
    load: async () => (await import('./routes/snapshots.ts')).snapshotRoutes(limits),
  });
  defer(app, {
    base: '/v1/shares',
    routes: ['GET /:share_id'],
    load: async () => (await import('./routes/snapshots.ts')).shareRoutes(),
  });
  defer(app, {
    base: '/v1',
    routes: ['POST /chat/completions'],
    load: async () => (await import('./routes/chat-completions.ts')).chatRoutes(limits, chunkCharacters),
  });
  defer(app, {
    base: '/v1',
    routes: ['POST /tokenizers/estimate-token-count'],
    load: async () => (await import('./routes/tokenizers.ts')).tokenizerRoutes(limits),
  });
  defer(app, {
    base: '/v1',
    routes: ['GET /users/me/balance'],
    load: async () => (await import('./routes/account.ts')).accountRoutes(),
  });
  return app;
}
