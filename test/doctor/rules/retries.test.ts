import { describe, expect, it } from 'vitest';
import { MODEL } from '../../support/emulator.ts';
import { createSession, sized, words } from '../../support/session.ts';
import { chat, judged, KEYED } from '../judged.ts';

describe('idempotency-keys', () => {
  it('ok: on every write', async () => {
    const found = await judged('idempotency-keys', async (api) => {
      const { body } = await api.post<{ id: string }>('/v1/sessions', {}, { headers: KEYED });
      await api.delete(`/v1/sessions/${body.id}`, { headers: { 'Idempotency-Key': 'two' } });
      await chat(api);
    });
    expect(found).toMatchObject({ level: 'ok', says: '2 writes, all with an Idempotency-Key' });
  });
  it('warning: on some', async () => {
    const found = await judged('idempotency-keys', async (api) => {
      const session = await createSession(api);
      await session.append(sized(10), KEYED);
      await session.chat([sized(10)]);
    });
    expect(found).toMatchObject({ level: 'warning', evidence: [1, 3] });
  });
  it('error: written twice, each time with a key of its own', async () => {
    const found = await judged('idempotency-keys', async (api) => {
      const session = await createSession(api);
      api.emulator.faults.add({ effect: 'lose_answer', operation: 'appendMessages' });
      for (const key of ['one', 'two'])
        await session.append(sized(10), { 'Idempotency-Key': key }).catch(() => undefined);
    });
    expect(found).toMatchObject({ level: 'error', evidence: [3] });
    expect(found.says).toContain('; 1 of 3 writes has no Idempotency-Key');
  });
  it('ok: sent again with its key', async () => {
    const found = await judged('idempotency-keys', async (api) => {
      api.emulator.faults.add({ effect: 'lose_answer', operation: 'createSession' });
      for (let time = 0; time < 2; time += 1)
        await api.post('/v1/sessions', {}, { headers: KEYED }).catch(() => undefined);
    });
    expect(found.level).toBe('ok');
  });
  it('error: written twice, the first answer being lost', async () => {
    const found = await judged('idempotency-keys', async (api) => {
      const session = await createSession(api);
      api.emulator.faults.add({ effect: 'lose_answer', operation: 'appendMessages' });
      await session.append(sized(10)).catch(() => undefined);
      await session.append(sized(10));
    });
    expect(found).toMatchObject({ level: 'error', evidence: [3] });
  });
});

it('idempotency-keys, warning: a lost answer is not asked for by another test, behind a reset', async () => {
  const found = await judged('idempotency-keys', async (api) => {
    api.emulator.faults.add({ effect: 'lose_answer', operation: 'createSession' });
    await api.post('/v1/sessions').catch(() => undefined);
    api.emulator.state.reset();
    await api.post('/v1/sessions');
  });
  expect(found).toMatchObject({ level: 'warning', evidence: [1, 3] });
});

describe('retried-400', () => {
  it('ok: another request', async () => {
    const found = await judged('retried-400', async (api) => {
      await chat(api, { n: 0 });
      await chat(api, { n: 1 });
    });
    expect(found.level).toBe('ok');
  });
  it('ok: the same in another test, behind a reset', async () => {
    const found = await judged('retried-400', async (api) => {
      await chat(api, { n: 0 });
      api.emulator.state.reset();
      await chat(api, { n: 0 });
    });
    expect(found).toMatchObject({ level: 'ok', says: '2 answers with status 400, none retried' });
  });
  it('ok: the same once the session had made room, or its call was answered', async () => {
    const cut = await judged('retried-400', async (api) => {
      const session = await createSession(api);
      for (let count = 0; count < 5; count += 1) await session.append(sized(500));
      await session.truncate(500);
      await session.append(sized(500));
    });
    expect(cut).toMatchObject({ level: 'ok', says: '1 answer with status 400, not retried' });
    const deleted = await judged('retried-400', async (api) => {
      const [first] = [await createSession(api), await createSession(api)];
      await api.post('/v1/sessions');
      await api.delete(first.path);
      await api.post('/v1/sessions');
    });
    expect(deleted.level).toBe('ok');
  });
  it('error: the same again, though it passed, or after something else', async () => {
    const passed = await judged('retried-400', async (api) => {
      api.emulator.faults.add({ effect: 'error', code: 'content_filter' });
      await chat(api);
      await createSession(api);
      await chat(api);
    });
    expect(passed).toMatchObject({ level: 'error', evidence: [3] });
    const other = await judged('retried-400', async (api) => {
      const [full, empty] = [await createSession(api), await createSession(api)];
      await full.append(sized(501));
      await empty.append(sized(10));
      await full.append(sized(501));
    });
    expect(other).toMatchObject({ level: 'error', evidence: [5] });
  });
  it('ok: what may have been another body, as none is stored', async () => {
    const uploads = await judged('retried-400', async (api) => {
      for (const name of ['one.txt', 'two.txt']) {
        const form = new FormData();
        form.append('file', new Blob([name]), name);
        form.append('purpose', 'none');
        expect((await api.send('POST', '/v1/files', form)).status).toBe(400);
      }
    });
    expect(uploads).toMatchObject({ level: 'ok', says: '2 answers with status 400, none retried' });
    const large = await judged(
      'retried-400',
      async (api) => {
        for (const word of ['tide', 'berth']) expect((await chat(api, {}, word.repeat(1_000))).status).toBe(400);
      },
      { limits: { body_bytes: 2_000 } },
    );
    expect(large).toMatchObject({ level: 'ok', says: '2 answers with status 400, none retried' });
  });
  it('error: the same again without a body', async () => {
    const found = await judged('retried-400', async (api) => {
      for (let time = 0; time < 2; time += 1) await api.get('/v1/sessions?limit=none');
    });
    expect(found).toMatchObject({ level: 'error', evidence: [2] });
  });
  it('error: the same again', async () => {
    const found = await judged('retried-400', async (api) => {
      await chat(api, { n: 0 });
      await chat(api, { n: 0 });
    });
    expect(found).toMatchObject({ level: 'error', evidence: [2] });
  });
});

describe('abandoned-streams', () => {
  it.each([
    ['ok', (response: Response) => response.text()],
    ['warning', (response: Response) => response.body?.cancel()],
  ] as const)('%s', async (level, take) => {
    const found = await judged(
      'abandoned-streams',
      async (api) => {
        const body = JSON.stringify({
          model: MODEL,
          stream: true,
          messages: [{ role: 'user', content: `Reply with only: ${words(12_000)}` }],
          max_tokens: 1_000,
        });
        await take(
          await api.open('POST', '/v1/chat/completions', body, { headers: { 'Content-Type': 'application/json' } }),
        );
      },
      { limits: {} },
    );
    expect(found.level).toBe(level);
  });
});
