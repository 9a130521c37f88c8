import type { Capability } from '../../contract/capabilities.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import type { CaseContext } from '../core/case.ts';
import type { Api, SendOptions } from '../wire/api.ts';
import type { Reply } from '../wire/reply.ts';
import { unknownId, user } from '../wire/sessions.ts';
import { fillWindow, OTHER_TOOL, TOOL } from '../wire/windows.ts';

/** What a request finds: a session with a pin and a shared snapshot, and more in its window than a cut keeps. */
export interface Ground {
  session: string;
  /** A message without a pin, and one with. */
  message: string;
  pinned: string;
  /** Taken before the last message was written. */
  snapshot: string;
  /** Of the snapshot; empty where no route needs it. */
  share: string;
}

/** One request that changes something, or that could. */
export interface Route {
  readonly name: string;
  readonly needs: readonly Capability[];
  readonly method?: 'POST' | 'DELETE';
  path(ground: Ground): string;
  body?(context: CaseContext<string>, ground: Ground): object;
  /** What the path or body names: that it is refused where nobody was given the id, and as what. */
  readonly names?: 'session' | 'snapshot' | 'share';
  /** Its session's version is asked for by `If-Match`. */
  readonly versioned?: true;
  /** It raises the version of its session. */
  readonly steps?: true;
  /** It changes nothing, however often it is sent. */
  readonly rehearses?: true;
  readonly creates?: true;
  readonly deletes?: true;
  readonly chats?: true;
  readonly lines?: true;
}

export const CHAT_COST = { promptTokens: 8_192, completionTokens: 256 };
const NDJSON = { 'Content-Type': 'application/x-ndjson' };
const ANSWER_TOKENS = 16;

const of = (rest: string) => (ground: Ground) => `/sessions/${ground.session}${rest}`;
const snapshotOf = (rest: string) => (ground: Ground) => `/snapshots/${ground.snapshot}${rest}`;
const change = { names: 'session', versioned: true, steps: true } as const;
const chat = (more: object) => ({
  ...change,
  chats: true as const,
  path: () => '/chat/completions',
  body: ({ target, texts }: CaseContext<string>, { session }: Ground) => ({
    model: target.model,
    session_id: session,
    messages: [user('Reply with the word OK only.')],
    max_tokens: ANSWER_TOKENS + texts.overhead.answer,
    ...more,
  }),
});

const CUT: Capability[] = ['sessions.truncate', 'sessions.append', 'tokens.estimate'];
const COMPRESS: Capability[] = ['sessions.compress', 'sessions.append', 'tokens.estimate'];
const SHARE: Capability[] = ['sessions.snapshot', 'sessions.share'];

/** Every route that changes something. */
export const ROUTES: readonly Route[] = [
  { name: 'create', needs: [], creates: true, path: () => '/sessions', body: () => ({ title: 'Once' }) },
  {
    name: 'create-with-messages',
    needs: [],
    creates: true,
    path: () => '/sessions',
    body: () => ({ messages: [user('The first message.')], tools: [TOOL] }),
  },
  {
    name: 'fork',
    needs: ['sessions.snapshot', 'sessions.fork'],
    names: 'snapshot',
    creates: true,
    path: () => '/sessions',
    body: (_, { snapshot }) => ({ snapshot_id: snapshot }),
  },
  {
    name: 'share-fork',
    needs: [...SHARE, 'sessions.fork'],
    names: 'share',
    creates: true,
    path: () => '/sessions',
    body: (_, { share: share_id }) => ({ share_id }),
  },
  { ...change, name: 'title', needs: [], path: of(''), body: () => ({ title: 'Another title' }) },
  { ...change, name: 'metadata', needs: [], path: of(''), body: () => ({ metadata: { colour: 'blue' } }) },
  { ...change, name: 'tools', needs: [], path: of(''), body: () => ({ tools: [TOOL] }) },
  { ...change, name: 'append', needs: ['sessions.append'], path: of('/messages'), body: () => user('One more.') },
  {
    ...change,
    name: 'append-several',
    needs: ['sessions.append'],
    path: of('/messages'),
    body: () => ({ messages: [user('One more.'), user('And another.')] }),
  },
  {
    ...change,
    name: 'append-lines',
    needs: ['sessions.append', 'sessions.append.stream'],
    lines: true,
    path: of('/messages'),
    body: () => user('One more.'),
  },
  {
    ...change,
    name: 'pin',
    needs: ['sessions.append'],
    path: ({ session, message }) => `/sessions/${session}/messages/${message}`,
    body: () => ({ pinned: true }),
  },
  {
    ...change,
    name: 'unpin',
    needs: ['sessions.append'],
    path: ({ session, pinned }) => `/sessions/${session}/messages/${pinned}`,
    body: () => ({ pinned: false }),
  },
  {
    ...change,
    name: 'truncate',
    needs: CUT,
    path: of('/truncate'),
    body: ({ limits }) => ({ preserve_len: limits.min_preserve_tokens }),
  },
  {
    name: 'truncate-rehearsal',
    needs: CUT,
    names: 'session',
    versioned: true,
    rehearses: true,
    path: of('/truncate'),
    body: ({ limits }) => ({ preserve_len: limits.min_preserve_tokens, dry_run: true }),
  },
  { ...change, name: 'compress', needs: COMPRESS, path: of('/compress'), body: () => ({ ratio: 1.5 }) },
  {
    name: 'compress-rehearsal',
    needs: COMPRESS,
    names: 'session',
    versioned: true,
    rehearses: true,
    path: of('/compress'),
    body: () => ({ ratio: 1.5, dry_run: true }),
  },
  {
    ...change,
    name: 'rollback',
    needs: ['sessions.rollback', 'sessions.snapshot', 'sessions.append'],
    path: of('/rollback'),
    body: (_, { snapshot }) => ({ snapshot_id: snapshot }),
  },
  { ...chat({}), name: 'chat', needs: ['chat'] },
  {
    ...chat({ stream: true, stream_options: { include_usage: true } }),
    name: 'streamed-chat',
    needs: ['chat', 'chat.stream'],
  },
  {
    ...chat({ tools: [OTHER_TOOL], tool_choice: 'none' }),
    name: 'chat-with-tools',
    needs: ['chat', 'chat.tools'],
  },
  {
    name: 'snapshot',
    needs: ['sessions.snapshot'],
    names: 'session',
    versioned: true,
    path: of('/snapshots'),
    body: () => ({ name: 'Once' }),
  },
  { name: 'share', needs: SHARE, names: 'snapshot', path: snapshotOf('/share'), body: () => ({ expires_in: 3_600 }) },
  { name: 'unshare', needs: SHARE, names: 'snapshot', method: 'DELETE', path: snapshotOf('/share') },
  { name: 'delete', needs: [], names: 'session', versioned: true, deletes: true, method: 'DELETE', path: of('') },
  {
    name: 'delete-snapshot',
    needs: ['sessions.snapshot'],
    names: 'snapshot',
    deletes: true,
    method: 'DELETE',
    path: snapshotOf(''),
  },
];

/** Every route that only reads. */
export const READ_ROUTES: readonly Route[] = [
  { name: 'read-sessions', needs: ['sessions.list'], path: () => '/sessions' },
  { name: 'read-session', needs: [], path: of('') },
  { name: 'read-messages', needs: [], path: of('/messages') },
  { name: 'read-session-snapshots', needs: ['sessions.snapshot'], path: of('/snapshots') },
  { name: 'read-snapshots', needs: ['sessions.snapshot'], path: () => '/snapshots' },
  { name: 'read-snapshot', needs: ['sessions.snapshot'], path: snapshotOf('') },
  { name: 'read-snapshot-messages', needs: ['sessions.snapshot'], path: snapshotOf('/messages') },
  { name: 'read-share', needs: SHARE, path: ({ share }) => `/shares/${share}` },
];

/** What every ground needs that a route does not say. */
export const GROUND_NEEDS: readonly Capability[] = ['sessions', 'sessions.append', 'tokens.estimate'];

/** Lays the ground for a route. @throws Mismatch, Inconclusive */
export async function layGround(context: CaseContext<string>, { needs }: Route): Promise<Ground> {
  const { api, limits } = context;
  const messages = [user('The first message.'), { ...user('A message with a pin.'), pinned: true }];
  const { id } = await api.createSession({ title: 'Ground', messages });
  const least = limits.min_preserve_tokens;
  if (needs.includes('tokens.estimate')) await fillWindow(context, id, 2 * least, Math.floor(least / 2));
  const snapshot = needs.includes('sessions.snapshot') ? (await api.createSnapshot(id)).id : '';
  const share_id = needs.includes('sessions.share') ? await api.share(snapshot) : '';
  if (snapshot) await api.append(id, user('What came after the snapshot.'));
  const [first, second] = await api.windowOf(id);
  return { session: id, message: first?.id ?? '', pinned: second?.id ?? '', snapshot, share: share_id };
}

/** The same ids as nobody was given them. */
export function unknownGround(ground: Ground): Ground {
  const entries = Object.entries(ground).map(([name, id]) => [name, id === '' ? id : unknownId(id)]);
  return Object.fromEntries(entries) as unknown as Ground;
}

export function notFound({ names }: Route): { code: ErrorCode; options: { param?: string } } {
  return { code: `${names ?? 'session'}_not_found`, options: {} };
}

/** @param api who sends it, where that is not the account of the session; @param body other bytes than its own */
export function sendRoute(
  context: CaseContext<string>,
  { method = 'POST', path, body, lines }: Route,
  ground: Ground,
  { headers = {}, ...send }: SendOptions = {},
  api: Api = context.api,
): Promise<Reply> {
  const content = body?.(context, ground);
  if (!lines) return api.send(method, path(ground), content, { ...send, headers });
  const raw = send.raw ?? `${JSON.stringify(content)}\n`;
  return api.send(method, path(ground), undefined, { ...send, raw, headers: { ...NDJSON, ...headers } });
}
