import type { z } from 'zod';
import { ChatCompletion } from '../../contract/chat.ts';
import { listOf } from '../../contract/lists.ts';
import type { InputMessage } from '../../contract/messages.ts';
import { Session, SessionAppend, SessionMessage } from '../../contract/sessions.ts';
import { Snapshot } from '../../contract/snapshots.ts';
import { expectBody, expectEqual, expectTrue } from '../core/expect.ts';
import { Mismatch } from '../core/verdict.ts';
import type { Api, SendOptions } from './api.ts';

/** The calls that most cases are made of. Each expects success. @throws Mismatch or Inconclusive otherwise */

export type Message = z.input<typeof InputMessage>;

const Messages = listOf(SessionMessage);
const Snapshots = listOf(Snapshot);
const LONGEST_PAGE = 100;
/** A window of more pages than this is endless. */
const MAX_PAGES = 200;

export function user(content: string): Message {
  return { role: 'user', content };
}

/** An assistant's message that calls a tool once for each id. */
export function toolCall(...ids: string[]): Message {
  const tool_calls = ids.map((id) => ({
    id,
    type: 'function' as const,
    function: { name: 'look_up', arguments: '{}' },
  }));
  return { role: 'assistant', content: null, tool_calls };
}

/** What a tool has answered. */
export function toolResult(tool_call_id: string, content = 'done'): Message {
  return { role: 'tool', tool_call_id, content };
}

/** A session that carries the mark of its run, unless the body has metadata of its own. */
export async function createSession(api: Api, body: object = {}): Promise<Session> {
  return expectBody(await api.post('/sessions', { metadata: api.mark, ...body }), Session);
}

export async function getSession(api: Api, id: string): Promise<Session> {
  return expectBody(await api.get(`/sessions/${id}`), Session);
}

/** One write of one message, or of several. */
export async function append(
  api: Api,
  id: string,
  write: Message | Message[],
  send?: SendOptions,
): Promise<SessionAppend> {
  const body = Array.isArray(write) ? { messages: write } : write;
  return expectBody(await api.post(`/sessions/${id}/messages`, body, send), SessionAppend);
}

export async function createSnapshot(api: Api, id: string, body: object = {}): Promise<Snapshot> {
  return expectBody(await api.post(`/sessions/${id}/snapshots`, body), Snapshot);
}

/** A turn that is not streamed. Carries `max_tokens`, because an answer without a limit could cost anything. */
export async function chat(api: Api, body: { model: string; [field: string]: unknown }): Promise<ChatCompletion> {
  return expectBody(await api.post('/chat/completions', { max_tokens: 64, ...body }), ChatCompletion);
}

/** All messages of a window, or of a snapshot (`/snapshots/ID/messages?scope=archived`), over all its pages. */
export async function readMessages(api: Api, path: string): Promise<SessionMessage[]> {
  const messages: SessionMessage[] = [];
  let after = '';
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const joint = path.includes('?') ? '&' : '?';
    const page = expectBody(await api.get(`${path}${joint}limit=${LONGEST_PAGE}${after}`), Messages);
    messages.push(...page.data);
    if (!page.has_more) return messages;
    expectTrue(page.data.length > 0, `GET ${path}: a page without messages says has_more`);
    after = `&after=${page.last_id}`;
  }
  throw new Mismatch(`GET ${path}: the pages do not end`);
}

export function windowOf(api: Api, id: string): Promise<SessionMessage[]> {
  return readMessages(api, `/sessions/${id}/messages`);
}

/** All that can be read of a session. */
export interface State {
  session: Session;
  messages: SessionMessage[];
}

export async function stateOf(api: Api, id: string): Promise<State> {
  return { session: await getSession(api, id), messages: await windowOf(api, id) };
}

/** @throws Mismatch where the session is not exactly as it was */
export async function expectUnchanged(api: Api, before: State): Promise<void> {
  expectEqual(await stateOf(api, before.session.id), before, 'the session after a request that must change nothing');
}

/** The newest snapshots of a session. */
export async function snapshotsOf(api: Api, id: string): Promise<Snapshot[]> {
  return expectBody(await api.get(`/sessions/${id}/snapshots`), Snapshots).data;
}

/** Shares a snapshot. @returns the share_id @throws Mismatch, Inconclusive */
export async function share(api: Api, snapshotId: string, body: object = {}): Promise<string> {
  const reply = await api.post(`/snapshots/${snapshotId}/share`, body);
  const id = expectBody(reply, Snapshot).share?.share_id;
  if (id === undefined) throw new Mismatch(`${reply.what}: a share without a share_id`);
  return id;
}

const CHANGED = 6;

/** An id of the same shape that nobody was given. */
export function unknownId(id: string): string {
  let left = CHANGED;
  const characters = [...id].reverse().map((character) => {
    if (left === 0 || !/[0-9a-zA-Z]/.test(character)) return character;
    left -= 1;
    return character === '0' ? '1' : '0';
  });
  return characters.reverse().join('');
}
