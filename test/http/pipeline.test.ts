import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MODEL, startEmulator } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { createSession, O200K } from '../support/session.ts';

describe('a client that asks again and again and reads nothing', () => {
  const LISTS = 300;

  it('is answered as far as it reads, and in the end each time', async () => {
    const api = await startEmulator('over HTTP', { tokenizer: O200K });
    const session = await createSession(api);
    for (let n = 0; n < 10; n += 1) await session.append({ role: 'user', content: `${n}${'word '.repeat(8_000)}` });
    const asked = () =>
      api.emulator.journal.entries().filter(({ method, path }) => method === 'GET' && path.endsWith('/messages'));
    const { port } = new URL(api.emulator.baseURL);
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    const get = `GET ${session.path}/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-test\r\n\r\n`;
    socket.write(get.repeat(LISTS));
    await expect.poll(() => asked().length).toBeGreaterThan(0);
    for (let n = 0; n < 20; n += 1) await session.show();
    // A network holds a few answers on their way.
    expect(asked().length).toBeLessThan(LISTS / 4);
    let answers = 0;
    let rest = '';
    for await (const part of socket) {
      rest += (part as Buffer).toString('latin1');
      const parts = rest.split('HTTP/1.1 200');
      answers += parts.length - 1;
      rest = (parts.at(-1) ?? '').slice(-20);
      if (answers === LISTS) break;
    }
    expect(answers).toBe(LISTS);
  });

  it('is forgotten once it has gone', async () => {
    const api = await startEmulator('over HTTP', { tokenizer: O200K, model: new HeldModel() });
    const { port } = new URL(api.emulator.baseURL);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    const body = JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'a' }] });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-test`;
    socket.write(
      `${head}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`.repeat(3),
    );
    await expect.poll(() => api.emulator.journal.entries().length).toBe(1);
    socket.destroy();
    await expect.poll(() => api.emulator.journal.entries()[0]?.ms).toBeDefined();
    expect(api.emulator.journal.entries().length).toBe(1);
  });
});
