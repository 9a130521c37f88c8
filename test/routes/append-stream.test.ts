import { describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/emulator.ts';
import { called, expectRefusal, result, sized, startSession, words } from '../support/session.ts';
import { asRefusal, lines, NDJSON, read, stream } from './ndjson.ts';

/** A body cut into pieces of so many bytes. */
function pieces(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

describe.each(TRANSPORTS)('a streamed append %s', (transport) => {
  it('writes each line, acknowledges each, and ends with what has become of the session', async () => {
    const session = await startSession(transport);
    const messages = [sized(9, 'system'), sized(10), called('a'), result('a', '汉字😀')];
    const { acknowledged, last } = read(await stream(session, lines(...messages)));
    const stored = await session.messages();
    const { usage } = (await session.show()).body;
    expect(acknowledged.map(({ index, version }) => [index, version])).toEqual([
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 5],
    ]);
    expect(acknowledged.map(({ id, tokens }) => ({ id, tokens }))).toEqual(
      stored.map(({ id, tokens }) => ({ id, tokens })),
    );
    expect(acknowledged.map((each) => each.usage.messages)).toEqual([1, 2, 3, 4]);
    expect(acknowledged[3]?.usage).toEqual(usage);
    expect(last).toEqual({ done: true, lines: 4, usage, version: 5 });
    expect(stored.map(({ pinned }) => pinned)).toEqual([true, false, false, false]);
  });

  it.each([1, 3, 7, 1_000])('is the same however the body is cut: %i bytes a piece', async (size) => {
    const session = await startSession(transport);
    const body = `${lines({ role: 'user', content: '汉字 😀' }, sized(9))}\r\n  \n\n${JSON.stringify(sized(10))}\r\n{"role":"user","content":"no line end"}`;
    const { last } = read(await stream(session, pieces(body, size)));
    expect(last).toMatchObject({ done: true, lines: 4 });
    expect((await session.messages()).map(({ content }) => content)).toEqual([
      '汉字 😀',
      words(5),
      words(6),
      'no line end',
    ]);
  });

  it('acknowledges a line before the next one is sent', async () => {
    const session = await startSession(transport);
    const { readable, writable } = new TextEncoderStream();
    const upload = writable.getWriter();
    void upload.write(lines(sized(9)));
    const response = await session.api.open('POST', `${session.path}/messages`, readable, { headers: NDJSON });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (const count of [1, 2, 3]) {
      const { value } = (await reader?.read()) ?? {};
      expect(JSON.parse(value ?? '')).toMatchObject({ index: count - 1 });
      expect((await session.show()).body).toMatchObject({ version: count + 1, usage: { messages: count } });
      void upload.write(lines(sized(9)));
    }
    void upload.close();
    let rest = '';
    for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) rest += step.value;
    expect(rest).toContain('"done":true,"lines":4');
  });

  it.each([
    ['malformed', '{"role":', 'invalid_request', undefined],
    ['of no message', '[]', 'invalid_request', undefined],
    ['of two messages', JSON.stringify({ messages: [sized(9)] }), 'invalid_request', 'role'],
    ['of an unknown role', '{"role":"robot","content":"x"}', 'invalid_request', 'role'],
    ['without content', '{"role":"user","content":""}', 'invalid_request', 'messages[0].content'],
    ['with a lone surrogate', '{"role":"user","content":"\\ud83d"}', 'invalid_request', 'content'],
    ['that answers nothing', JSON.stringify(result('x')), 'tool_result_orphan', 'messages[0].tool_call_id'],
    ['too large a write', JSON.stringify(sized(8_193)), 'append_too_large', 'messages'],
  ] as const)('ends at a line %s: the first is refused, a later one ends the stream', async (_, line, code, param) => {
    const session = await startSession(transport);
    const before = await session.state();
    expectRefusal(asRefusal(await stream(session, `${line}\n${lines(sized(9))}`)), code, param);
    expect(await session.state()).toEqual(before);

    const { acknowledged, last } = read(
      await stream(session, `${lines(sized(9), sized(10))}${line}\n${lines(sized(11))}`),
    );
    expect(acknowledged).toHaveLength(2);
    expect(last).toMatchObject({ index: 2, error: { code, type: 'invalid_request_error' } });
    expect(await session.messages()).toHaveLength(2);
    expect((await session.append(sized(9))).status).toBe(200);
  });

  it('refuses a line over body_bytes, however long the stream may be', async () => {
    const session = await startSession(transport, { limits: { body_bytes: 1_024, append_tokens: 2_000 } });
    const many = lines(...Array.from({ length: 40 }, () => sized(100)));
    expect(many.length).toBeGreaterThan(8 * 1_024);
    const over = JSON.stringify({ role: 'user', content: 'x'.repeat(1_024) });
    const { last } = read(await stream(session, many + over));
    expect(last).toMatchObject({ index: 40, error: { message: expect.stringContaining('exceeds limit 1024') } });
    expectRefusal(asRefusal(await stream(session, over)), 'body_too_large');
    expect(await session.messages()).toHaveLength(40);
  });

  it('of nothing writes nothing, and needs a session all the same', async () => {
    const session = await startSession(transport);
    for (const body of ['', ' \r\n\t\n']) {
      expect(read(await stream(session, body)).last).toMatchObject({ done: true, lines: 0, version: 1 });
    }
    const nowhere = await session.api.send('POST', '/v1/sessions/sess_none/messages', '\n', { headers: NDJSON });
    expectRefusal(asRefusal(nowhere), 'session_not_found');
    const line = await session.api.send('POST', '/v1/sessions/sess_none/messages', lines(sized(9)), {
      headers: NDJSON,
    });
    expectRefusal(asRefusal(line), 'session_not_found');
  });

  it('ignores unknown fields of any line', async () => {
    const session = await startSession(transport);
    const reply = await stream(session, lines({ ...sized(9), mood: 1 }, { ...sized(9), color: 1 }));
    expect(read(reply).last).toMatchObject({ lines: 2 });
    expect(reply.headers.get('kimi-emulator-ignored')).toBe('mood');
  });

  it('takes 150K tokens in, line by line', async () => {
    const session = await startSession(transport);
    const { last } = read(await stream(session, lines(...Array.from({ length: 100 }, () => sized(1_536)))));
    expect(last).toMatchObject({ done: true, lines: 100, usage: { total_tokens: 153_600 } });
  });
});
