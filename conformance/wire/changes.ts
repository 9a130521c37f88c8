import type { Capability } from '../../contract/capabilities.ts';
import type { CaseContext } from '../core/case.ts';
import type { SendOptions } from './api.ts';
import type { Reply } from './reply.ts';
import { append, createSession, createSnapshot, user, windowOf } from './sessions.ts';
import { fillWindow } from './windows.ts';

/** A session and what stands around it, ready to be changed. */
interface ChangeSetup {
  session: string;
  /** Its first message. */
  message: string;
  /** Taken before its last message was written; empty where nothing needs one. */
  snapshot: string;
}

/** One way to change a session, such that it takes effect on a ground laid for it. */
export interface SessionChange {
  name: string;
  needs: readonly Capability[];
  /** What it has to find: more in the window than `min_preserve_tokens`, or a snapshot. */
  requires?: 'long' | 'snapshot';
  /** Tokens of its chat. */
  chats?: boolean;
  path: (ground: ChangeSetup) => string;
  body: (context: CaseContext<string>, ground: ChangeSetup) => object;
}

export const CHAT_COST = { promptTokens: 4_096, completionTokens: 128 };

export const TOOL = {
  type: 'function',
  function: { name: 'look_up', description: 'Looks a word up.', parameters: { type: 'object', properties: {} } },
} as const;

const of = (rest: string) => (ground: ChangeSetup) => `/sessions/${ground.session}${rest}`;

/** Every route that changes a session, but for deletion. */
export const SESSION_CHANGES: readonly SessionChange[] = [
  { name: 'title', needs: [], path: of(''), body: () => ({ title: 'Another title' }) },
  { name: 'metadata', needs: [], path: of(''), body: () => ({ metadata: { colour: 'blue' } }) },
  { name: 'tools', needs: [], path: of(''), body: () => ({ tools: [TOOL] }) },
  { name: 'append', needs: ['sessions.append'], path: of('/messages'), body: () => user('One more.') },
  {
    name: 'append-several',
    needs: ['sessions.append'],
    path: of('/messages'),
    body: () => ({ messages: [user('One more.'), user('And another.')] }),
  },
  {
    name: 'pin',
    needs: ['sessions.append'],
    path: ({ session, message }) => `/sessions/${session}/messages/${message}`,
    body: () => ({ pinned: true }),
  },
  {
    name: 'truncate',
    needs: ['sessions.truncate', 'sessions.append', 'tokens.estimate'],
    requires: 'long',
    path: of('/truncate'),
    body: ({ limits }) => ({ preserve_len: limits.min_preserve_tokens }),
  },
  {
    name: 'compress',
    needs: ['sessions.compress', 'sessions.append', 'tokens.estimate'],
    requires: 'long',
    path: of('/compress'),
    body: () => ({ ratio: 2 }),
  },
  {
    name: 'rollback',
    needs: ['sessions.rollback', 'sessions.snapshot', 'sessions.append'],
    requires: 'snapshot',
    path: of('/rollback'),
    body: (_, { snapshot }) => ({ snapshot_id: snapshot }),
  },
  {
    name: 'chat',
    needs: ['chat'],
    chats: true,
    path: () => '/chat/completions',
    body: ({ target }, { session }) => ({
      model: target.model,
      session_id: session,
      messages: [user('Reply with the word OK only.')],
      max_tokens: 16,
    }),
  },
];

/** A session for `change` to take effect on. @throws Mismatch, Inconclusive */
export async function setUpChange(
  context: CaseContext<string>,
  { requires }: Pick<SessionChange, 'requires'>,
): Promise<ChangeSetup> {
  const { api, limits } = context;
  const { id } = await createSession(api, { messages: [user('The first message.')] });
  if (requires === 'long') {
    const least = limits.min_preserve_tokens;
    await fillWindow(context, id, 2 * least, Math.floor(least / 2));
  }
  const snapshot = requires === 'snapshot' ? (await createSnapshot(api, id)).id : '';
  if (requires === 'snapshot') await append(api, id, user('What came after the snapshot.'));
  const [first] = await windowOf(api, id);
  return { session: id, message: first?.id ?? '', snapshot };
}

/** @param api who sends it, where that is not the account of the session */
export function sendChange(
  context: CaseContext<string>,
  change: SessionChange,
  ground: ChangeSetup,
  send?: SendOptions,
  api = context.api,
): Promise<Reply> {
  return api.post(change.path(ground), change.body(context, ground), send);
}
