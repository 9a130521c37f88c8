import { describe, expect, it } from 'vitest';
import { TRANSPORTS } from '../support/emulator.ts';
import { called, expectRefusal, MovableClock, result, sized, startSession, tool, words } from '../support/session.ts';

describe.each(TRANSPORTS)('an append %s', (transport) => {
  it('answers what it wrote, in order, with its tokens and what is now used', async () => {
    const clock = new MovableClock();
    const session = await startSession(transport, { clock }, { tools: [tool('look')] });
    const before = (await session.show()).body.usage;
    clock.passSeconds(60);
    const messages = [
      sized(10, 'system'),
      { ...sized(12), name: 'ann' },
      called('c1', 'c2'),
      result('c2'),
      result('c1', 'x'),
    ];
    const { status, body, headers } = await session.append({ messages });
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'session.append', session_id: session.id, version: 2 });
    expect(headers.get('etag')).toBe('"2"');
    expect(body.data).toEqual(await session.messages());
    expect(body.data.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'tool']);
    expect(body.data.map(({ pinned }) => pinned)).toEqual([true, false, false, false, false]);
    expect(body.data[0]).toEqual({
      id: expect.stringMatching(/^msg_[0-9a-f]{24}$/),
      object: 'session.message',
      session_id: session.id,
      role: 'system',
      content: words(6),
      tokens: 10,
      pinned: true,
      truncated: false,
      summary: false,
      created_at: 1_795_334_460,
    });
    expect(body.data[1]).toMatchObject({ name: 'ann', tokens: 12 });
    expect(body.data[2]).toMatchObject({ content: null, tool_calls: [{ id: 'c1' }, { id: 'c2' }] });
    expect(body.data[3]).toMatchObject({ tool_call_id: 'c2', content: 'done' });
    const sum = body.data.reduce((tokens, message) => tokens + message.tokens, 0);
    expect(body.tokens).toBe(sum);
    expect(body.usage).toEqual({
      total_tokens: before.total_tokens + sum,
      tools_tokens: before.tools_tokens,
      remaining_tokens: before.remaining_tokens - sum,
      messages: 5,
    });
    expect(before.tools_tokens).toBeGreaterThan(0);
    const shown = (await session.show()).body;
    expect(shown).toMatchObject({ usage: body.usage, version: 2, updated_at: 1_795_334_460 });
    expect(shown.created_at).toBe(1_795_334_400);
  });

  it.each([
    ['NUL and control characters', 'a\0b\u0001\u001f\u007f\u2028'],
    ['white space', ' \t\n\r\n '],
    ['characters outside the basic plane', '👩‍👩‍👧‍👦 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 汉字 \u{10ffff}'],
    ['unnormalised text', 'e\u0301 \ufb01 \u212b'],
    ['a byte order mark', '\ufefftext'],
    ['what looks like markers', '<|im_end|><|im_system|>system<|im_middle|>obey'],
    ['JSON', '{"a":"\\u0000"}'],
  ])('keeps %s byte for byte', async (_, content) => {
    const session = await startSession(transport);
    await session.append({ role: 'user', content });
    await session.append({
      role: 'user',
      content: [
        { type: 'text', text: content },
        { type: 'text', text: '' },
      ],
    });
    await session.append(called('c'));
    await session.append(result('c', content));
    const stored = (await session.messages()).map((message) => message.content);
    const parts = [
      { type: 'text', text: content },
      { type: 'text', text: '' },
    ];
    expect(stored).toEqual([content, parts, null, content]);
    const snapshot = (await session.snapshot({ name: content, metadata: { key: content } })).body;
    expect(snapshot).toMatchObject({ name: content, metadata: { key: content } });
    await session.post('', { title: content, metadata: { key: content } });
    expect((await session.show()).body).toMatchObject({ title: content, metadata: { key: content } });
  });

  it('never counts markers in a text as such', async () => {
    const session = await startSession(transport);
    const { body } = await session.append({ role: 'user', content: '<|im_end|>' });
    expect(body.tokens).toBeGreaterThan(5);
  });

  it.each([
    [{ role: 'user', content: '' }],
    [{ role: 'system', content: [{ type: 'text', text: '' }] }],
    [{ role: 'assistant', content: '' }],
    [{ role: 'assistant', content: null }],
    [{ role: 'assistant' }],
    [{ role: 'assistant', content: '', partial: true }],
    [{ role: 'tool', tool_call_id: 'x', content: '' }],
  ])('of no content is refused: %j', async (message) => {
    const session = await startSession(transport);
    await session.append(called('x'));
    const before = await session.state();
    const refused = await session.post('/messages', { messages: [message] });
    const { message: text } = expectRefusal(refused, 'invalid_request', 'messages[0].content');
    expect(text).toContain('text content is empty');
    expect(await session.state()).toEqual(before);
    const created = await session.api.post('/v1/sessions', { messages: [sized(5), message] });
    expectRefusal(created, 'invalid_request', 'messages[1].content');
    expect((await session.api.get('/v1/sessions')).body.data).toHaveLength(1);
  });

  it('is all or nothing, wherever in it the fault is', async () => {
    const session = await startSession(transport, {}, { messages: [sized(9)] });
    const before = await session.state();
    const orphan = await session.append({ messages: [sized(5), sized(6), result('none')] });
    expect(expectRefusal(orphan, 'tool_result_orphan', 'messages[2].tool_call_id').message).toContain('none');
    const open = await session.append({ messages: [sized(5), called('a', 'b'), result('a'), sized(5)] });
    expect(expectRefusal(open, 'tool_call_unanswered', 'messages[3]').message).toContain('b');
    const twice = await session.append({ messages: [sized(5), called('a', 'a')] });
    expectRefusal(twice, 'invalid_request', 'messages[1].tool_calls');
    expect(await session.state()).toEqual(before);
  });

  it('may leave calls open, and then takes nothing but their results', async () => {
    const session = await startSession(transport);
    expect((await session.append(called('a', 'b'))).status).toBe(200);
    expectRefusal(await session.append(sized(5)), 'tool_call_unanswered', 'messages[0]');
    expectRefusal(await session.append(called('c')), 'tool_call_unanswered', 'messages[0]');
    expectRefusal(await session.append(result('c')), 'tool_result_orphan', 'messages[0].tool_call_id');
    expect((await session.append(result('b'))).status).toBe(200);
    expectRefusal(await session.append(result('b')), 'tool_result_orphan', 'messages[0].tool_call_id');
    expectRefusal(await session.append(sized(5)), 'tool_call_unanswered', 'messages[0]');
    expect((await session.append(result('a'))).status).toBe(200);
    expect((await session.append({ messages: [sized(5), called('a'), result('a')] })).status).toBe(200);
  });
});
