import { ask, windowAt } from '../../asking.ts';
import { onChat } from '../../chats.ts';
import type { Mutant } from '../../mutant.ts';
import type { Forward } from '../../proxy.ts';
import { codeOf, refusal, type Sent } from '../../rewrites.ts';
import { mutant, onTurn, pieced } from './support.ts';

const LAST = 10;

async function allWindows(forward: Forward): Promise<Sent[]> {
  const { data = [] } = (await ask(forward, 'GET', '/v1/sessions', undefined, '?limit=100')).body as {
    data?: { id: string }[];
  };
  const windows: Sent[] = [];
  for (const { id } of data) {
    const messages = await windowAt(forward, id);
    windows.push(...messages.map(({ role, content }) => ({ role, content })));
  }
  return windows;
}

export const TURN_HISTORY_MUTANTS: readonly Mutant[] = [
  mutant(
    'history-ignored',
    'the model reads the new messages only',
    [
      'turn.history/written-before-read',
      'turn.history/said-before-read',
      'turn.history/late-system-read',
      'turn.isolation/own-read',
    ],
    pieced({ read: (_, added) => added }),
  ),
  mutant(
    'last-messages-only',
    'the model reads the last ten messages',
    ['turn.history/oldest-of-many-read', 'turn.window/oldest-of-full-read'],
    pieced({ read: (window, added) => [...window.slice(-LAST), ...added] }),
  ),
  mutant(
    'turns-not-kept',
    'what is said in turns is not stored',
    ['turn.history/said-before-read', 'turn.accounting/new-stored'],
    pieced({
      store: () => [],
    }),
  ),
  mutant(
    'late-system-ignored',
    'the model reads system messages at the beginning only',
    ['turn.history/late-system-read'],
    pieced({
      read: (window, added) => [...window.filter(({ role }, index) => index === 0 || role !== 'system'), ...added],
    }),
  ),
  mutant(
    'history-shared',
    'the model reads all sessions of the account',
    ['turn.isolation/other-not-read'],
    pieced({
      read: async (_, added, forward) => [...(await allWindows(forward)), ...added],
    }),
  ),
  mutant(
    'outside-reads-sessions',
    'a chat without session goes on from the sessions of the account',
    ['turn.isolation/outside-not-read'],
    onChat(async (body, forward) => {
      if (body.session_id !== undefined || !Array.isArray(body.messages)) return forward();
      return forward({ body: { ...body, messages: [...(await allWindows(forward)), ...body.messages] } });
    }),
  ),
  mutant(
    'one-session',
    'every turn goes to the session of the first',
    ['turn.isolation/stored-apart', 'turn.isolation/other-not-read'],
    () => {
      let first: string | undefined;
      return onTurn(async (body, forward) => {
        first ??= body.session_id;
        const response = await forward({ body: { ...body, session_id: first } });
        if ((await codeOf(response)) !== 'session_not_found') return response;
        first = undefined;
        return forward();
      })();
    },
  ),
  mutant(
    'empty-window-accepted',
    'a turn of no messages in an empty window is answered',
    ['turn.no-messages/empty-window-refused'],
    onTurn(async (body, forward) => {
      const response = await forward();
      if (response.ok || body.messages.length > 0) return response;
      return forward({ body: { ...body, messages: [{ role: 'user', content: 'Hello.' }] } });
    }),
  ),
  mutant(
    'messages-needed',
    'a turn has to bring messages',
    ['turn.tool-calls/goes-on-from-result'],
    onTurn((body, forward) =>
      body.messages.length === 0
        ? Promise.resolve(refusal('invalid_request', 'Invalid request: messages: empty'))
        : forward(),
    ),
  ),
  mutant(
    'last-repeated',
    'a turn of no messages repeats the last one',
    ['turn.no-messages/reply-alone-stored', 'turn.no-messages/prompt-is-the-window'],
    onTurn(async (body, forward) => {
      const last = body.messages.length === 0 ? (await windowAt(forward, body.session_id)).at(-1) : undefined;
      return last?.role === 'user'
        ? forward({ body: { ...body, messages: [{ role: 'user', content: last.content }] } })
        : forward();
    }),
  ),
  mutant(
    'greets-instead',
    'a turn of no messages is answered as if nothing had been said',
    ['turn.no-messages/answers-the-window'],
    pieced({
      read: (window, added) => (added.length === 0 ? [{ role: 'user', content: 'Hello.' }] : [...window, ...added]),
    }),
  ),
];
