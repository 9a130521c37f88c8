import { type Case, type CaseContext, defineCase } from '../../core/case.ts';
import { expectEqual, expectSuccess, expectTrue } from '../../core/expect.ts';
import { TURN_MODES, turnAs } from '../../tables/turns.ts';
import { WRITE_MODES, written } from '../../tables/writes.ts';
import { type Message, toolCall, toolResult, user } from '../../wire/sessions.ts';
import { TOOL } from '../../wire/windows.ts';
import { BUDGET } from './rows.ts';

/** What the model thought, in messages that are written in every way, and in windows that are brought back in every way. */

type Thought = { content?: unknown; reasoning_content?: string | undefined; tools?: unknown };

const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PICTURE = [
  { type: 'text', text: 'What is this?' },
  { type: 'image_url', image_url: { url: PIXEL } },
];

const THOUGHTS: Readonly<Record<string, readonly Message[]>> = {
  text: [{ role: 'assistant', content: 'Found.', reasoning_content: 'They ask.\nI know: 汉字 <think>.' }],
  parts: [{ role: 'assistant', content: [{ type: 'text', text: 'In parts.' }], reasoning_content: 'Why not.' }],
  calls: [{ ...toolCall('call_1'), reasoning_content: 'I have to look.' } as Message, toolResult('call_1')],
  named: [{ role: 'assistant', content: 'Found.', name: 'kim', pinned: true, reasoning_content: 'Mine to keep.' }],
  spaced: [{ role: 'assistant', content: 'Found.', reasoning_content: ' \n Let me see. \n\t' }],
  'dynamic-tools': [{ role: 'system', tools: [TOOL] }],
  picture: [{ role: 'user', content: PICTURE, name: 'ann' } as Message],
};

/** What a change of the window could lose. Text is looked at by other cases. */
const listed = (messages: readonly Thought[]) =>
  messages.map(({ content, reasoning_content, tools }) => ({
    reasoning: reasoning_content ?? null,
    tools: tools ?? null,
    parts: Array.isArray(content) ? content : null,
  }));
const wanted = (messages: readonly Message[]) => listed(messages as readonly Thought[]);

const writtenCases = WRITE_MODES.map((mode) =>
  defineCase<string>({
    id: `k3.reasoning-${mode.name}`,
    title: `reasoning and tools of messages that are written as ${mode.name}`,
    needs: ['sessions', ...mode.needs],
    checks: Object.fromEntries(Object.keys(THOUGHTS).map((name) => [name, 'k3.reasoning-stored' as const])),
    cost: () => ({ requests: 60, ...(mode.chats && { promptTokens: 8_192, completionTokens: 512 }) }),
    async run(context) {
      const { api, check } = context;
      for (const [name, messages] of Object.entries(THOUGHTS)) {
        await check(name, async () => {
          const { id } = await api.createSession({ messages: [user('Hello.')] });
          const all = [user('First.'), ...messages, ...(mode.chats ? [user('Go on.')] : [])];
          const write = await written(context, mode, id, mode.creates ? all : all.slice(mode.single ? 1 : 0));
          const due = mode.creates || !mode.single ? all : all.slice(1);
          expectEqual(listed(write.messages), wanted(due), 'reasoning, tools and parts, as listed');
          const { data } = (write.reply.json ?? {}) as { data?: Thought[] };
          if (data)
            expectEqual(listed(data), wanted(due.slice(-data.length)), 'reasoning, tools and parts, as answered');
          for (const made of new Set([id, write.id])) expectSuccess(await api.delete(`/sessions/${made}`));
        });
      }
    },
  }),
);

const BACK = ['restored', 'archived', 'rollback', 'fork', 'share-fork', 'cut'] as const;

/** The window as it comes back. */
async function broughtBack(context: CaseContext<string>, way: (typeof BACK)[number], id: string, snapshot: string) {
  const { api } = context;
  if (way === 'restored' || way === 'archived') return api.readMessages(`/snapshots/${snapshot}/messages?scope=${way}`);
  if (way === 'fork') return api.windowOf((await api.createSession({ snapshot_id: snapshot })).id);
  if (way === 'share-fork') {
    const other = context.secondAccount();
    return other.windowOf((await other.createSession({ share_id: await api.share(snapshot) })).id);
  }
  if (way === 'rollback') expectSuccess(await api.post(`/sessions/${id}/rollback`, { snapshot_id: snapshot }));
  else {
    const { usage } = await api.getSession(id);
    expectSuccess(
      await api.post(`/sessions/${id}/truncate`, {
        preserve_len: Math.max(usage.total_tokens, context.limits.min_preserve_tokens),
      }),
    );
  }
  return api.windowOf(id);
}

const back = defineCase<string>({
  id: 'k3.reasoning-back',
  title: 'reasoning and tools of a window that is brought back in every way',
  needs: [
    'sessions',
    'sessions.append',
    'sessions.snapshot',
    'sessions.rollback',
    'sessions.fork',
    'sessions.share',
    'sessions.truncate',
  ],
  twoAccounts: true,
  checks: Object.fromEntries(BACK.map((way) => [way, 'k3.reasoning-stored' as const])),
  cost: () => ({ requests: 80 }),
  async run(context) {
    const { api, check } = context;
    const { id } = await api.createSession({ messages: [user('Hello.')] });
    for (const messages of Object.values(THOUGHTS)) await api.append(id, [...messages]);
    const before = listed(await api.windowOf(id));
    const { id: snapshot } = await api.createSnapshot(id);
    for (const way of BACK) {
      await check(way, async () =>
        expectEqual(listed(await broughtBack(context, way, id, snapshot)), before, 'what comes back'),
      );
    }
  },
});

const turns = defineCase<string>({
  id: 'k3.reasoning-turns',
  title: 'what the model thinks in a turn is stored with its answer',
  needs: ['sessions', 'chat', 'chat.stream'],
  checks: {
    ...Object.fromEntries(TURN_MODES.map(({ name }) => [`stored-${name}`, 'k3.reasoning-stored' as const])),
    ...Object.fromEntries(TURN_MODES.map(({ name }) => [`none-${name}`, 'k3.thinking' as const])),
  },
  cost: () => ({ requests: 40, promptTokens: 4_096, completionTokens: 6 * BUDGET }),
  async run(context) {
    const { api, check } = context;
    const { id } = await api.createSession();
    for (const mode of TURN_MODES) {
      const asked = async (thinking: object) => {
        const more = { max_tokens: BUDGET, thinking };
        const { reasoning } = await turnAs(mode, context, id, [user('Reply with the word OK only.')], more);
        const stored = ((await api.windowOf(id)).at(-1) as Thought | undefined)?.reasoning_content ?? '';
        return { reasoning, stored };
      };
      await check(`stored-${mode.name}`, async () => {
        const { reasoning, stored } = await asked({ type: 'enabled' });
        expectTrue(stored !== '', 'the stored answer has reasoning');
        expectEqual(reasoning, stored, 'the reasoning that is answered, against what is stored');
      });
      await check(`none-${mode.name}`, async () => {
        const none = { reasoning: '', stored: '' };
        expectEqual(await asked({ type: 'disabled' }), none, 'the reasoning of an answer without thinking');
      });
    }
  },
});

export const REASONING_CASES: readonly Case[] = [...writtenCases, back, turns];
