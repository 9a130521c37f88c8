import { describe, expect, it } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import { MODEL, readEvents, TRANSPORTS } from '../support/emulator.ts';
import { HeldModel, saying } from '../support/held-model.ts';
import {
  called,
  createSession,
  expectRefusal,
  result,
  type SessionUnderTest,
  sized,
  startSession,
  tool,
  words,
} from '../support/session.ts';

const CALL = { type: 'tool_call' as const, name: 'look', arguments: '{"at":1}' };
const limits = { min_preserve_tokens: 16 };

describe.each(TRANSPORTS)('a turn in a session %s', (transport) => {
  it('stores the new messages and the reply, and says what the session has become', async () => {
    const model = saying('Hello', ' there', '.');
    const session = await startSession(transport, { model }, { messages: [sized(20)], tools: [tool('look')] });
    const { body, headers } = await session.chat<ChatCompletion>([sized(10), sized(11, 'system')]);
    const shown = (await session.show()).body;
    expect(body.session).toEqual({ id: session.id, version: 2, usage: shown.usage });
    expect(headers.get('etag')).toBe('"2"');
    expect(shown.version).toBe(2);
    const { prompt_tokens, completion_tokens, total_tokens } = body.usage;
    expect(prompt_tokens).toBe(shown.usage.tools_tokens + 20 + 10 + 11 + 3);
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
    expect(shown.usage.total_tokens).toBe(prompt_tokens + completion_tokens + 1);
    const stored = await session.messages();
    expect(stored.map(({ role, tokens }) => [role, tokens])).toEqual([
      ['user', 20],
      ['user', 10],
      ['system', 11],
      ['assistant', completion_tokens + 4],
    ]);
    expect(stored[3]).toMatchObject({ content: 'Hello there.', pinned: false, truncated: false, summary: false });
  });

  it('reads exactly the window, the new messages and the tools', async () => {
    const model = new HeldModel();
    const messages = [{ ...sized(9, 'system') }, { ...sized(10), name: 'ann', pinned: true }, called('a'), result('a')];
    const session = await startSession(transport, { model, limits }, { messages, tools: [tool('look')] });
    const turn = session.chat([sized(11)], { temperature: 0.2, max_tokens: 50, tool_choice: 'none' });
    const { request, ...asked } = await model.asked();
    asked.end();
    await turn;
    const read = [sized(9, 'system'), { ...sized(10), name: 'ann' }, called('a'), result('a'), sized(11)];
    expect(request).toMatchObject({
      model: MODEL,
      messages: read,
      tools: [tool('look')],
      partial: false,
      toolChoice: 'none',
      responseFormat: { type: 'text' },
      maxTokens: 50,
      temperature: 0.2,
    });
    expect(request.messages[1]).not.toHaveProperty('pinned');
    expect(request.messages).toHaveLength(5);
  });

  it('reads only what truncate left', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model, limits }, { messages: [sized(40), sized(20)] });
    await session.truncate(20);
    const turn = session.chat([sized(11)]);
    const { request, ...asked } = await model.asked();
    asked.end();
    await turn;
    expect(request.messages).toEqual([sized(20), sized(11)]);
  });

  it('needs no new messages where the window has some, and one where it has none', async () => {
    const session = await startSession(transport, { model: saying('OK') });
    expectRefusal(await session.chat([]), 'invalid_request', 'messages');
    await session.append({ messages: [called('a'), result('a')] });
    expect((await session.chat([])).status).toBe(200);
    expect((await session.messages()).map(({ role }) => role)).toEqual(['assistant', 'tool', 'assistant']);
  });

  it('answers a call by its result, and goes nowhere while a call is open', async () => {
    const session = await startSession(transport, { model: saying('OK') }, { messages: [called('a', 'b')] });
    const before = await session.state();
    expect(expectRefusal(await session.chat([]), 'tool_call_unanswered', 'messages').message).toContain('a, b');
    expectRefusal(await session.chat([result('a')]), 'tool_call_unanswered', 'messages');
    expectRefusal(await session.chat([sized(9)]), 'tool_call_unanswered', 'messages[0]');
    expectRefusal(await session.chat([result('c')]), 'tool_result_orphan', 'messages[0].tool_call_id');
    expect(await session.state()).toEqual(before);
    expect((await session.chat([result('b'), result('a'), sized(9)])).status).toBe(200);
  });

  it('numbers the calls that it issues over the session’s life, rollbacks and forks included', async () => {
    const session = await startSession(transport, { model: saying(CALL, { ...CALL, name: 'seek' }), limits });
    expect(await issueCalls(session)).toEqual(['functions.look:0', 'functions.seek:1']);
    const { id } = (await session.snapshot()).body;
    expect(await issueCalls(session)).toEqual(['functions.look:2', 'functions.seek:3']);
    await session.rollback(id);
    expect(await issueCalls(session)).toEqual(['functions.look:4', 'functions.seek:5']);
    const fork = await createSession(session.api, { snapshot_id: id });
    expect(await issueCalls(fork)).toEqual(['functions.look:2', 'functions.seek:3']);
    expect((await session.messages()).filter(({ tool_calls }) => tool_calls)).toMatchObject([
      {
        content: '',
        tool_calls: [
          { id: 'functions.look:0', type: 'function', function: { name: 'look', arguments: '{"at":1}' } },
          {},
        ],
      },
      {},
    ]);
  });

  it('numbers them on in a fork of the snapshot that compress takes', async () => {
    const session = await startSession(transport, { model: saying(CALL), limits }, { messages: [sized(900)] });
    expect(await issueCalls(session)).toEqual(['functions.look:0']);
    const { snapshot_id } = (await session.compress({ ratio: 2 })).body;
    expect(await issueCalls(session)).toEqual(['functions.look:1']);
    const fork = await createSession(session.api, { snapshot_id });
    expect(await issueCalls(fork)).toEqual(['functions.look:1']);
  });

  it('replaces the tools where it brings some, together with the rest of the turn', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model, limits }, { tools: [tool('look')] });
    const ask = async (more: object) => {
      const turn = session.chat<ChatCompletion>([sized(9)], more);
      const asked = await model.asked();
      asked.say('OK');
      asked.end();
      await turn;
      return asked.request.tools.map((each) => each.function.name);
    };
    expect(await ask({})).toEqual(['look']);
    expect(await ask({ tools: null })).toEqual(['look']);
    expect(await ask({ tools: [tool('seek'), tool('find')] })).toEqual(['seek', 'find']);
    const { body } = await session.show();
    expect(body.tools).toEqual([tool('seek'), tool('find')]);
    expect(await ask({})).toEqual(['seek', 'find']);
    expect(await ask({ tools: [] })).toEqual([]);
    expect((await session.show()).body).toMatchObject({ tools: [], usage: { tools_tokens: 0 } });
  });

  it('counts the tools that it brings, and not those that they replace', async () => {
    const options = { model: saying('OK'), limits: { ...limits, window_tokens: 200 } };
    const session = await startSession(transport, options, { tools: [tool('look', words(100))] });
    const large = await session.chat([sized(9)], { tools: [tool('look', words(180))], max_tokens: 4 });
    expectRefusal(large, 'context_window_exceeded');
    const { body } = await session.chat<ChatCompletion>([sized(60)], { tools: [tool('look')], max_tokens: 4 });
    const { usage } = (await session.show()).body;
    expect(usage.total_tokens).toBe(body.usage.prompt_tokens + body.usage.completion_tokens + 1);
    expect(body.usage.prompt_tokens).toBe(usage.tools_tokens + 60 + 3);
  });

  it('is committed before its finish chunk leaves, and not before', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const headers = { 'Content-Type': 'application/json' };
    const request = { model: MODEL, session_id: session.id, messages: [sized(9)], stream: true };
    const opening = session.api.open('POST', '/v1/chat/completions', JSON.stringify(request), { headers });
    const asked = await model.asked();
    asked.say('O');
    const reader = (await opening).body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader?.read())?.value ?? '';
    expect((await session.show()).body).toMatchObject({ version: 1, usage: { messages: 0 } });
    asked.say('K');
    asked.end();
    while (!text.includes('"finish_reason":"stop"')) text += (await reader?.read())?.value ?? '';
    const { body } = await session.show();
    expect(body).toMatchObject({ version: 2, usage: { messages: 2 } });
    await reader?.cancel();
    const finish = readEvents(text).chunks.find((chunk) => 'session' in chunk);
    expect(finish).toMatchObject({ session: { id: session.id, version: 2, usage: body.usage } });
    expect(await session.messages()).toHaveLength(2);
  });

  it('has 1,024 tokens where no number is given, and no more than one choice', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const turn = session.chat([sized(9)]);
    const asked = await model.asked();
    expect(asked.request.maxTokens).toBe(1_024);
    asked.end();
    await turn;
    expectRefusal(await session.chat([sized(9)], { n: 2, temperature: 1 }), 'invalid_request', 'n');
    expect((await session.show()).body.version).toBe(2);
  });
});

/** A turn of a model that calls tools, and the results. Returns the ids of the calls. */
async function issueCalls(session: SessionUnderTest): Promise<string[]> {
  const { body } = await session.chat<ChatCompletion>([sized(9)]);
  const ids = (body.choices[0]?.message.tool_calls ?? []).map(({ id }) => id);
  await session.append({ messages: ids.map((id) => result(id)) });
  return ids;
}
