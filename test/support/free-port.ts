import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which the system gives out ports by itself, so that nobody is given this one meanwhile. */
const FIRST = 20_000;
const COUNT = 10_000;

/** A port on loopback that is free, for programs that must be told one; whatever can, listens on port 0 instead. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; ; attempt += 1) {
    const port = FIRST + ((process.pid * 37 + attempt) % COUNT);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  // Rejects with the server's error, such as that the port is taken.
  const free = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.close();
  return free;
}
