import { Hono } from 'hono';
import { authenticate } from './middleware/authenticate.ts';
import type { Env } from './middleware/context.ts';
import { type GuardOptions, guard } from './middleware/guard.ts';
import { requestId } from './middleware/request-id.ts';
import { accountRoutes } from './routes/account.ts';
import { chatRoutes } from './routes/chat-completions.ts';
import { controlRoutes } from './routes/control.ts';
import { messageRoutes } from './routes/messages.ts';
import { modelRoutes } from './routes/models.ts';
import { openApiRoutes } from './routes/openapi.ts';
import { errorResponse } from './routes/render-error.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { sessionSnapshotRoutes, shareRoutes, snapshotRoutes } from './routes/snapshots.ts';
import { unknownRoute } from './routes/unknown.ts';
import type { Services } from './services.ts';

export interface AppOptions extends GuardOptions {
  /** Keys that are let in; any key where undefined. */
  keys: readonly string[] | undefined;
  /** Characters of one streamed chunk. */
  chunkCharacters: number;
}

/** Puts middleware and routes together. Every error of the walk ends in the one `onError`. */
export function createApp(services: Services, options: AppOptions): Hono<Env> {
  const { limits } = services;
  const app = new Hono<Env>();
  app.onError((error, c) => errorResponse(c, error));
  app.notFound((c) => unknownRoute(c));
  app.use(requestId(services));
  app.use(guard(options));
  app.route('/_emulator', controlRoutes());
  app.route('/', openApiRoutes(limits));
  app.use('/v1/*', authenticate(options.keys));
  app.route('/v1/sessions', sessionRoutes(limits));
  app.route('/v1/sessions', messageRoutes(limits));
  app.route('/v1/sessions', sessionSnapshotRoutes(limits));
  app.route('/v1/snapshots', snapshotRoutes(limits));
  app.route('/v1/shares', shareRoutes());
  app.route('/v1', chatRoutes(limits, options.chunkCharacters));
  app.route('/v1', modelRoutes(limits));
  app.route('/v1', accountRoutes());
  return app;
}
