import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import type { SessionMessage } from '../../contract/sessions.ts';
import type { Model } from '../../emulator/models/model.ts';
import type { Api, Reply } from '../support/emulator.ts';

export const CLIENTS = 32;
/** Turns of the event loop that a refused client lets pass, so that what it waits for gets on. */
const BACK_OFF_TURNS = 50;

/** The answers of so many clients that work at the same time. */
export function together<Result>(work: (client: number) => Promise<Result>, clients = CLIENTS): Promise<Result[]> {
  return Promise.all(Array.from({ length: clients }, (_, client) => work(client)));
}

/** Repeats the last user's words, taking a few turns of the event loop, so that turns overlap with what others ask. */
export const echo: Model = {
  name: 'echo',
  async *complete({ messages }) {
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    yield { type: 'text', text: `echo of ${messages.findLast((message) => message.role === 'user')?.content}` };
  },
};

/** Asks until the session is free; a refusal as busy must say that asking again is worth it. */
export async function whenIdle<Body>(
  ask: () => Promise<Reply<Body>>,
): Promise<{ reply: Reply<Body>; refusals: number }> {
  for (let refusals = 0; ; refusals += 1) {
    const reply = await ask();
    if (reply.status !== 409) return { reply, refusals };
    expect(reply.body).toMatchObject({ error: { code: 'session_busy', type: 'conflict_error' } });
    expect(reply.headers.get('x-should-retry')).toBe('true');
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    for (let turn = Math.random() * BACK_OFF_TURNS; turn > 0; turn -= 1) await setImmediate();
  }
}

export async function listMessages(api: Api, id: string): Promise<SessionMessage[]> {
  const found: SessionMessage[] = [];
  for (let after = ''; ; ) {
    const path = `/v1/sessions/${id}/messages?limit=100${after}`;
    const { body } = await api.get<{ data: SessionMessage[]; has_more: boolean; last_id: string }>(path);
    found.push(...body.data);
    if (!body.has_more) return found;
    after = `&after=${body.last_id}`;
  }
}
