import { describe, expect, it, vi } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import { LIVE_TEXT } from '../../contract/errors.ts';
import type { ModelDelta } from '../../emulator/index.ts';
import { readEvents, TRANSPORTS } from '../support/emulator.ts';
import { failing, HeldModel, saying } from '../support/held-model.ts';
import { called, expectRefusal, result, sized, startSession, tool, words } from '../support/session.ts';

const limits = { min_preserve_tokens: 16 };
const text = (said: string): ModelDelta => ({ type: 'text', text: said });
const call = (args: string): ModelDelta => ({ type: 'tool_call', name: 'look', arguments: args });

describe.each(TRANSPORTS)('a turn is all or nothing %s', (transport) => {
  it.each([
    ['at once', []],
    ['after some text', [text('Half an ans')]],
    ['after a call', [call('{}')]],
  ])('a model that fails %s leaves the session as it was, and free', async (_, deltas) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const model = failing(new Error('secret reason'), ...deltas);
    const session = await startSession(transport, { model, limits }, { messages: [sized(20)] });
    const before = await session.state();
    const headers = { 'Idempotency-Key': 'k' };
    for (const stream of [false, true]) {
      const reply = await session.chat([sized(9)], { stream, tools: [tool('look')] }, { headers });
      expect(reply.text).not.toContain('secret');
      expect(reply.text).not.toContain('[DONE]');
      expect(reply.text).toContain(LIVE_TEXT.unexpectedOutput);
      if (!stream || deltas.length === 0) expectRefusal(reply, 'unexpected_output');
      else
        expect(readEvents(reply.text).chunks.at(-1)).toEqual({
          error: { message: LIVE_TEXT.unexpectedOutput, type: 'unexpected_output' },
        });
      expect(await session.state()).toEqual(before);
    }
    expect((await session.append(sized(9))).status).toBe(200);
    expect(log).toHaveBeenCalledTimes(2);
    log.mockRestore();
  });

  it('while it runs, any other change is busy, and reads see the state before', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model, limits }, { messages: [sized(40), sized(20)] });
    const { id } = (await session.snapshot()).body;
    const before = await session.state();
    const turn = session.chat([sized(9)], { tools: [tool('look')] });
    const asked = await model.asked();
    asked.say('O');
    const line = `${JSON.stringify(sized(9))}\n`;
    const changes = [
      session.append(sized(9)),
      session.api.send('POST', `${session.path}/messages`, line, {
        headers: { 'Content-Type': 'application/x-ndjson' },
      }),
      session.post('', { title: 'x' }),
      session.post(`/messages/${before.messages?.[0]?.id}`, { pinned: true }),
      session.truncate(20),
      session.truncate(20, { dry_run: true }),
      session.rollback(id),
      session.compress({ ratio: 2 }),
      session.chat([sized(9)]),
      session.chat([sized(9)], { stream: true }),
      session.api.delete(session.path),
    ];
    for (const change of changes) {
      const reply = await change;
      expectRefusal(reply, 'session_busy');
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(await session.state()).toEqual(before);
    expect((await session.snapshot()).body.archived).toEqual({ total_tokens: 60, messages: 2 });
    expect((await session.api.post('/v1/sessions', { snapshot_id: id })).status).toBe(201);
    asked.end();
    expect((await turn).status).toBe(200);
    expect((await session.append(sized(9))).status).toBe(200);
  });

  it('is ahead of busy where its session is not the one that is asked for', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model });
    const turn = session.chat([sized(9)]);
    const asked = await model.asked();
    const other = await session.api.post('/v1/sessions', { messages: [sized(9)] });
    expect((await session.api.post(`/v1/sessions/${other.body.id}/messages`, sized(9))).status).toBe(200);
    asked.say('OK');
    asked.end();
    expect((await turn).status).toBe(200);
  });

  it('in a session that is gone when it ends, it is refused', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { model, limits }, { messages: [sized(20)] });
    const turn = session.chat([sized(9)]);
    const asked = await model.asked();
    asked.say('OK');
    session.api.emulator.state.reset();
    asked.end();
    expectRefusal(await turn, 'session_not_found', 'session_id');
    expect((await session.api.get('/v1/sessions')).body.data).toEqual([]);
  });

  it('an empty answer commits the new messages, and nothing of its own', async () => {
    const session = await startSession(transport, { model: saying(), limits }, { messages: [sized(20)] });
    const { body } = await session.chat<ChatCompletion>([sized(9)]);
    expect(body.choices[0]).toMatchObject({ message: { content: '' }, finish_reason: 'stop' });
    expect(body.usage.completion_tokens).toBe(0);
    expect(body.session).toMatchObject({ version: 2, usage: { total_tokens: 29, messages: 2 } });
    expect((await session.chat<ChatCompletion>([])).body.session).toMatchObject({ version: 2 });
    expect(await session.messages()).toHaveLength(2);
  });

  it.each([false, true])('a call that length cuts is delivered, and not committed (streamed: %s)', async (stream) => {
    const args = JSON.stringify({ text: words(200) });
    const session = await startSession(transport, { model: saying(call(args)), limits }, { messages: [sized(20)] });
    const reply = await session.chat<ChatCompletion>([sized(9)], { max_tokens: 40, stream });
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('"finish_reason":"length"');
    expect(reply.text).toContain('functions.look:0');
    const stored = await session.messages();
    expect(stored.map(({ role }) => role)).toEqual(['user', 'user']);
    expect((await session.show()).body).toMatchObject({ version: 2, usage: { total_tokens: 29 } });
    expect((await session.append(sized(9))).status).toBe(200);
  });

  it('a text that length cuts is committed as it was delivered', async () => {
    const session = await startSession(transport, { model: saying(words(200)), limits });
    const { body } = await session.chat<ChatCompletion>([sized(9)], { max_tokens: 40 });
    expect(body).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 40 } });
    expect((await session.messages())[1]).toMatchObject({ content: words(40), tokens: 44 });
  });

  it('begun by the client, an answer is stored as one message', async () => {
    const session = await startSession(
      transport,
      { model: saying(' world', ', again'), limits },
      { messages: [sized(20)] },
    );
    const begun = { role: 'assistant', content: 'Hello', name: 'kim', partial: true };
    const { body } = await session.chat<ChatCompletion>([sized(9), begun]);
    expect(body.choices[0]?.message.content).toBe(' world, again');
    const stored = await session.messages();
    expect(stored).toHaveLength(3);
    expect(stored[2]).toMatchObject({ role: 'assistant', content: 'Hello world, again', name: 'kim' });
    expect(stored[2]).not.toHaveProperty('partial');
    const { usage } = (await session.show()).body;
    expect(usage.total_tokens).toBe(body.usage.prompt_tokens + body.usage.completion_tokens + 1);
    expect(usage.total_tokens).toBe(stored.reduce((sum, { tokens }) => sum + tokens, 0));
  });

  it('begun with a pin, an answer keeps it, continued or not', async () => {
    for (const model of [saying(' world'), saying()]) {
      const session = await startSession(transport, { model, limits }, { messages: [sized(40)] });
      await session.chat([{ role: 'assistant', content: 'Hello', partial: true, pinned: true }]);
      await session.append(sized(20));
      await session.truncate(40);
      expect((await session.messages()).map(({ role, pinned }) => [role, pinned])).toEqual([
        ['assistant', true],
        ['user', false],
      ]);
    }
  });

  it('begun in parts, an answer is stored as one text', async () => {
    const session = await startSession(transport, { model: saying(' world') }, { messages: [sized(20)] });
    const content = ['Hel', 'lo'].map((part) => ({ type: 'text', text: part }));
    await session.chat([{ role: 'assistant', content, partial: true }]);
    expect((await session.messages())[1]).toMatchObject({ role: 'assistant', content: 'Hello world' });
  });

  it('begun and not continued, an answer is stored as far as it goes; begun with nothing, not at all', async () => {
    const session = await startSession(transport, { model: saying(), limits }, { messages: [sized(20)] });
    await session.chat([{ role: 'assistant', content: 'Hello', partial: true }]);
    await session.append(sized(9));
    await session.chat([{ role: 'assistant', content: '', partial: true }]);
    expect((await session.messages()).map(({ content }) => content)).toEqual([words(16), 'Hello', words(5)]);
  });

  it('an answer can be begun in the last message only, and not where a call is open', async () => {
    const session = await startSession(transport, { model: saying('OK'), limits }, { messages: [called('a')] });
    const begun = { role: 'assistant', content: 'Hello', partial: true };
    expectRefusal(await session.chat([begun, sized(9)]), 'invalid_request', 'messages[0].partial');
    expectRefusal(await session.chat([{ ...begun, ...called('b') }]), 'invalid_request', 'messages[0].partial');
    expectRefusal(await session.chat([begun]), 'tool_call_unanswered', 'messages[0]');
    expect((await session.chat([result('a'), begun])).status).toBe(200);
  });
});
