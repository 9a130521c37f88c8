import { describe, expect, it, vi } from 'vitest';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { createSession, O200K, type SessionUnderTest, sized } from '../support/session.ts';
import { lines, NDJSON } from './ndjson.ts';

function open(session: SessionUnderTest, body: ReadableStream<Uint8Array>, signal?: AbortSignal): Promise<Response> {
  const call = { headers: NDJSON, ...(signal && { signal }) };
  return session.api.open('POST', `${session.path}/messages`, body, call);
}

describe.each(TRANSPORTS)('a streamed append whose client goes away %s', (transport) => {
  it.each(['stops to read', 'breaks off'])(
    'keeps the acknowledged messages and logs no error: the client %s',
    async (how) => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const session = await createSession(await startEmulator(transport, { tokenizer: O200K }));
      const { readable, writable } = new TextEncoderStream();
      const upload = writable.getWriter();
      void upload.write(lines(sized(9), sized(10)));
      const client = new AbortController();
      const response = await open(session, readable, client.signal);
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let acknowledged = '';
      while (acknowledged.split('\n').length < 3) acknowledged += (await reader?.read())?.value;
      if (how === 'breaks off') {
        client.abort();
        await upload.abort().catch(() => undefined);
      } else await reader?.cancel();
      upload.closed.catch(() => undefined);
      await expect.poll(() => session.append(sized(11)).then(({ status }) => status)).toBe(200);
      expect((await session.messages()).map(({ tokens }) => tokens)).toEqual([9, 10, 11]);
      await session.api.emulator.close();
      expect(log).not.toHaveBeenCalled();
      log.mockRestore();
    },
  );
});

it('a streamed append in process reads no further lines once its reader has left', async () => {
  const session = await createSession(await startEmulator('in process', { tokenizer: O200K }));
  const { readable, writable } = new TextEncoderStream();
  const upload = writable.getWriter();
  const response = open(session, readable);
  void upload.write(lines(sized(9)));
  const reader = (await response).body?.getReader();
  await reader?.read();
  await reader?.cancel();
  upload.write(lines(sized(10))).catch(() => undefined);
  await expect(upload.closed).rejects.toBeInstanceOf(Error);
  await session.append(sized(11));
  expect((await session.messages()).map(({ tokens }) => tokens)).toEqual([9, 11]);
});

it('a streamed append ends when its acknowledgements are not read for stall_seconds', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const api = await startEmulator('in process', { tokenizer: O200K, limits: { stall_seconds: 1 } });
  const session = await createSession(api);
  const { readable, writable } = new TextEncoderStream();
  const upload = writable.getWriter();
  const response = open(session, readable);
  void upload.write(lines(...Array.from({ length: 50 }, () => sized(9))));
  const { body } = await response;
  await expect(upload.closed).rejects.toThrow('stalled');
  await expect(body?.getReader().read()).rejects.toThrow('stalled');
  const written = (await session.messages()).length;
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(50);
  expect((await session.append(sized(9))).status).toBe(200);
  expect(log).not.toHaveBeenCalled();
  log.mockRestore();
});
