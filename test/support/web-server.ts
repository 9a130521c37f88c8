import { getRequestListener } from '@hono/node-server';
import { listen, type RunningServer } from '../../emulator/server.ts';

/** A port that answers as `fetch` does: for tests that stand between a client and an emulator. */
export function listenWeb(answer: (request: Request) => Promise<Response>): Promise<RunningServer> {
  const listener = getRequestListener(answer, { overrideGlobalObjects: false, autoCleanupIncoming: false });
  return listen(({ incoming, outgoing }) => void listener(incoming, outgoing), { port: 0, host: '127.0.0.1' });
}
