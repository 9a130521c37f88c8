import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChatMessage, contentText } from '../../contract/messages.ts';
import type { Session, SessionMessage } from '../../contract/sessions.ts';
import { K2_TEMPLATE, messageTokens, PromptCounter } from '../../emulator/engines/tokens/prompt.ts';
import { cutEntries, cutNewestGroup } from '../../emulator/sessions/truncate.ts';
import type { StoredMessage } from '../../emulator/store/entries.ts';
import { temporaryFolder } from '../store/files.ts';
import { runs } from '../support/runs.ts';
import { keepWithin } from './cut.ts';
import { listAll } from './expectations.ts';
import { plans, toMessages, toolCall } from './plans.ts';
import { EMPTY, type Message } from './state.ts';
import { ACCOUNTS, LIMITS, World } from './world.ts';

const [key] = ACCOUNTS;

describe('truncate', () => {
  it('keeps more with a larger preserve_len: more messages, and longer tails of their texts', async () => {
    const world = await World.open(temporaryFolder(), 'in process');
    const lengths = fc.array(fc.integer({ min: LIMITS.min_preserve_tokens, max: 700 }), { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(plans, { minLength: 1, maxLength: 5 }), lengths, async (writes, asked) => {
        const { body } = await world.api.post<Session>('/v1/sessions', {}, { key });
        const path = `/v1/sessions/${body.id}`;
        for (const messages of writes) {
          await world.api.post(`${path}/messages`, { messages: toMessages(EMPTY, messages) }, { key });
        }
        const snapshot = await world.api.post(`${path}/snapshots`, {}, { key });
        const kept: SessionMessage[][] = [];
        for (const preserve_len of asked.toSorted((a, b) => a - b)) {
          const rollback = { snapshot_id: snapshot.body.id };
          await world.api.post(`${path}/rollback`, rollback, { key });
          const { status } = await world.api.post(`${path}/truncate`, { preserve_len }, { key });
          if (status === 200) kept.push(await listAll<SessionMessage>(world, `${path}/messages`, key));
        }
        for (const [place, larger] of kept.slice(1).entries()) expectWithin(kept[place] ?? [], larger);
        await world.api.delete(path, { key });
        await world.api.delete(`/v1/snapshots/${snapshot.body.id}`, { key });
      }),
      { numRuns: runs(15) },
    );
    await world.close();
  });

  it('cuts a text to its longest tail of whole characters, whatever meets at the border', async () => {
    const world = await World.open(temporaryFolder(), 'in process');
    await world.close();
    const { tokenizer } = world;
    const words = fc.constantFrom(
      '\n',
      '\n\n',
      ' ',
      '  ',
      'a',
      'the',
      '红楼梦',
      '😀',
      '👩‍👩‍👧',
      '\r\n',
      '.',
      '"',
      '12',
      '\u0301',
      '/',
      '\u0085',
      '\u3000',
    );
    const content = fc.array(words, { minLength: 1, maxLength: 25 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 3 }), fc.nat(60), async (texts, budget) => {
        const counter = new PromptCounter(tokenizer, K2_TEMPLATE);
        const [group, stored] = groupOf(texts, (body) => messageTokens(tokenizer, body));
        const expected = keepWithin(tokenizer, { ...EMPTY, messages: group }, budget);
        const cut = await cutNewestGroup(counter, stored, budget);
        if ('least' in expected || 'least' in cut) {
          expect(cut).toEqual(expected);
          return;
        }
        expect(cutEntries(stored, cut).map(({ message, tokens }) => [message.body.content, tokens])).toEqual(
          expected.messages.map(({ body, tokens }) => [body.content, tokens]),
        );
      }),
      { numRuns: runs(400), examples: [[['\n12', '\r\n  \n\nthe'], 45]] },
    );
  });
});

const BORDER_SUMS = { borderTotalReasoning: 0, borderHeldReasoning: 0 };

/** Every message of the smaller window stands in the larger one, where its text ends with the smaller one's. */
function expectWithin(smaller: readonly SessionMessage[], larger: readonly SessionMessage[]): void {
  for (const message of smaller) {
    const same = larger.find(({ id }) => id === message.id);
    expect(same).toMatchObject({ id: message.id, role: message.role });
    expect(contentText(same?.content).endsWith(contentText(message.content))).toBe(true);
  }
}

/** A call with one result for each text, as the reference and as the store have it. */
function groupOf(texts: readonly string[], count: (body: ChatMessage) => number): [Message[], StoredMessage[]] {
  const tool_calls = texts.map((_, place) => toolCall(`c${place}`, 'look', '{}'));
  const bodies: ChatMessage[] = [
    { role: 'assistant', content: texts.join(' '), tool_calls },
    ...texts.map((content, place): ChatMessage => ({ role: 'tool', tool_call_id: `c${place}`, content })),
  ];
  const flags = { pinned: false, truncated: false, summary: false };
  const messages = bodies.map((body, place): Message => {
    return { ...flags, id: `m${place}`, body, tokens: count(body), group: 1 };
  });
  const sums = { totalTokens: 0, heldTokens: 0, heldMessages: 0, heldSystems: 0 };
  const thought = { reasoning: 0, totalReasoning: 0, heldReasoning: 0, lastBorder: 0, ...BORDER_SUMS };
  const stored = messages.map((message, place): StoredMessage => {
    return {
      ...message,
      ...sums,
      ...thought,
      border: false,
      seq: place + 1,
      message: place,
      held: false,
      calls: true,
      createdAt: 0,
    };
  });
  return [messages, stored];
}
