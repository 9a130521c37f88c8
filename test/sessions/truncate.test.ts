import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import {
  called,
  createSession,
  expectRefusal,
  O200K,
  result,
  sized,
  startSession,
  tool,
  words,
} from '../support/session.ts';
import { groupsOf, keptGroups, sumTokens, windows } from './windows.ts';

const limits = { min_preserve_tokens: 16, append_tokens: 100_000, sessions: 100_000 };

describe.each(TRANSPORTS)('truncate %s', (transport) => {
  it('keeps the longest run of newest messages within preserve_len, and answers what went', async () => {
    const messages = [sized(40), sized(30), sized(20), sized(10)];
    const session = await startSession(transport, { limits }, { messages });
    const before = (await session.show()).body.usage;
    const ids = (await session.messages()).map(({ id }) => id);
    const { status, body } = await session.truncate(59);
    expect(status).toBe(200);
    expect(body).toEqual({
      object: 'session.truncation',
      session_id: session.id,
      preserve_len: 59,
      removed: { messages: 2, tokens: 70 },
      before,
      after: (await session.show()).body.usage,
      version: 2,
      dry_run: false,
    });
    expect((await session.messages()).map(({ id }) => id)).toEqual(ids.slice(2));
    expect((await session.truncate(60)).body).toMatchObject({ removed: { messages: 0, tokens: 0 }, version: 2 });
  });

  it('counts tools and pins first, and keeps both', async () => {
    const tools = [tool('look')];
    const messages = [sized(20, 'system'), sized(40), { ...sized(15), pinned: true }, sized(30), sized(10)];
    const session = await startSession(transport, { limits }, { messages, tools });
    const { tools_tokens } = (await session.show()).body.usage;
    expect(tools_tokens).toBeGreaterThan(0);
    const all = await session.messages();
    await session.truncate(tools_tokens + 20 + 15 + 10 + 29);
    expect(await session.messages()).toEqual([all[0], all[2], all[4]]);
    expect((await session.show()).body).toMatchObject({ tools, usage: { total_tokens: tools_tokens + 45 } });
  });

  it('never parts a call from its results, and a pin on one member holds them all', async () => {
    const messages = [
      called('a', 'b'),
      result('a'),
      { ...result('b'), pinned: true },
      called('c'),
      result('c'),
      sized(10),
    ];
    const session = await startSession(transport, { limits }, { messages });
    const all = await session.messages();
    const [, , , call, answer] = all;
    const held = sumTokens(all.slice(0, 3));
    await session.truncate(held + 10 + (call?.tokens ?? 0) + (answer?.tokens ?? 0) - 1);
    expect(await session.messages()).toEqual([...all.slice(0, 3), all[5]]);
  });

  it('of an empty window does nothing, unless the tools alone are too much', async () => {
    const session = await startSession(transport, { limits });
    expect((await session.truncate(16)).body).toMatchObject({ removed: { messages: 0, tokens: 0 }, version: 1 });
    await session.post('', { tools: [tool('look', words(100))] });
    const { tools_tokens } = (await session.show()).body.usage;
    const { message } = expectRefusal(
      await session.truncate(tools_tokens - 1),
      'preserve_len_too_small',
      'preserve_len',
    );
    expect(message).toContain(String(tools_tokens));
    expect((await session.truncate(tools_tokens)).status).toBe(200);
  });

  it('needs preserve_len', async () => {
    const session = await startSession(transport, { limits }, { messages: [sized(40)] });
    expectRefusal(await session.post('/truncate', {}), 'invalid_request', 'preserve_len');
    expectRefusal(await session.post('/truncate', { preserve_len: 'all' }), 'invalid_request', 'preserve_len');
    expectRefusal(await session.truncate(16, { dry_run: 'yes' }), 'invalid_request', 'dry_run');
  });
});

describe('any window', () => {
  it('is truncated to what the contract says, no more and no less, rehearsed or not', async () => {
    const api = await startEmulator('in process', { tokenizer: O200K, limits });
    const property = fc.asyncProperty(windows(), fc.nat(320), fc.boolean(), async (messages, more, withTools) => {
      const session = await createSession(api, { messages, ...(withTools && { tools: [tool('look')] }) });
      const before = await session.state();
      const { tools_tokens, total_tokens } = (await session.show()).body.usage;
      const listed = await session.messages();
      const preserveLen = 16 + more;
      const expected = keptGroups(groupsOf(listed), preserveLen - tools_tokens)?.flatMap(({ members }) => members);

      const rehearsed = await session.truncate(preserveLen, { dry_run: true });
      expect(await session.state()).toEqual(before);
      const done = await session.truncate(preserveLen);
      if (done.status !== 200) {
        expect(rehearsed.text).toBe(done.text);
        expect(await session.state()).toEqual(before);
        return;
      }
      const now = await session.messages();
      const changed = expected === undefined || expected.length < listed.length;
      const version = changed ? 2 : 1;
      expect(done.body.version).toBe(version);
      expect(rehearsed.body).toEqual({ ...done.body, version: 1, dry_run: true });
      expect(done.body.after.total_tokens).toBe(tools_tokens + sumTokens(now));
      expect(done.body.after.total_tokens).toBeLessThanOrEqual(preserveLen);
      expect(done.body.removed).toEqual({
        messages: listed.length - now.length,
        tokens: total_tokens - done.body.after.total_tokens,
      });
      if (expected) expect(now).toEqual(expected);
      else expect(now.some((message) => message.truncated)).toBe(true);
      expect((await session.truncate(preserveLen)).body).toMatchObject({
        version,
        removed: { messages: 0, tokens: 0 },
      });
      expect(await session.messages()).toEqual(now);
    });
    await fc.assert(property, { numRuns: runs(30) });
  });

  it('is truncated by the least preserve_len that a refusal names, and by nothing less', async () => {
    const api = await startEmulator('in process', { tokenizer: O200K, limits });
    const property = fc.asyncProperty(windows(5), fc.boolean(), async (messages, withTools) => {
      const session = await createSession(api, { messages, ...(withTools && { tools: [tool('look', words(9))] }) });
      const refused = await session.truncate(16, { dry_run: true });
      if (refused.status === 200) return;
      const { message } = expectRefusal(refused, 'preserve_len_too_small', 'preserve_len');
      const least = Number(/at least (\d+)/.exec(message)?.[1]);
      expect(least).toBeGreaterThan(16);
      expectRefusal(await session.truncate(least - 1, { dry_run: true }), 'preserve_len_too_small', 'preserve_len');
      expect((await session.truncate(least)).status).toBe(200);
    });
    await fc.assert(property, { numRuns: runs(30) });
  });
});
