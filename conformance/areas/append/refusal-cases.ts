import { type ErrorCode, LIVE_TEXT } from '../../../contract/errors.ts';
import { type Case, defineCase } from '../../core/case.ts';
import { expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { expectRefusal, WRITE_MODES, type WriteMode } from '../../tables/writes.ts';
import { type Message, toolCall, toolResult, user } from '../../wire/sessions.ts';
import type { WireRuleId } from '../rules.ts';

/** Writes that must be refused, sent in every way: what they find in the window, what they bring, and what is said of it. */
interface RefusedWrite {
  earlier?: readonly Message[];
  messages: readonly object[];
  code: ErrorCode;
  rule: WireRuleId;
  named?: readonly string[];
  unnamed?: readonly string[];
  /** Part of the message. */
  says?: string;
}

const ASKED = user('Look it up.');
/** Three calls, of which the second is answered. */
const OPEN = [ASKED, toolCall('call_a', 'call_b', 'call_c'), toolResult('call_b')];
const STILL_OPEN = { code: 'tool_call_unanswered', named: ['call_a', 'call_c'], unnamed: ['call_b'] } as const;
const assistant = (content: string): Message => ({ role: 'assistant', content });

const empty = (message: object, earlier: readonly Message[] = []): RefusedWrite => ({
  earlier,
  messages: [message],
  code: 'invalid_request',
  rule: 'append.empty',
  says: LIVE_TEXT.contentEmpty,
});
const whileOpen = (...messages: Message[]): RefusedWrite => ({
  earlier: OPEN,
  messages,
  rule: 'append.open-calls',
  ...STILL_OPEN,
});
const orphan = (named: string, messages: readonly object[], earlier: readonly Message[] = [ASKED]): RefusedWrite => ({
  earlier,
  messages,
  code: 'tool_result_orphan',
  rule: 'append.tool-result',
  named: [named],
});

const REFUSED: Readonly<Record<string, RefusedWrite>> = {
  'empty-text': empty({ role: 'user', content: '' }),
  'empty-named': empty({ role: 'user', content: '', name: 'ann' }),
  'empty-pinned': empty({ role: 'user', content: '', pinned: true }),
  'empty-system': empty({ role: 'system', content: '' }),
  'empty-parts': empty({ role: 'system', content: [{ type: 'text', text: '' }] }),
  'empty-parts-user': empty({ role: 'user', content: ['', ''].map((text) => ({ type: 'text', text })) }),
  'empty-null': empty({ role: 'assistant', content: null }),
  'empty-absent': empty({ role: 'assistant' }),
  'empty-result': empty(toolResult('call_a', ''), OPEN),
  'open-user': whileOpen(user('Never mind.')),
  'open-system': whileOpen({ role: 'system', content: 'Never mind.' }),
  'open-assistant': whileOpen(assistant('Never mind.')),
  'open-call': whileOpen(toolCall('call_d')),
  'open-named': whileOpen({ ...user('Never mind.'), name: 'ann', pinned: true }),
  'open-answered-in-part': {
    ...whileOpen(toolResult('call_a'), user('Never mind.')),
    named: ['call_c'],
    unnamed: ['call_a', 'call_b'],
  },
  'open-in-one-write': {
    earlier: [ASKED],
    messages: [toolCall('call_a', 'call_b', 'call_c'), toolResult('call_b'), user('Never mind.')],
    rule: 'append.open-calls',
    ...STILL_OPEN,
  },
  'orphan-alone': orphan('call_none', [toolResult('call_none')]),
  'orphan-while-open': orphan('call_d', [toolResult('call_d')], OPEN),
  'orphan-after-result': orphan('call_d', [toolResult('call_a'), toolResult('call_d')], OPEN),
  'orphan-answered': orphan('call_b', [toolResult('call_b')], OPEN),
  'orphan-answered-earlier': orphan(
    'call_a',
    [toolResult('call_a')],
    [...OPEN, toolResult('call_a'), toolResult('call_c')],
  ),
  'orphan-last': orphan('call_none', [user('One.'), user('Two.'), toolResult('call_none')]),
  'ids-twice': {
    earlier: [ASKED],
    messages: [toolCall('call_c', 'call_c')],
    code: 'invalid_request',
    rule: 'append.call-ids',
  },
};

function isOpen(messages: readonly object[] = []): boolean {
  const calls = messages.flatMap((message) => (message as { tool_calls?: unknown[] }).tool_calls ?? []).length;
  return calls > messages.filter((message) => (message as Message).role === 'tool').length;
}

/** A turn has rules of its own for the same. */
function ruleIn({ chats }: WriteMode, rule: WireRuleId): WireRuleId {
  if (!chats) return rule;
  return rule === 'append.empty' ? 'turn.empty-content' : 'turn.pairing';
}

function refusalCase(mode: WriteMode): Case {
  // A line before these would be refused itself.
  const cells = Object.entries(REFUSED).filter(([, { earlier }]) => !mode.before || !isOpen(earlier));
  return defineCase<string>({
    id: `append.refused-${mode.name}`,
    title: `writes that must be refused, as ${mode.name}`,
    needs: ['sessions', 'sessions.append', ...mode.needs],
    checks: {
      ...Object.fromEntries(cells.map(([name, { rule }]) => [name, ruleIn(mode, rule)])),
      'changes-nothing': mode.chats ? 'turn.refused' : 'append.atomic',
      'goes-on': 'append.results-in-any-order',
    },
    cost: () => ({ requests: 12 * cells.length, ...(mode.chats && { promptTokens: 2_048, completionTokens: 32 }) }),
    async run({ api, check }, context) {
      const left: unknown[] = [];
      for (const [name, { earlier = [ASKED], messages, code, says = '', ...names }] of cells) {
        const { id } = await api.createSession({ messages: earlier });
        const before = await api.stateOf(id);
        await check(name, async () => {
          const sent = mode.creates ? [...earlier, ...messages] : messages;
          const text = expectRefusal(await mode.send(context, id, sent as Message[]), code, names);
          expectTrue(text.includes(says), `the refusal says "${says}": ${text}`);
        });
        const stored = (await api.stateOf(id)).messages.length - before.messages.length;
        // Where each message is a write of its own, those before the one that is refused stay.
        const due = (mode.before ?? 0) + (mode.single ? messages.length - 1 : 0);
        if (stored !== due) left.push({ [name]: stored });
        else if (due === 0) await api.expectUnchanged(before).catch((error) => left.push({ [name]: String(error) }));
        expectSuccess(await api.delete(`/sessions/${id}`));
      }
      await check('changes-nothing', () => expectEqual(left, [], 'what refused writes have stored'));
      await check('goes-on', async () => {
        const { id } = await api.createSession({ messages: mode.creates || mode.before ? [ASKED] : OPEN });
        const results = [toolResult('call_c'), toolResult('call_a'), user('Thank you.')];
        const messages = mode.creates || mode.before ? [...OPEN, ...results] : results;
        expectSuccess(await mode.send(context, id, messages));
        if (!mode.creates)
          await api.append(id, [toolCall('call_a', 'call_z'), toolResult('call_z'), toolResult('call_a')]);
      });
    },
  });
}

export const REFUSAL_CASES: readonly Case[] = WRITE_MODES.map(refusalCase);
