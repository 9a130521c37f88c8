import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { renderJournal } from '../../emulator/index.ts';
import type { JournalFile } from '../../emulator/journal/journal-file.ts';
import { MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { failing, HeldModel } from '../support/held-model.ts';
import { called, createSession, result, sized, startSession } from '../support/session.ts';

describe.each(TRANSPORTS)('%s', (transport) => {
  it('lists requests and answers, oldest first, with what they did', async () => {
    const session = await startSession(transport, { limits: { min_preserve_tokens: 64 } });
    const { api } = session;
    await session.append({ messages: [sized(100), called('a', 'b')] });
    await session.append({ messages: [result('a'), result('b')] }, { 'Idempotency-Key': 'key-1' });
    await session.append({ messages: [result('a'), result('b')] }, { 'Idempotency-Key': 'key-1' });
    await session.truncate(64);
    await session.append(result('a'));
    await api.get('/v1/sessions?limit=2');
    const { body } = await api.get<JournalFile>('/_emulator/journal');
    expect(body).toMatchObject({ object: 'emulator.journal', version: 1, dropped: 0 });
    const { entries } = body;
    expect(entries.map(({ n, operation, status }) => [n, operation, status])).toEqual([
      [1, 'createSession', 201],
      [2, 'appendMessages', 200],
      [3, 'appendMessages', 200],
      [4, 'appendMessages', 200],
      [5, 'truncateSession', 200],
      [6, 'appendMessages', 400],
      [7, 'listSessions', 200],
    ]);
    expect(entries.slice(0, 6).map((entry) => entry.session)).toEqual(new Array(6).fill(session.id));
    expect(entries[1]?.facts.wrote).toMatchObject({ messages: 2, opened: ['a', 'b'] });
    expect(entries[2]).toMatchObject({ idempotency_key: 'key-1', facts: { wrote: { answered: ['a', 'b'] } } });
    expect(entries[3]).toMatchObject({ replayed: true });
    for (const index of [3, 5, 6]) expect(entries[index]?.facts).toEqual({});
    expect(entries[4]?.facts.cut).toMatchObject({ messages: 1, tokens: 100 });
    expect(entries[5]).toMatchObject({ code: 'tool_result_orphan' });
    expect(JSON.parse(entries[5]?.request ?? '')).toEqual(result('a'));
    expect(JSON.parse(entries[5]?.answer ?? '').error.code).toBe('tool_result_orphan');
    expect(entries[6]?.path).toBe('/v1/sessions?limit=2');
    expect(api.emulator.journal.entries()).toEqual(entries);
  });

  it('finds by session, status, operation, key and number', async () => {
    const session = await startSession(transport);
    const { api } = session;
    const other = await createSession(api, {}, 'sk-other-account');
    await other.append(sized(10));
    await session.truncate(1);
    await api.get('/v1/models/unknown');
    const found = async (query: string) => {
      const { body } = await api.get<JournalFile>(`/_emulator/journal?${query}`);
      return body.entries.map((entry) => entry.n);
    };
    expect(await found(`session=${session.id}`)).toEqual([1, 4]);
    expect(await found('status=400')).toEqual([4]);
    expect(await found('status=4xx')).toEqual([4, 5]);
    expect(await found('operation=createSession')).toEqual([1, 2]);
    expect(await found('key=sk-other-account')).toEqual([2, 3]);
    const account = api.emulator.journal.entries()[1]?.account;
    expect(await found(`key=${account}`)).toEqual([2, 3]);
    expect(await found('since=2&limit=2')).toEqual([4, 5]);
    expect(await found('operation=createSession&limit=1')).toEqual([2]);
    expect((await api.get('/_emulator/journal?sessions=x')).status).toBe(400);
    expect((await api.get('/_emulator/journal?status=bad')).text).toContain('such as 4xx');
    expect((await api.get('/_emulator/journal?operation=append')).text).toContain('appendMessages');
  });

  it('keeps what a rate limit refused, and how long it said to wait', async () => {
    const session = await startSession(transport, { rateTier: 0, seed: 'still' });
    for (let turn = 1; turn <= 4; turn += 1) await session.chat([{ role: 'user', content: `Turn ${turn}` }]);
    const refused = session.api.emulator.journal.entries().at(-1);
    expect(refused).toMatchObject({ status: 429, code: 'rpm_limit', retry_after: 60, session: session.id });
    expect(JSON.parse(refused?.request ?? '{}').messages).toEqual([{ role: 'user', content: 'Turn 4' }]);
    const headers = { 'Content-Type': 'application/json' };
    expect((await session.api.send('POST', '/v1/chat/completions', '{', { headers })).status).toBe(429);
  });

  it('is cleared, and counts on', async () => {
    const session = await startSession(transport);
    const { api } = session;
    expect((await api.delete('/_emulator/journal')).body).toEqual({ cleared: true });
    expect(api.emulator.journal.entries()).toEqual([]);
    await session.show();
    expect(api.emulator.journal.entries().map((entry) => entry.n)).toEqual([2]);
    expect(api.emulator.journal.dropped).toBe(0);
  });

  it('the journal shows what a stream sent, and whether its turn took effect', async () => {
    const session = await startSession(transport);
    await session.chat([{ role: 'user', content: 'Reply with only: yes' }], { stream: true, max_tokens: 50 });
    const [, entry] = session.api.emulator.journal.entries();
    expect(entry).toMatchObject({
      session: session.id,
      streamed: { events: 3, ended: 'whole', finish_reason: 'stop' },
      answer: 'yes',
      facts: { turn: { model: MODEL, max_tokens: 50, finish_reasons: ['stop'] }, wrote: { messages: 1 } },
    });
    expect(entry?.usage).toEqual(entry?.facts.turn?.usage);
  });
});

it('the journal counts the lines of a streamed append', async () => {
  const session = await startSession('in process');
  const lines = [called('a'), result('a'), sized(10), result('a')].map((line) => JSON.stringify(line)).join('\n');
  await session.api.send('POST', `${session.path}/messages`, lines, {
    headers: { 'Content-Type': 'application/x-ndjson' },
  });
  expect(session.api.emulator.journal.entries()[1]).toMatchObject({
    status: 200,
    code: 'tool_result_orphan',
    streamed: { events: 4, ended: 'whole' },
    facts: { wrote: { lines: 3, messages: 3, opened: ['a'], answered: ['a'] } },
  });
});

it('the journal shows that a reader left, and that a request is still open', async () => {
  const model = new HeldModel();
  const session = await startSession('in process', { model });
  const { journal } = session.api.emulator;
  const body = JSON.stringify({ model: MODEL, session_id: session.id, messages: [sized(10)], stream: true });
  const headers = { 'Content-Type': 'application/json' };
  const opening = session.api.open('POST', '/v1/chat/completions', body, { headers });
  const asked = await model.asked();
  expect(journal.entries({ status: 'open' })).toMatchObject([{ n: 2, session: session.id, status: 0 }]);
  expect(renderJournal(journal.entries())).toContain('not answered yet');
  asked.say('Well');
  const response = await opening;
  await response.body?.cancel();
  expect(journal.entries()[1]).toMatchObject({ status: 200, streamed: { ended: 'left' } });
  expect(journal.entries()[1]?.facts).toEqual({});
});

it('the journal shows that a stream failed', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => void vi.restoreAllMocks());
  const session = await startSession('in process', {
    model: failing(new Error('out of order'), { type: 'text', text: 'So' }),
  });
  await session.chat([sized(10)], { stream: true });
  const [, entry] = session.api.emulator.journal.entries();
  expect(entry).toMatchObject({ code: 'unexpected_output', streamed: { ended: 'failed' } });
  expect(entry?.facts).toEqual({});
});

it('the journal is rendered as text', async () => {
  const api = await startEmulator('in process');
  await api.post('/v1/sessions', { title: 'x'.repeat(600), preserve_len: 1 });
  const text = renderJournal(api.emulator.journal.entries());
  expect(text).toMatch(/^#1 {2}[\d:.]{12} {2}POST \/v1\/sessions {2}createSession {2}400 invalid_request$/m);
  expect(text).toMatch(/^ {4}> \{"title":"x+ …$/m);
  expect(text).toMatch(/^ {4}hint: \S/m);
});
