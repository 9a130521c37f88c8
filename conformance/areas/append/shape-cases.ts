import type { SessionMessage } from '../../../contract/sessions.ts';
import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { MESSAGE_SHAPES } from '../../tables/messages.ts';
import { WRITE_MODES, type WriteMode, written } from '../../tables/writes.ts';
import { idOf, type Message, user } from '../../wire/sessions.ts';
import { estimateTokens } from '../../wire/windows.ts';
import type { WireRuleId } from '../rules.ts';

/** Messages of every shape, written in every way: each is listed as it was written, and counts what it counts in a prompt. */

const RULE_OF: Readonly<Record<string, WireRuleId>> = {
  single: 'append.fields',
  list: 'append.fields',
  ndjson: 'ndjson.same-rules',
  'ndjson-later': 'ndjson.same-rules',
  create: 'sessions.first-messages',
  turn: 'turn.stored',
  'streamed-turn': 'turn.stored',
};

/** Where a shape is about a rule of its own. */
const OWN_RULES: Readonly<Record<string, WireRuleId>> = {
  'single plain': 'append.content',
  'list plain': 'append.content',
  'list several': 'append.order',
  'single system-late': 'append.system-messages',
  'list system-late': 'append.system-messages',
};

/** How a message has to be listed, but for what the server gives it. */
export function asListed({ pinned = false, ...message }: Message): object {
  return { ...message, pinned, truncated: false, summary: false, object: 'session.message' };
}

/** The same of a listed message. What the shape of a call does not name, such as its `index`, is nobody's business. */
export function listedFields({ tool_calls, ...message }: SessionMessage): object {
  const { id: _id, session_id: _session, tokens: _tokens, created_at: _created, ...shown } = message;
  // A model that thinks has its reasoning beside.
  const { reasoning_content: _reasoning, reasoning_tokens: _count, ...fields } = shown;
  const calls = tool_calls?.map(({ id, type, function: called }) => ({ id, type, function: called }));
  return { ...fields, ...(calls && { tool_calls: calls }) };
}

/** A session whose first message leads, so that no other does. */
async function begun({ api }: CaseContext<string>): Promise<string> {
  return (await api.createSession({ messages: [user('Hello.')] })).id;
}

function shapesCase(mode: WriteMode): Case {
  const { name, needs, creates, chats } = mode;
  const rule = RULE_OF[name] ?? 'append.fields';
  return defineCase<string>({
    id: `append.shapes-${name}`,
    title: `messages of every shape, written as ${name}`,
    needs: ['sessions', 'tokens.estimate', ...needs],
    checks: Object.fromEntries(MESSAGE_SHAPES.map((shape) => [shape.name, OWN_RULES[`${name} ${shape.name}`] ?? rule])),
    cost: () => ({
      requests: 9 * MESSAGE_SHAPES.length,
      ...(chats && { promptTokens: 2_048 * MESSAGE_SHAPES.length, completionTokens: 16 * MESSAGE_SHAPES.length }),
    }),
    async run({ api, check }, context) {
      let id = creates ? '' : await begun(context);
      for (const shape of MESSAGE_SHAPES) {
        // A user asks at last, as in any turn; and a session that is created has a message before those that may lead.
        const messages = [...(creates ? [user('Hello.')] : []), ...shape.messages, ...(chats ? [user('Go on.')] : [])];
        const held = await check(shape.name, async () => {
          const before = creates ? undefined : await api.getSession(id);
          const write = await written(context, mode, id, messages);
          expectEqual(write.messages.map(listedFields), messages.map(asListed), 'the messages that are listed');
          const tokens = write.messages.reduce((sum, message) => sum + message.tokens, 0);
          const due = (await estimateTokens(context, { messages })) - context.texts.overhead.estimate;
          expectEqual(tokens, due, 'the tokens of the messages, against the estimate');
          const { usage, created_at, updated_at } = await api.getSession(write.id);
          const grown = usage.total_tokens - (before?.usage.total_tokens ?? 0);
          expectTrue(chats || mode.before ? grown > tokens : grown === tokens, `the usage grows by ${grown}`);
          for (const message of write.messages) {
            expectEqual(message.session_id, write.id, 'the session of a message');
            const within = message.created_at >= created_at && message.created_at <= updated_at;
            expectTrue(within, `a message of ${message.created_at} in a session from ${created_at} to ${updated_at}`);
          }
          expectEqual(new Set(write.messages.map(idOf)).size, messages.length, 'different ids');
          if (creates) expectSuccess(await api.delete(`/sessions/${write.id}`));
        });
        // What went wrong may have left calls open.
        if (held || creates) continue;
        expectSuccess(await api.delete(`/sessions/${id}`));
        id = await begun(context);
      }
    },
  });
}

export const SHAPE_CASES: readonly Case[] = WRITE_MODES.map(shapesCase);
