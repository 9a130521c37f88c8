import { type Case, defineCase } from '../../core/case.ts';
import { expectTrue } from '../../core/expect.ts';
import { WRITE_MODES } from '../../tables/writes.ts';
import { type Message, toolCall, toolResult, user } from '../../wire/sessions.ts';

/** The field that is at fault is named in whichever way the messages are written. */

/** Refused writes, and how what they blame ends. */
const ROWS: Readonly<Record<string, { messages: (long: string) => readonly Message[]; param: RegExp }>> = {
  'too-large': { messages: (long) => [user(long)], param: /^messages/ },
  orphan: { messages: () => [toolResult('call_gone')], param: /tool_call_id$/ },
  unanswered: { messages: () => [toolCall('call_1'), user('Go on.')], param: /^messages/ },
  empty: { messages: () => [user('')], param: /content$/ },
  role: { messages: () => [{ ...user('Be brief.'), role: 'developer' } as never], param: /role$/ },
  'no-id': { messages: () => [{ role: 'tool', content: 'Found.' } as never], param: /tool_call_id$/ },
};

export const PARAM_CASES: readonly Case[] = WRITE_MODES.map((mode) =>
  defineCase<string>({
    id: `versions.param-${mode.name}`,
    title: `the field that a refusal blames, of messages written as ${mode.name}`,
    needs: ['sessions', 'tokens.estimate', ...mode.needs],
    checks: Object.fromEntries(
      Object.keys(ROWS)
        .filter((row) => mode.name !== 'single' || row !== 'unanswered')
        .map((row) => [row, 'versions.code' as const]),
    ),
    cost: () => ({ requests: 40, ...(mode.chats && { promptTokens: 2_048, completionTokens: 64 }) }),
    async run(context) {
      const { api, check, limits, texts } = context;
      const long = await texts.exactly(limits.append_tokens + 64);
      for (const [row, { messages, param }] of Object.entries(ROWS)) {
        if (mode.name === 'single' && row === 'unanswered') continue;
        await check(row, async () => {
          const { id } = await api.createSession({ messages: [user('Hello.')] });
          const reply = await mode.send(context, id, messages(long));
          const { error } = (reply.json ?? {}) as { error?: { param?: string } };
          const named = error?.param ?? '';
          expectTrue(param.test(named), `${reply.what}: param names the field at fault, not ${JSON.stringify(named)}`);
        });
      }
    },
  }),
);
