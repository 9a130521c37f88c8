import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChatMessage, contentText } from '../../contract/messages.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import { messageTokens } from '../../emulator/engines/tokens/prompt.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';
import { called, createSession, expectRefusal, O200K, result, sized, startSession, words } from '../support/session.ts';

const limits = { min_preserve_tokens: 16, append_tokens: 100_000, sessions: 100_000 };

const piece = fc.oneof(
  fc.lorem({ maxCount: 3 }),
  fc.constantFrom('  \n', '12345', 'naïve', '——', '{"key": [1, 2]}', 'https://example.org/?q=1', '\0', 'e\u0301'),
  fc.string({ unit: fc.constantFrom(...'汉字很多我们的故事红楼梦'), minLength: 1, maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('😀', '👩‍👧', '𝔘', 'ﷺ', '🇩🇪'), minLength: 1, maxLength: 3 }),
);
const texts = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join(' '));

/** Proper tails of a text, whole characters each, longest first. */
function tails(text: string): string[] {
  const characters = Array.from(text);
  return characters.map((_, place) => characters.slice(place).join('')).slice(1);
}

function asBody({ role, content, tool_calls, tool_call_id }: SessionMessage): ChatMessage {
  return { role, content, ...(tool_calls && { tool_calls }), ...(tool_call_id !== undefined && { tool_call_id }) };
}

/** Asserts that `cut` is `whole` with its text cut to the longest tail that counts within `budget`. */
function expectLongestTail(tokenizer: Tokenizer, whole: SessionMessage, cut: SessionMessage, budget: number): void {
  const text = contentText(whole.content);
  expect(cut).toMatchObject({ id: whole.id, role: whole.role, truncated: true, created_at: whole.created_at });
  const count = (content: string) => messageTokens(tokenizer, { ...asBody(whole), content });
  expect(cut.tokens).toBe(count(String(cut.content)));
  expect(cut.tokens).toBeLessThanOrEqual(budget);
  expect(cut.content).not.toBe('');
  expect(tails(text).find((tail) => count(tail) <= budget)).toBe(cut.content);
}

async function truncated(api: Api, messages: object[], preserveLen: number) {
  const session = await createSession(api, { messages });
  const before = await session.messages();
  const reply = await session.truncate(preserveLen);
  return { reply, before, after: await session.messages() };
}

describe.each(TRANSPORTS)('a newest message that does not fit %s', (transport) => {
  it('keeps the tail of its text, its id and its pin, and says that it is truncated', async () => {
    const message = { role: 'user', content: `one two three four ${words(50)} the end`, name: 'ann' };
    const api = await startEmulator(transport, { tokenizer: O200K, limits });
    const { reply, before, after } = await truncated(api, [sized(30), message], 16);
    expect(reply.status).toBe(200);
    expect(after).toEqual([{ ...before[1], truncated: true, content: `${words(10)} the end`, tokens: 16 }]);
    expect(reply.body).toMatchObject({ removed: { messages: 1 }, after: { total_tokens: 16, messages: 1 } });
  });

  it('is cut in its results first, the oldest first, and in no arguments', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, limits });
    const call = { ...called('a', 'b'), content: `thinking${words(20)}` };
    const messages = [call, result('a', `A${words(40)}`), result('b', `B${words(40)}`)];
    const whole = await truncated(api, messages, 1_000);
    const total = whole.before.reduce((sum, { tokens }) => sum + tokens, 0);
    const lengths = async (preserveLen: number) => {
      const { reply, after } = await truncated(api, messages, preserveLen);
      expect(reply.status, reply.text).toBe(200);
      expect(after[0]?.tool_calls).toEqual(whole.before[0]?.tool_calls);
      return after.map(({ content }) => String(content).length);
    };
    const [first, oldest, newest] = await lengths(1_000);
    expect(await lengths(total - 10)).toEqual([
      first,
      expect.toSatisfy((size: number) => size < (oldest ?? 0)),
      newest,
    ]);
    expect(await lengths(total - 50)).toEqual([first, 1, expect.toSatisfy((size: number) => size > 1)]);
    expect(await lengths(total - 90)).toEqual([expect.toSatisfy((size: number) => size > 1), 1, 1]);
  });

  it('is refused where its calls alone do not fit, and nothing of it is cut', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, limits });
    const messages = [called('a'.repeat(60), 'b'.repeat(60)), result('a'.repeat(60)), result('b'.repeat(60))];
    const { reply, before, after } = await truncated(api, messages, 20);
    expectRefusal(reply, 'preserve_len_too_small', 'preserve_len');
    expect(after).toEqual(before);
  });

  it('is not cut where a pin holds it', async () => {
    const session = await startSession(
      transport,
      { limits },
      { messages: [sized(30), { ...sized(40), pinned: true }] },
    );
    const before = await session.state();
    const { message } = expectRefusal(await session.truncate(39), 'preserve_len_too_small', 'preserve_len');
    expect(message).toContain('40');
    expect(await session.state()).toEqual(before);
    expect((await session.truncate(40)).status).toBe(200);
  });

  it('leaves room for the pins before it', async () => {
    const messages = [sized(20, 'system'), sized(9), sized(50)];
    const session = await startSession(transport, { limits }, { messages });
    await session.truncate(31);
    expect((await session.messages()).map(({ tokens, truncated }) => [tokens, truncated])).toEqual([
      [20, false],
      [11, true],
    ]);
  });

  it('made of parts becomes one text', async () => {
    const content = [
      { type: 'text', text: words(30) },
      { type: 'text', text: ' end' },
    ];
    const api = await startEmulator(transport, { tokenizer: O200K, limits });
    const { after } = await truncated(api, [{ role: 'user', content }], 16);
    expect(after[0]).toMatchObject({ content: `${words(11)} end`, tokens: 16 });
  });
});

describe('the tail that a cut keeps', () => {
  it.each(['user', 'tool'] as const)(
    'is the longest of whole characters that counts within the budget: %s',
    async (role) => {
      const tokenizer = await O200K.load();
      const api = await startEmulator('in process', { tokenizer: O200K, limits });
      const property = fc.asyncProperty(texts, fc.nat(40), async (content, more) => {
        const messages = role === 'user' ? [{ role, content }] : [called('c'), result('c', content)];
        const preserveLen = 26 + more;
        const { reply, before, after } = await truncated(api, messages, preserveLen);
        expect(reply.status, reply.text).toBe(200);
        const whole = before.at(-1);
        const cut = after.at(-1);
        if (!whole || !cut || reply.body.removed.tokens === 0) return;
        const others = before.slice(0, -1).reduce((sum, { tokens }) => sum + tokens, 0);
        expectLongestTail(tokenizer, whole, cut, preserveLen - others);
      });
      await fc.assert(property, { numRuns: runs(30) });
    },
  );
});
