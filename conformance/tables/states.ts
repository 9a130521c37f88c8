import type { Capability } from '../../contract/capabilities.ts';
import { SessionMessage } from '../../contract/sessions.ts';
import type { CaseContext } from '../core/case.ts';
import { expectBody, expectSuccess } from '../core/expect.ts';
import { type Message, user } from '../wire/sessions.ts';
import { appendFacts, facts, TOOL } from '../wire/windows.ts';

/** What a window needs that is cut, and brought back from a snapshot. */
export const CUT_AND_BACK = [
  'sessions',
  'sessions.append',
  'sessions.truncate',
  'sessions.snapshot',
  'sessions.rollback',
  'tokens.estimate',
] as const satisfies readonly Capability[];

/** How a window got to be what it is. */
export interface WindowState {
  readonly name: string;
  readonly needs: readonly Capability[];
  readonly chats?: true;
  /** Brings a session with messages of every shape into the state. */
  enter(context: CaseContext<string>, id: string): Promise<void>;
}

const call = (id: string) => ({
  id,
  type: 'function' as const,
  function: { name: 'look_up', arguments: `{"of": "${id}"}` },
});
const parts = (...texts: string[]) => texts.map((text) => ({ type: 'text' as const, text }));

/** Every shape that a change of the window could lose something of. Each message is shorter than a fourth of what a cut keeps. */
const EVERYTHING: readonly Message[] = [
  { role: 'system', content: 'Be brief.', name: 'house' },
  { ...user('Who am I?'), name: 'ann' },
  { role: 'user', content: parts('In two', ' parts.'), name: 'ann' },
  { role: 'system', content: 'Late orders.' },
  { ...user('Keep this in mind.'), pinned: true, name: 'bob' },
  { role: 'assistant', content: 'I look at both.', name: 'kim', tool_calls: [call('call_1'), call('call_2')] },
  { role: 'tool', tool_call_id: 'call_2', content: parts('the', ' second'), name: 'look_up' },
  { role: 'tool', tool_call_id: 'call_1', content: 'the first' },
  { role: 'assistant', content: 'Found it. 汉字 e\u0301', name: 'kim' },
];

/** A session that holds everything, more than once, with tools and fields of its own. */
export async function fullSession(context: CaseContext<string>): Promise<string> {
  const { api } = context;
  const fields = { title: 'Before', metadata: { since: 'then' }, tools: [TOOL] };
  const { id } = await api.createSession(fields);
  for (const write of [EVERYTHING.slice(0, 5), EVERYTHING.slice(5)]) await api.append(id, [...write]);
  return id;
}

async function enlarge(context: CaseContext<string>, id: string): Promise<void> {
  const { api, limits, texts } = context;
  const part = Math.floor(limits.min_preserve_tokens / 4);
  for (let writes = 0; writes < 2; writes += 1) await api.append(id, user(await texts.exactly(part)));
  await api.append(id, EVERYTHING.slice(5));
}

const CUT: Capability[] = ['sessions.truncate', 'tokens.estimate'];

/** Every state in which a session can be when it is restored, forked or goes on. */
export const WINDOW_STATES: readonly WindowState[] = [
  { name: 'written', needs: [], enter: async () => undefined },
  {
    name: 'pinned',
    needs: [],
    async enter({ api }, id) {
      const window = await api.windowOf(id);
      const at = (place: number) => `/sessions/${id}/messages/${window[place]?.id}`;
      for (const place of [1, 6]) expectBody(await api.post(at(place), { pinned: true }), SessionMessage);
      // Also the message that leads, which is pinned by itself.
      for (const place of [0, 4]) expectBody(await api.post(at(place), { pinned: false }), SessionMessage);
    },
  },
  {
    name: 'truncated',
    needs: CUT,
    async enter(context, id) {
      const { api, limits } = context;
      for (let times = 0; times < 3; times += 1) await enlarge(context, id);
      const preserve_len = Math.floor(1.4 * limits.min_preserve_tokens);
      expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len }));
      await api.append(id, { ...user('After the cut.'), name: 'ann' });
    },
  },
  {
    name: 'text-cut',
    needs: CUT,
    async enter({ api, limits, texts }, id) {
      const least = limits.min_preserve_tokens;
      await api.append(id, { ...user(await texts.exactly(Math.floor(1.5 * least))), name: 'ann' });
      expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len: least + 30 }));
      await api.append(id, user('After the cut.'));
    },
  },
  {
    name: 'result-cut',
    needs: CUT,
    async enter({ api, limits, texts }, id) {
      const least = limits.min_preserve_tokens;
      const calling: Message = { role: 'assistant', content: 'I look.', name: 'kim', tool_calls: [call('call_9')] };
      const long = await texts.exactly(Math.floor(1.4 * least));
      await api.append(id, [calling, { role: 'tool', tool_call_id: 'call_9', content: long, name: 'look_up' }]);
      expectSuccess(await api.post(`/sessions/${id}/truncate`, { preserve_len: least + 40 }));
    },
  },
  {
    name: 'compressed',
    needs: ['sessions.compress', 'tokens.estimate'],
    async enter(context, id) {
      const { api } = context;
      await appendFacts(context, id, facts(24));
      expectSuccess(await api.post(`/sessions/${id}/compress`, { ratio: 1.5 }));
      await api.append(id, [...EVERYTHING.slice(5), user('After the summary.')]);
    },
  },
  {
    name: 'rolled-back',
    needs: ['sessions.rollback', 'sessions.snapshot'],
    async enter({ api }, id) {
      const { snapshot_id } = await api.createSnapshot(id);
      await api.append(id, user('To be undone.'));
      expectSuccess(await api.post(`/sessions/${id}/rollback`, { snapshot_id }));
      await api.append(id, { ...user('After it was undone.'), name: 'ann' });
    },
  },
  {
    name: 'with-turns',
    needs: ['chat'],
    chats: true,
    async enter({ api, target, texts }, id) {
      const messages = [{ ...user('Reply with exactly: All is well.'), name: 'ann', pinned: true }];
      await api.chat({
        model: target.model,
        session_id: id,
        messages,
        max_tokens: 16 + texts.overhead.answer,
        tool_choice: 'none',
      });
    },
  },
  {
    name: 'calls-open',
    needs: [],
    async enter({ api }, id) {
      const calling: Message = { role: 'assistant', content: null, tool_calls: [call('call_x'), call('call_y')] };
      await api.append(id, [calling, { role: 'tool', tool_call_id: 'call_y', content: 'the second' }]);
    },
  },
];
