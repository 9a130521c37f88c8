import { describe, expect, it, vi } from 'vitest';
import type { ModelRequest } from '../../emulator/index.ts';
import { MODEL, readEvents, TRANSPORTS } from '../support/emulator.ts';
import { collectGarbage } from '../support/garbage.ts';
import { HeldModel, saying } from '../support/held-model.ts';
import { O200K, overridden, type SessionUnderTest, sized, startSession } from '../support/session.ts';

const OK = saying('OK');

function openChat(session: SessionUnderTest, more: object = {}, signal?: AbortSignal): Promise<Response> {
  const body = { model: MODEL, session_id: session.id, messages: [{ role: 'user', content: 'hi' }], ...more };
  const headers = { 'Content-Type': 'application/json' };
  return session.api.open('POST', '/v1/chat/completions', JSON.stringify(body), {
    headers,
    ...(signal && { signal }),
  });
}

describe.each(TRANSPORTS)('a chat whose client goes away %s', (transport) => {
  it('sends what the model has said while the model is still busy', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const opening = openChat(session, { stream: true });
    const asked = await model.asked();
    asked.say('hello');
    const reader = (await opening).body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('hello')) text += (await reader?.read())?.value;
    asked.say(' world');
    asked.end();
    for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) text += step.value;
    const { chunks, done } = readEvents(text);
    expect(done).toBe(true);
    expect(chunks.length).toBe(4);
  });

  it('leaves the session as it was, and free at once, whatever the model is stuck in', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const before = await session.state();
    const opening = openChat(session, { stream: true });
    const asked = await model.asked();
    asked.say('hello');
    await (await opening).body?.cancel();
    const update = () => session.post('', { title: null }).then((reply) => reply.status);
    await expect.poll(update).toBe(200);
    expect(asked.request.signal.aborted).toBe(true);
    asked.say(' world');
    asked.end();
    expect(await session.state()).toEqual(before);
  });

  it('fails for its reader with the reason of the abort', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const client = new AbortController();
    const opening = openChat(session, { stream: true }, client.signal);
    (await model.asked()).say('hello');
    const reading = (await opening).text();
    collectGarbage();
    client.abort();
    await expect(reading).rejects.toBe(client.signal.reason);
  });

  it('is aborted before the first token, streamed or not', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const before = await session.state();
    for (const stream of [true, false]) {
      const client = new AbortController();
      const answer = openChat(session, { stream }, client.signal);
      const asked = await model.asked();
      client.abort();
      await expect(answer).rejects.toThrow();
      await expect.poll(() => session.post('', { title: null }).then((reply) => reply.status)).toBe(200);
      asked.end();
    }
    expect(await session.state()).toEqual(before);
  });

  it('frees its idempotency key, so that the same request can be made again', async () => {
    const stuck = new HeldModel();
    const models = [stuck];
    const model = { name: 'stuck once', complete: (request: ModelRequest) => (models.pop() ?? OK).complete(request) };
    const session = await startSession(transport, { model });
    const client = new AbortController();
    const headers = { 'Idempotency-Key': 'k' };
    const answer = session.chat([sized(5)], {}, { headers, signal: client.signal });
    await stuck.asked();
    client.abort();
    await expect(answer).rejects.toThrow();
    const again = () => session.chat([sized(5)], {}, { headers }).then((reply) => reply.status);
    await expect.poll(again).toBe(200);
    expect((await session.messages()).map((message) => message.content)).toEqual([' a', 'OK']);
  });

  it('is not logged as an error', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    for (const stream of [true, false]) {
      const client = new AbortController();
      const answer = openChat(session, { stream }, client.signal);
      const asked = await model.asked();
      client.abort();
      await expect(answer).rejects.toThrow();
      await expect.poll(() => asked.request.signal.aborted).toBe(true);
      asked.say('too late');
      asked.end();
      await expect.poll(() => session.post('', { title: null }).then((reply) => reply.status)).toBe(200);
    }
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });
});

it('an abort that is noticed between the last word and the commit leaves the session as it was', async () => {
  const tokenizer = await O200K.load();
  const client = new AbortController();
  // The reply is counted once more when it is whole, right before it is committed.
  const countSliced = (text: string) => {
    if (text === 'the reply') client.abort();
    return tokenizer.countSliced(text);
  };
  const load = () => Promise.resolve(overridden(tokenizer, { countSliced }));
  const model = saying('the reply');
  const session = await startSession('in process', { model, tokenizer: { name: 'o200k_base', exact: false, load } });
  const before = await session.state();
  await expect(session.chat([sized(5)], {}, { signal: client.signal })).rejects.toThrow();
  await expect.poll(() => session.post('', { title: null }).then((reply) => reply.status)).toBe(200);
  expect(await session.state()).toEqual(before);
});
