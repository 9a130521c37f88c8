import { contentText } from '../../../contract/content-text.ts';
import type { SessionMessage } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { equal, holds, succeeded } from '../../core/expect.ts';
import {
  append,
  calling,
  chat,
  createSession,
  createSnapshot,
  type Message,
  result,
  type State,
  stateOf,
  user,
} from '../../wire/dialect.ts';

const TOOL = {
  type: 'function',
  function: { name: 'look_up', description: 'Looks a word up.', parameters: { type: 'object' } },
};

export const appendLaws = defineCase({
  id: 'append.laws',
  title: 'usage is the sum of what is listed, and the history stays sound, whatever is done',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.append.stream',
    'sessions.truncate',
    'sessions.snapshot',
    'sessions.rollback',
    'sessions.compress',
    'chat',
    'tokens.estimate',
  ],
  checks: { 'usage-is-the-sum': 'append.usage-sum', 'history-is-sound': 'append.sound-history' },
  cost: ({ min_preserve_tokens }) => ({ requests: 80, promptTokens: 8 * min_preserve_tokens, completionTokens: 16 }),
  async run(trial) {
    const { api, limits, target, texts } = trial;
    const least = limits.min_preserve_tokens;
    const { id } = await createSession(api, { tools: [TOOL], messages: [{ role: 'system', content: 'Be short.' }] });
    const path = `/sessions/${id}`;
    const states: [string, State][] = [['a creation', await stateOf(api, id)]];
    const after = async (what: string) => states.push([what, await stateOf(api, id)]);
    const fill = async (): Promise<Message> => user(await texts.exactly(Math.min(least, limits.append_tokens)));
    const group = (...ids: string[]) => [calling(...ids), ...ids.map((call) => result(call, 'found')).reverse()];

    await append(api, id, [user('Hello.'), ...group('call_a', 'call_b')]);
    await after('a write');
    succeeded(
      await api.post(`${path}/messages`, undefined, {
        headers: { 'Content-Type': 'application/x-ndjson' },
        raw: [user('One line.'), ...group('call_a')].map((line) => `${JSON.stringify(line)}\n`).join(''),
      }),
    );
    await after('a streamed write');
    const { snapshot_id } = await createSnapshot(api, id);
    succeeded(await api.post(`${path}/messages/${states[1]?.[1].messages[1]?.id}`, { pinned: true }));
    await after('a pin');
    await chat(api, { model: target.model, session_id: id, messages: [user('Say hello.')], max_tokens: 8, tools: [] });
    await after('a turn');
    for (let writes = 0; writes < 2; writes += 1) await append(api, id, await fill());
    await append(api, id, group('call_c', 'call_d'));
    succeeded(await api.post(`${path}/truncate`, { preserve_len: least }));
    await after('a cut');
    await append(api, id, [await fill()]);
    succeeded(await api.post(`${path}/compress`, { ratio: 1.5 }));
    await after('a compression');
    await append(api, id, user('And on.'));
    await after('a write behind a summary');
    succeeded(await api.post(path, { tools: [TOOL, { ...TOOL, function: { ...TOOL.function, name: 'look_down' } }] }));
    await after('a change of tools');
    succeeded(await api.post(`${path}/rollback`, { snapshot_id }));
    await after('a rollback');

    await trial.check('usage-is-the-sum', () => {
      for (const [what, { session, messages }] of states) {
        const total = session.usage.tools_tokens + messages.reduce((sum, { tokens }) => sum + tokens, 0);
        const { tools_tokens } = session.usage;
        const remaining_tokens = limits.window_tokens - total;
        const usage = { total_tokens: total, tools_tokens, remaining_tokens, messages: messages.length };
        equal(session.usage, { ...session.usage, ...usage }, `the usage after ${what}`);
      }
    });
    await trial.check('history-is-sound', () => {
      for (const [what, { messages }] of states) requireSound(messages, what);
    });
  },
});

/** @throws Mismatch where the live API would refuse these messages for their structure */
function requireSound(messages: readonly SessionMessage[], what: string): void {
  let waiting: string[] = [];
  for (const { role, content, tool_calls = [], tool_call_id } of messages) {
    if (role === 'tool') {
      holds(
        tool_call_id !== undefined && waiting.includes(tool_call_id),
        `${what} left the result of ${tool_call_id} alone`,
      );
      waiting = waiting.filter((call) => call !== tool_call_id);
      continue;
    }
    holds(waiting.length === 0, `${what} left ${waiting.join(', ')} without result`);
    holds(contentText(content) !== '' || tool_calls.length > 0, `${what} left a message without content`);
    waiting = tool_calls.map((call) => call.id);
  }
  holds(messages.length > 0, `${what} left no messages`);
}
