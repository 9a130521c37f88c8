import { describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../contract/errors.ts';
import { LIMITS } from '../../contract/limits.ts';
import { MODEL, TRANSPORTS } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { createSession, type SessionUnderTest, sized, startSession, words } from '../support/session.ts';

/** What can be wrong with one request, in the order in which it is looked at, and how each is told. */
const FAULTS = {
  key: 'incorrect_api_key_error',
  size: 'total message size',
  schema: 'content: must be text',
  replay: 'idempotency_mismatch',
  existence: 'session_not_found',
  version: 'version_conflict',
  busy: 'session_busy',
  pairing: 'tool_result_orphan',
  append: 'append_too_large',
  window: 'context_window_exceeded',
} as const;
type Fault = keyof typeof FAULTS;

const limits = { window_tokens: 80, append_tokens: 16, min_preserve_tokens: 16, body_bytes: 4_096 };

function headersOf(faults: ReadonlySet<Fault>): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    ...(faults.has('key') && { Authorization: 'Bearer' }),
    ...(faults.has('replay') && { 'Idempotency-Key': 'used' }),
    ...(faults.has('version') && { 'If-Match': '"1"' }),
  };
}

function messageOf(faults: ReadonlySet<Fault>): object {
  const tokens = faults.has('append') ? 17 : faults.has('window') ? 16 : 5;
  const content = faults.has('schema') ? 5 : words(tokens - 4);
  // "## Return of c" before its content makes the same content longer.
  if (faults.has('pairing')) return { role: 'tool', tool_call_id: 'c', content };
  return { role: 'user', content };
}

const REQUESTS: Record<string, (session: SessionUnderTest, faults: ReadonlySet<Fault>) => [string, object]> = {
  append: ({ id }, faults) => [
    `/v1/sessions/${faults.has('existence') ? 'sess_none' : id}/messages`,
    { messages: [messageOf(faults)] },
  ],
  chat: ({ id }, faults) => [
    '/v1/chat/completions',
    {
      model: MODEL,
      session_id: faults.has('existence') ? 'sess_none' : id,
      messages: [messageOf(faults)],
      max_tokens: 1,
    },
  ],
};

describe.each(TRANSPORTS)('the order of checks %s', (transport) => {
  it.each(Object.keys(REQUESTS))('of %s is that of the contract', async (name) => {
    const model = new HeldModel();
    const session = await startSession(transport, { model, limits });
    const { api } = session;
    await api.post('/v1/sessions', {}, { headers: { 'Idempotency-Key': 'used' } });
    for (let filled = 0; filled < 60; filled += 12) await session.append(sized(12));
    const turn = session.chat([], { max_tokens: 4 });
    const asked = await model.asked();

    const faults = new Set(Object.keys(FAULTS) as Fault[]);
    for (const [fault, told] of Object.entries(FAULTS) as [Fault, string][]) {
      const [path, body] = REQUESTS[name]?.(session, faults) ?? ['', {}];
      const padding = faults.has('size') ? ' '.repeat(limits.body_bytes) : '';
      const before = await session.state();
      const reply = await api.send<ErrorBody>('POST', path, JSON.stringify(body) + padding, {
        headers: headersOf(faults),
      });
      expect(reply.status, reply.text).toBeGreaterThanOrEqual(400);
      expect(reply.text, fault).toContain(told);
      expect(await session.state(), fault).toEqual(before);
      faults.delete(fault);
      if (fault !== 'busy') continue;
      asked.say('OK');
      asked.end();
      await turn;
    }
    const [path, body] = REQUESTS[name]?.(session, faults) ?? ['', {}];
    const last = api.post(path, body);
    if (name === 'chat') (await model.asked()).end();
    expect((await last).status).toBe(200);
  });

  it('puts what the request says of itself before what the session says of it', async () => {
    const session = await startSession(transport);
    const { api } = session;
    const unknown = { session_id: 'sess_none', model: MODEL, messages: [sized(5)] };
    const refusals: [string, object, Record<string, string>, string][] = [
      ['/v1/chat/completions', { ...unknown, n: 2 }, {}, '"param":"n"'],
      ['/v1/chat/completions', unknown, { 'If-Match': '7' }, '"param":"If-Match"'],
      ['/v1/chat/completions', { ...unknown, model: 'kimi-9' }, {}, 'Not found the model kimi-9'],
      ['/v1/chat/completions', { ...unknown, messages: [{ role: 'user', content: '' }] }, {}, 'messages[0].content'],
      ['/v1/sessions/sess_none/messages', { messages: [] }, {}, '"param":"messages"'],
      ['/v1/sessions/sess_none/messages', sized(5), { 'If-Match': '7' }, '"param":"If-Match"'],
      ['/v1/sessions/sess_none/truncate', {}, {}, '"param":"preserve_len"'],
    ];
    for (const [path, body, headers, told] of refusals) {
      const reply = await api.post(path, body, { headers });
      expect(reply.text, JSON.stringify(body)).toContain(told);
    }
  });

  it('looks for the session before its limits: of a full account, what to fork from', async () => {
    const session = await startSession(transport, { limits: { sessions: 2, snapshots: 1 } });
    await createSession(session.api);
    const { api } = session;
    expect((await api.post('/v1/sessions', { snapshot_id: 'snap_none' })).text).toContain('snapshot_not_found');
    expect((await api.post('/v1/sessions', { share_id: 'shr_none' })).text).toContain('share_not_found');
    const full = await api.post('/v1/sessions', {});
    expect(full.text).toContain('session_limit_reached');
    const snapshot = (await session.snapshot()).body.id;
    expect((await api.post('/v1/sessions', { snapshot_id: snapshot })).text).toContain('session_limit_reached');
    expect((await session.snapshot()).text).toContain('snapshot_limit_reached');
    expect(LIMITS.sessions.default).toBe(100);
  });
});
