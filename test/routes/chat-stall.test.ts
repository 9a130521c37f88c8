import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, vi } from 'vitest';
import type { Model, ModelRequest } from '../../emulator/index.ts';
import { MODEL } from '../support/emulator.ts';
import { sized, startSession, words } from '../support/session.ts';

/** Says so much that no buffer on the way holds it. */
class Talkative implements Model {
  readonly name = 'talkative';
  readonly asked: Promise<AbortSignal>;
  #tell: (signal: AbortSignal) => void = () => undefined;

  constructor() {
    this.asked = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  async *complete({ signal }: ModelRequest) {
    this.#tell(signal);
    for (let part = 0; part < 400; part += 1) yield { type: 'text' as const, text: words(500) };
  }
}

const limits = { stall_seconds: 1 };
const REQUEST = { model: MODEL, messages: [sized(9)], stream: true, max_tokens: 250_000 };

it('a chat that is not read in process is aborted, and its session is unchanged', async () => {
  const model = new Talkative();
  const session = await startSession('in process', { model, limits });
  const before = await session.state();
  const body = JSON.stringify({ ...REQUEST, session_id: session.id });
  const headers = { 'Content-Type': 'application/json' };
  const response = await session.api.open('POST', '/v1/chat/completions', body, { headers });
  const signal = await model.asked;
  if (!signal.aborted) await once(signal, 'abort');
  expect(await session.state()).toEqual(before);
  expect((await session.append(sized(9))).status).toBe(200);
  await expect(response.text()).rejects.toThrow('stalled');
});

it('a chat that is not read over HTTP is aborted, and its session is unchanged', async () => {
  // The HTTP layer, not the emulator, tells the operator of the connection that it ends.
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const model = new Talkative();
  const session = await startSession('over HTTP', { model, limits, streamChunkSize: 1 });
  const before = await session.state();
  const { port } = new URL(session.api.emulator.baseURL);
  const socket = connect(Number(port), '127.0.0.1');
  const body = JSON.stringify({ ...REQUEST, session_id: session.id });
  socket.pause();
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-test\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const signal = await model.asked;
  if (!signal.aborted) await once(signal, 'abort');
  expect(await session.state()).toEqual(before);
  expect((await session.append(sized(9))).status).toBe(200);
  socket.destroy();
  log.mockRestore();
});
