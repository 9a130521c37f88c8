import { describe, expect, it } from 'vitest';
import type { Session } from '../../contract/sessions.ts';
import { type Api, MODEL, startEmulator, TRANSPORTS, type Transport } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { readable } from './readable.ts';

const note = { role: 'user', content: 'A note.' };

describe.each(TRANSPORTS)('what is under way at a reset %s', (transport) => {
  it('a turn is refused at its end, and holds nothing', async () => {
    const { api, model, session } = await keptSession(transport);
    const kept = await readable(api, ['sk-test']);
    const chat = { model: MODEL, session_id: session, messages: [note] };
    const turn = api.post<{ error: object }>('/v1/chat/completions', chat);
    const asked = await model.asked();
    asked.say('An answer');
    api.emulator.state.reset();
    const next = api.post('/v1/chat/completions', chat);
    const askedNext = await model.asked();
    asked.end();
    expect(await turn).toMatchObject({ status: 404, body: { error: { code: 'session_not_found' } } });
    expect(await readable(api, ['sk-test'])).toEqual(kept);
    // The session is the next turn's, which the end of the first one has not freed.
    expect((await api.post(`/v1/sessions/${session}/messages`, note)).status).toBe(409);
    askedNext.say('Another');
    askedNext.end();
    expect((await next).status).toBe(200);
  });

  it('a streamed turn breaks off before its end', async () => {
    const { api, model, session } = await keptSession(transport);
    const chat = { model: MODEL, session_id: session, messages: [note], stream: true };
    const turn = api.post('/v1/chat/completions', chat);
    const asked = await model.asked();
    asked.say('An answer');
    api.emulator.state.reset();
    asked.end();
    const { text } = await turn;
    expect(text).toContain('session_not_found');
    expect(text).not.toContain('finish_reason":"stop');
  });

  it('a streamed append writes no further line, though its session is there', async () => {
    const { api, session } = await keptSession(transport);
    const kept = await readable(api, ['sk-test']);
    let lines: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        lines = controller;
      },
    });
    const send = () => lines?.enqueue(Buffer.from(`${JSON.stringify(note)}\n`));
    send();
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const response = await api.open('POST', `/v1/sessions/${session}/messages`, body, { headers });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect(JSON.parse((await reader?.read())?.value ?? '')).toMatchObject({ index: 0, version: 2 });
    api.emulator.state.reset();
    send();
    expect(JSON.parse((await reader?.read())?.value ?? '')).toMatchObject({ error: { code: 'version_conflict' } });
    lines?.close();
    expect(await readable(api, ['sk-test'])).toEqual(kept);
  });

  it('a key is free again', async () => {
    const { api, model } = await keptSession(transport);
    const chat = { model: MODEL, messages: [note] };
    const call = { headers: { 'Idempotency-Key': 'once' } };
    const turn = api.post('/v1/chat/completions', chat, call);
    const asked = await model.asked();
    api.emulator.state.reset();
    const next = api.post('/v1/chat/completions', chat, call);
    const askedNext = await model.asked();
    for (const one of [asked, askedNext]) {
      one.say('OK');
      one.end();
    }
    expect((await turn).status).toBe(200);
    expect((await next).headers.get('idempotent-replayed')).toBeNull();
    expect((await api.post('/v1/chat/completions', chat, call)).text).toBe((await next).text);
  });
});

async function keptSession(transport: Transport): Promise<{ api: Api; model: HeldModel; session: string }> {
  const model = new HeldModel();
  const api = await startEmulator(transport, { model });
  const { body } = await api.post<Session>('/v1/sessions', { messages: [note] });
  api.emulator.state.saveBaseline();
  return { api, model, session: body.id };
}
