import { describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../contract/errors.ts';
import type { InputMessage } from '../../contract/messages.ts';
import { TRANSPORTS } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { called, expectRefusal, result, sized, startSession, tool, words } from '../support/session.ts';
import { sumTokens } from './windows.ts';

const limits = { min_preserve_tokens: 16, append_tokens: 100_000, sessions: 100_000, snapshots: 100_000 };

function told(count: number): InputMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content: `Order ${1_000 + index} goes to warehouse ${index} and costs ${index * 7} dollars, as we agreed on day ${index}.`,
  }));
}

describe.each(TRANSPORTS)('compress %s', (transport) => {
  it('replaces the window by one summary, a quarter of it, and can be undone', async () => {
    const session = await startSession(transport, { limits }, { messages: told(40), tools: [tool('look')] });
    const [before, usage] = [await session.messages(), (await session.show()).body.usage];
    const { status, body, headers } = await session.compress();
    expect(status).toBe(200);
    const [summary, ...others] = await session.messages();
    expect(others).toEqual([]);
    expect(summary).toMatchObject({ role: 'system', summary: true, pinned: false, truncated: false });
    const after = (await session.show()).body.usage;
    expect(body).toEqual({
      object: 'session.compression',
      session_id: session.id,
      format: 'outline',
      ratio: { requested: 4, achieved: usage.total_tokens / after.total_tokens },
      before: usage,
      after,
      summary,
      snapshot_id: expect.stringMatching(/^snap_/),
      version: 2,
      dry_run: false,
    });
    expect(headers.get('etag')).toBe('"2"');
    expect(after.total_tokens).toBeLessThanOrEqual(Math.floor(usage.total_tokens / 4));
    expect(after.tools_tokens).toBe(usage.tools_tokens);
    expect((await session.api.get(`/v1/snapshots/${body.snapshot_id}`)).body).toMatchObject({
      session_id: session.id,
      preserve_len: null,
      archived: { total_tokens: usage.total_tokens, messages: 40 },
    });
    expect((await session.rollback(body.snapshot_id ?? '')).body.usage).toEqual(usage);
    expect(await session.messages()).toEqual(before);
  });

  it('keeps leading pins before the summary, and other pins and the newest messages behind it, uncut', async () => {
    const system = sized(20, 'system');
    const pinned = { ...sized(21), pinned: true };
    const messages = [system, ...told(30), pinned, ...told(10), called('a'), result('a'), sized(30)];
    const session = await startSession(transport, { limits }, { messages });
    const before = await session.messages();
    const tail = before.slice(-3);
    const preserve_len = 41 + sumTokens(tail);
    const { body } = await session.compress({ ratio: 2, preserve_len });
    expect(await session.messages()).toEqual([before[0], body.summary, before[31], ...tail]);
    expect(body.after.total_tokens).toBeLessThanOrEqual(Math.floor(body.before.total_tokens / 2));
  });

  it('is refused for an open call first, then does nothing where little can be replaced', async () => {
    const session = await startSession(transport, { limits }, { messages: [called('a')] });
    const open = await session.compress({ ratio: 64 });
    expect(expectRefusal(open, 'tool_call_unanswered').message).toContain('a');
    await session.append(result('a'));
    const before = await session.state();
    const { body } = await session.compress({ ratio: 64 });
    expect(body).toMatchObject({ ratio: { requested: 64, achieved: 1 }, summary: null, snapshot_id: null, version: 2 });
    expect(body.after).toEqual(body.before);
    expect(await session.state()).toEqual(before);
  });

  it.each([
    [63, false],
    [64, true],
  ])('of %i replaceable tokens does something: %s', async (tokens, does) => {
    // What is pinned makes the window large enough for a summary of its quarter.
    const messages = [sized(20, 'system'), sized(tokens)];
    const session = await startSession(transport, { limits }, { messages });
    const reply = await session.compress({ ratio: 1.01 });
    if (does && reply.status === 400) expectRefusal(reply, 'compress_infeasible', 'ratio');
    else expect(reply.body.ratio.achieved === 1).toBe(!does);
    expect(reply.body.snapshot_id === null).toBe(!does && reply.status === 200);
  });

  it('of an empty window does nothing', async () => {
    const session = await startSession(transport, { limits });
    expect((await session.compress()).body).toMatchObject({ ratio: { achieved: 1 }, summary: null, version: 1 });
  });

  it('is refused where what must stay is too much, naming the largest ratio that works', async () => {
    const pinned = { role: 'user' as const, content: words(300), pinned: true };
    const session = await startSession(transport, { limits }, { messages: [...told(20), pinned] });
    const before = await session.state();
    // The summary names its snapshot, whose id must not make it larger or smaller from one attempt to the next.
    const refusals = new Set<string>();
    for (let time = 0; time < 8; time += 1) refusals.add((await session.compress({ ratio: 20 })).text);
    expect(refusals.size).toBe(1);
    const { message } = expectRefusal(await session.compress({ ratio: 20 }), 'compress_infeasible', 'ratio');
    expect(await session.state()).toEqual(before);
    const largest = Number(/largest feasible ratio is ([\d.]+)/.exec(message)?.[1]);
    expect(largest).toBeGreaterThan(1);
    expectRefusal(await session.compress({ ratio: largest + 0.01 }), 'compress_infeasible', 'ratio');
    const done = await session.compress({ ratio: largest });
    expect(done.status, done.text).toBe(200);
    expect(done.body.ratio.achieved).toBeGreaterThanOrEqual(largest);
  });

  it('says so where no ratio is feasible', async () => {
    const pinned = { role: 'user' as const, content: words(3_000), pinned: true };
    const session = await startSession(transport, { limits }, { messages: [sized(64), pinned] });
    const reply = await session.compress({ ratio: 1.5 });
    expect(expectRefusal(reply, 'compress_infeasible', 'ratio').message).toMatch(/no ratio is feasible|largest/);
  });

  it.each(['outline', 'json', 'text'] as const)('writes a summary in the format %s', async (format) => {
    const session = await startSession(transport, { limits }, { messages: told(60) });
    const { body } = await session.compress({ format });
    expect(body.format).toBe(format);
    expect(String(body.summary?.content)).toMatch(/10\d\d/);
  });

  it('lists the formats to who asks for another', async () => {
    const session = await startSession(transport, { limits }, { messages: told(60) });
    const { message } = expectRefusal(await session.compress({ format: 'haiku' }), 'invalid_request', 'format');
    for (const format of ['outline', 'json', 'text']) expect(message).toContain(format);
  });

  it('can be rehearsed: the same answer, and nothing has happened', async () => {
    const session = await startSession(
      transport,
      { limits, clock: { now: () => 1_795_334_400_000 } },
      { messages: told(60) },
    );
    const before = await session.state();
    const rehearsed = (await session.compress({ dry_run: true })).body;
    expect(rehearsed).toMatchObject({ dry_run: true, version: 1, snapshot_id: null });
    expect(await session.state()).toEqual(before);
    const done = (await session.compress()).body;
    const { snapshot_id } = done;
    expect(done).toEqual({ ...rehearsed, dry_run: false, version: 2, snapshot_id });
    expect(done.summary?.content).toContain(snapshot_id);
    expect((await session.api.get('/v1/snapshots')).body.data).toHaveLength(1);
  });

  it('absorbs an earlier summary: there is one, however often it is done', async () => {
    const session = await startSession(transport, { limits }, { messages: told(60) });
    for (let time = 0; time < 3; time += 1) {
      expect((await session.compress({ ratio: 2 })).status).toBe(200);
      expect((await session.messages()).filter((message) => message.summary)).toHaveLength(1);
      await session.append({ messages: told(30) });
    }
    expect(await session.messages()).toHaveLength(31);
  });

  it('leaves a summary that truncate can cut away like other messages', async () => {
    const session = await startSession(transport, { limits }, { messages: told(60) });
    await session.compress();
    await session.append({ messages: [sized(20), sized(20)] });
    await session.truncate(40);
    expect((await session.messages()).map((message) => message.summary)).toEqual([false, false]);
  });

  it('keeps the session busy while it works', async () => {
    const session = await startSession(transport, { limits }, { messages: told(2_000) });
    let done = false;
    const compressing = session.compress().finally(() => {
      done = true;
    });
    const codes = new Set<string>();
    while (!done) {
      const reply = await session.post<Partial<ErrorBody>>('', { title: null });
      codes.add(reply.body.error?.code ?? 'taken');
    }
    expect((await compressing).status).toBe(200);
    expect(codes).toContain('session_busy');
    expect(codes.size).toBeLessThanOrEqual(2);
  });

  it('waits for no turn: the session is busy', async () => {
    const model = new HeldModel();
    const session = await startSession(transport, { limits, model }, { messages: told(20) });
    const turn = session.chat([sized(9)]);
    const asked = await model.asked();
    expectRefusal(await session.compress(), 'session_busy');
    asked.say('OK');
    asked.end();
    await turn;
    expect((await session.compress({ ratio: 2 })).status).toBe(200);
  });
});
