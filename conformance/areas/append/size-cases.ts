import { LIVE_TEXT } from '../../../contract/errors.ts';
import { Session } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectBody, expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { SIZED_SHAPES } from '../../tables/messages.ts';
import { expectRefusal, WRITE_MODES, type WriteMode, written } from '../../tables/writes.ts';
import { turnRoom } from '../../wire/model.ts';
import { type Message, user } from '../../wire/sessions.ts';
import type { SizedTexts } from '../../wire/tokens.ts';
import { fillWindow, TOOL } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';

/** The two limits of a write, its own and the window's: for every shape of messages, and every way to write them. */

const TURN_TOKENS = 16;
/** What the answer of a turn takes behind these messages. */
function answerTokens({ overhead }: SizedTexts, messages: readonly Message[]): number {
  const assistants = messages.filter(({ role }) => role === 'assistant').length;
  return TURN_TOKENS + overhead.answer + turnRoom(overhead, { tool_choice: 'none' }, assistants);
}

const LIMIT_RULES: Readonly<Record<string, WireRuleId>> = {
  single: 'append.limit',
  list: 'append.limit-whole',
  ndjson: 'ndjson.limit',
  'ndjson-later': 'ndjson.limit',
  create: 'append.on-create',
  turn: 'turn.limit',
  'streamed-turn': 'turn.limit',
};

type Shape = [name: string, build: (text: string) => Message[]];

/** @param tokens of the write: of all messages where they are one write, and otherwise of the largest alone */
async function sized(
  { texts }: CaseContext<string>,
  mode: WriteMode,
  [shape, build]: Shape,
  tokens: number,
): Promise<Message[]> {
  if (!mode.single) return texts.messagesOf(tokens, shape, build);
  const earlier = earlierOf(mode, build);
  const largest = (text: string) => build(text).slice(earlier.length, earlier.length + 1);
  return texts.messagesOf(tokens, `the largest of ${shape}`, largest, earlier);
}

/** What has to be in the window before the largest message of a shape, where each message is a write. */
function earlierOf({ single }: WriteMode, build: Shape[1]): Message[] {
  if (!single) return [];
  const sizes = build('This text is longer than any other in it. '.repeat(8)).map((one) => JSON.stringify(one).length);
  return build('x').slice(0, sizes.indexOf(Math.max(...sizes)));
}

/** A line before a result would stand between it and its call. */
function shapesOf(mode: WriteMode): Shape[] {
  return Object.entries(SIZED_SHAPES).filter(
    ([, build]) => !mode.before || earlierOf(mode, build).at(-1)?.role !== 'assistant',
  );
}

function limitCase(mode: WriteMode): Case {
  const rule = LIMIT_RULES[mode.name] ?? 'append.limit';
  const shapes = shapesOf(mode);
  return defineCase<string>({
    id: `append.limit-${mode.name}`,
    title: `the limit of a write, as ${mode.name}, for every shape of messages`,
    needs: ['sessions', 'sessions.append', 'tokens.estimate', ...mode.needs],
    checks: {
      ...Object.fromEntries(
        shapes.flatMap(([shape]) => [
          [`${shape}-exact`, rule],
          [`${shape}-over`, rule],
        ]),
      ),
      'both-named': 'append.limit-named',
    },
    cost: ({ append_tokens }) => ({
      requests: 40 * shapes.length,
      ...(mode.chats && { promptTokens: 80 * append_tokens, completionTokens: shapes.length * TURN_TOKENS }),
    }),
    async run({ api, limits, check }, context) {
      const limit = limits.append_tokens;
      let told = '';
      for (const [shape, build] of shapes) {
        const { id } = await api.createSession({ messages: [user('Hello.')] });
        const earlier = earlierOf(mode, build);
        if (earlier.length > 0) await api.append(id, earlier);
        await check(`${shape}-over`, async () => {
          const before = await api.stateOf(id);
          const over = await sized(context, mode, [shape, build], limit + 1);
          const reply = await mode.send(context, id, over);
          told = expectRefusal(reply, 'append_too_large');
          if (mode.before) {
            const { messages } = await api.stateOf(id);
            expectEqual(messages.slice(0, -mode.before), before.messages, 'the messages that stood there before');
          } else await api.expectUnchanged(before);
        });
        await check(`${shape}-exact`, async () => {
          const exact = await sized(context, mode, [shape, build], limit);
          const write = await written(context, mode, id, exact);
          const tokens = write.messages.reduce((sum, message) => sum + message.tokens, 0);
          expectEqual(tokens, limit, 'the tokens of the largest write');
          if (mode.creates) expectSuccess(await api.delete(`/sessions/${write.id}`));
        });
        expectSuccess(await api.delete(`/sessions/${id}`));
      }
      await check('both-named', () => {
        const numbers = [...told.matchAll(/\d+/g)].map(([digits]) => Number(digits));
        for (const tokens of [limit, limit + 1])
          expectTrue(numbers.includes(tokens), `the refusal names ${tokens}: ${told}`);
      });
    },
  });
}

/** Room that is left in the window, for messages of any shape; less than the limit of a write. */
function roomOf({ overhead }: SizedTexts, { chats }: WriteMode): number {
  return 160 + 20 * overhead.message + (chats ? overhead.answer : 0);
}

function windowCase(mode: WriteMode): Case {
  const rule: WireRuleId = mode.chats ? 'turn.window' : 'append.window';
  const shapes = shapesOf(mode);
  return defineCase<string>({
    id: `append.window-${mode.name}`,
    title: `the window of a session with tools, filled as ${mode.name}, by every shape of messages`,
    needs: ['sessions', 'sessions.append', 'sessions.snapshot', 'sessions.rollback', 'tokens.estimate', ...mode.needs],
    checks: Object.fromEntries(
      shapes.flatMap(([shape]) => [
        [`${shape}-exact`, rule],
        [`${shape}-over`, rule],
      ]),
    ),
    cost: ({ window_tokens, append_tokens }) => ({
      requests: 40 * shapes.length + 3 * Math.ceil(window_tokens / append_tokens),
      ...(mode.chats && { promptTokens: shapes.length * window_tokens, completionTokens: shapes.length * TURN_TOKENS }),
    }),
    async run({ api, limits, texts, check }, context) {
      const window = limits.window_tokens;
      const { id } = await api.createSession({ tools: [TOOL] });
      await fillWindow(context, id, window - roomOf(texts, mode));
      const { snapshot_id } = await api.createSnapshot(id);
      const reset = async () => expectBody(await api.post(`/sessions/${id}/rollback`, { snapshot_id }), Session);
      for (const [shape, build] of shapes) {
        const answer = mode.chats ? answerTokens(texts, build('')) : 0;
        const earlier = earlierOf(mode, build);
        const lay = async () => {
          if (earlier.length > 0) await api.append(id, earlier);
          const { session } = await api.stateOf(id);
          const before = mode.before ? await texts.countOf([user('Before.')]) : 0;
          return {
            used: session.usage.total_tokens + before,
            room: window - session.usage.total_tokens - before - answer,
          };
        };
        await check(`${shape}-over`, async () => {
          const { used, room } = await lay();
          const state = await api.stateOf(id);
          const messages = await sized(context, mode, [shape, build], room + 1);
          const text = expectRefusal(await mode.send(context, id, messages), 'context_window_exceeded');
          expectEqual(text, LIVE_TEXT.windowExceeded(window, used + room + 1 + answer), 'the message');
          if (!mode.before) await api.expectUnchanged(state);
        });
        await reset();
        await check(`${shape}-exact`, async () => {
          const { used, room } = await lay();
          const messages = await sized(context, mode, [shape, build], room);
          const write = await written(context, mode, id, messages);
          const tokens = write.messages.reduce((sum, message) => sum + message.tokens, 0);
          expectEqual(used + tokens + answer, window, 'what stands in the window, with room for an answer');
        });
        await reset();
      }
    },
  });
}

export const SIZE_CASES: readonly Case[] = [
  ...WRITE_MODES.map(limitCase),
  ...WRITE_MODES.filter(({ creates }) => !creates).map(windowCase),
];
