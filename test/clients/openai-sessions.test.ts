import { ConflictError, NotFoundError } from 'openai';
import { ConversationCursorPage, CursorPage } from 'openai/core/pagination';
import { describe, expect, it } from 'vitest';
import type { List } from '../../contract/lists.ts';
import type { Session, SessionAppend, SessionMessage, SessionTruncation } from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import { MODEL, TRANSPORTS } from '../support/emulator.ts';
import { startOpenAI } from './openai.ts';

type SessionPage = CursorPage<Session>;
type MessagePage = ConversationCursorPage<SessionMessage>;

const sentence = (number: number) => `Entry ${number}: the key of room ${number} is K${number * 7}.`;

describe.each(TRANSPORTS)('openai, raw session calls %s', (transport) => {
  it('works a session from its first message to a rollback', async () => {
    const client = await startOpenAI(transport, { limits: { min_preserve_tokens: 64 } });
    const session: Session = await client.post('/sessions', {
      body: { title: 'raw', messages: [{ role: 'system', content: 'You keep the keys.' }] },
    });
    const path = `/sessions/${session.session_id}`;
    const entries = Array.from({ length: 20 }, (_, index) => ({ role: 'user', content: sentence(index) }));
    const appended: SessionAppend = await client.post(`${path}/messages`, { body: { messages: entries } });
    expect(appended.usage.messages).toBe(21);

    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: 'user', content: 'What is the key of room 3?' }],
      stream: true,
      ...{ session_id: session.id },
    });
    let answer = '';
    for await (const chunk of stream) answer += chunk.choices[0]?.delta.content ?? '';
    expect(answer).toContain('K21');

    const full: Session = await client.get(path);
    const snapshot: Snapshot = await client.post(`${path}/snapshots`, { body: { name: 'full' } });
    const cut: SessionTruncation = await client.post(`${path}/truncate`, { body: { preserve_len: 64 } });
    expect(cut.after.total_tokens).toBeLessThanOrEqual(64);
    const restored: Session = await client.post(`${path}/rollback`, { body: { snapshot_id: snapshot.snapshot_id } });
    expect(restored.usage).toEqual(full.usage);
    expect(await client.delete(path)).toEqual({ id: session.id, object: 'session.deleted', deleted: true });
    await expect(client.get(path)).rejects.toBeInstanceOf(NotFoundError);
  });

  it('gives code and param of a refusal to the error of the client', async () => {
    const client = await startOpenAI(transport);
    const session: Session = await client.post('/sessions');
    await expect(
      client.post(`/sessions/${session.id}/truncate`, { body: { preserve_len: 4_095 } }),
    ).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      code: 'preserve_len_too_small',
      param: 'preserve_len',
    });
    const stale = client.post(`/sessions/${session.id}`, { body: { title: 'x' }, headers: { 'If-Match': '"9"' } });
    await expect(stale).rejects.toBeInstanceOf(ConflictError);
    await expect(stale).rejects.toMatchObject({ code: 'version_conflict' });
  });

  it("pages through lists with the client's cursor pages", async () => {
    const client = await startOpenAI(transport);
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) made.push((await client.post<Session>('/sessions')).id);

    const seen: string[] = [];
    const sessions = client.getAPIList<Session, SessionPage>('/sessions', CursorPage, { query: { limit: 2 } });
    for await (const { id } of sessions) seen.push(id);
    expect(seen).toEqual(made.toReversed());

    const path = `/sessions/${made[0]}/messages`;
    const messages = Array.from({ length: 7 }, (_, index) => ({ role: 'user', content: sentence(index) }));
    await client.post(path, { body: { messages } });
    const texts: unknown[] = [];
    const query = { limit: 3 };
    const window = client.getAPIList<SessionMessage, MessagePage>(path, ConversationCursorPage, { query });
    for await (const { content } of window) texts.push(content);
    expect(texts).toEqual(messages.map(({ content }) => content));

    const { first_id, last_id, has_more, data }: List<Session> = await client.get('/sessions?order=asc');
    expect([first_id, last_id, has_more]).toEqual([made[0], made[4], false]);
    expect(data.map(({ id }) => id)).toEqual(made);
  });
});
