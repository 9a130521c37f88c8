import { expect } from 'vitest';
import type { ChatMessage } from '../../contract/messages.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import type { Reply } from '../support/emulator.ts';
import { type Content, type SessionState, type SnapshotState, type State, tokensOf, totalOf } from './state.ts';
import { structuralFault } from './structure.ts';
import { ACCOUNTS, LIMITS, type World } from './world.ts';

interface Page<Item> {
  data: Item[];
  last_id: string | null;
  has_more: boolean;
}

/** The emulator holds exactly what the reference says: every session, every snapshot, for every account. */
export async function expectWorld(world: World, state: State): Promise<void> {
  await expectLists(world, state);
  for (const session of state.sessions) await expectSession(world, session);
  for (const snapshot of state.snapshots) await expectSnapshot(world, snapshot);
}

async function expectLists(world: World, { sessions, snapshots }: State): Promise<void> {
  for (const account of ACCOUNTS) {
    const listed = async (path: string) => (await listAll<{ id: string }>(world, path, account)).map((item) => item.id);
    const own = (items: readonly { id: string; account: string }[]) =>
      items.filter((item) => item.account === account).map((item) => item.id);
    expect(await listed('/v1/sessions')).toEqual(own(sessions).toReversed());
    expect(await listed('/v1/snapshots')).toEqual(own(snapshots).toReversed());
  }
}

export async function expectSession(world: World, { id, account, version, content }: SessionState): Promise<void> {
  const { body, headers } = await world.api.get(`/v1/sessions/${id}`, { key: account });
  const total = totalOf(content);
  expect(body).toMatchObject({ id, version, tools: content.tools });
  expect(headers.get('etag')).toBe(`"${version}"`);
  expect(body.usage).toEqual({
    total_tokens: total,
    tools_tokens: content.toolsTokens,
    remaining_tokens: LIMITS.window_tokens - total,
    messages: content.messages.length,
  });
  expect(total).toBeLessThanOrEqual(LIMITS.window_tokens);
  await expectMessages(world, `/v1/sessions/${id}/messages`, account, content);
}

async function expectSnapshot(world: World, snapshot: SnapshotState): Promise<void> {
  const { id, account, sessionId, preserveLen, archived, restored, shareId } = snapshot;
  const { body } = await world.api.get(`/v1/snapshots/${id}`, { key: account });
  expect(body).toMatchObject({
    id,
    session_id: sessionId,
    preserve_len: preserveLen,
    usage: { total_tokens: totalOf(restored), tools_tokens: restored.toolsTokens, messages: restored.messages.length },
    archived: { total_tokens: totalOf(archived), messages: archived.messages.length },
    share: shareId === null ? null : { share_id: shareId },
  });
  await expectMessages(world, `/v1/snapshots/${id}/messages?scope=archived&`, account, archived);
  await expectMessages(world, `/v1/snapshots/${id}/messages?`, account, restored);
}

async function expectMessages(world: World, path: string, account: string, content: Content): Promise<void> {
  const listed = await listAll<SessionMessage>(world, path, account);
  expect(listed.map(toComparable)).toEqual(content.messages.map(({ group, ...message }) => message));
  expect(listed.reduce((sum, message) => sum + message.tokens, 0)).toBe(tokensOf(content.messages));
  expect(structuralFault(listed.map(toBody))).toBeUndefined();
}

/** A refusal with this code, after which lists and sessions are as they were; snapshots are compared in the end. */
export async function expectRefusal(world: World, state: State, reply: Reply, code: string): Promise<void> {
  expect(reply.body).toMatchObject({ error: { code } });
  expect(reply.status).toBeGreaterThanOrEqual(400);
  await expectLists(world, state);
  for (const session of state.sessions) await expectSession(world, session);
}

/** Everything that a list route shows, page by page. */
export async function listAll<Item>(world: World, path: string, key: string): Promise<Item[]> {
  const found: Item[] = [];
  const join = path.includes('?') ? '' : '?';
  for (let after = ''; ; ) {
    const { body } = await world.api.get<Page<Item>>(`${path}${join}limit=100${after}`, { key });
    found.push(...body.data);
    if (!body.has_more) return found;
    after = `&after=${body.last_id}`;
  }
}

/** What the reference keeps of a message on the wire. */
function toComparable(message: SessionMessage) {
  const { id, tokens, pinned, truncated, summary } = message;
  return { id, body: toBody(message), tokens, pinned, truncated, summary };
}

export function toBody({ role, content, name, tool_calls, tool_call_id }: SessionMessage): ChatMessage {
  return {
    role,
    content,
    ...(name !== undefined && { name }),
    ...(tool_calls && { tool_calls }),
    ...(tool_call_id !== undefined && { tool_call_id }),
  };
}
