import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { createEmulator } from '../emulator/index.ts';

/** Well below the grace that running streams are given. */
const timeout = 4_000;

it('does not wait for a connection that never made a request, such as browsers open in advance', {
  timeout,
}, async () => {
  const emulator = createEmulator();
  const { port } = await emulator.listen();
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  // Once this is answered the server has taken the other connection in as well.
  expect((await fetch(`http://127.0.0.1:${port}/_emulator/health`)).status).toBe(200);
  const closed = once(socket, 'close');
  await emulator.close();
  await closed;
});
