import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIVE_TEXT } from '../../contract/errors.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { expectRefusal, O200K } from '../support/session.ts';

describe.each(TRANSPORTS)('the key %s', (transport) => {
  it('is missing or malformed', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    for (const header of ['', 'Bearer', 'Bearer ', 'Basic c2s6', 'sk-test', 'Bearer a b', 'BearerA', 'Token sk-test']) {
      const call = { headers: { Authorization: header } };
      for (const reply of [
        await api.post('/v1/sessions', {}, call),
        await api.post('/v1/chat/completions', '{', call),
        await api.get('/v1/sessions/sess_1', call),
        await api.get('/v1/nowhere', call),
      ]) {
        expect(expectRefusal(reply, 'incorrect_api_key').message).toBe(LIVE_TEXT.incorrectApiKey);
      }
    }
    expect((await api.get('/v1/sessions')).body.data).toEqual([]);
  });

  it('is an account of its own, whatever it is', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K });
    await api.post('/v1/sessions', {}, { key: 'one' });
    expect((await api.get('/v1/sessions', { key: 'one' })).body.data).toHaveLength(1);
    expect((await api.get('/v1/sessions', { key: 'One' })).body.data).toEqual([]);
    expect((await api.get('/v1/sessions', { headers: { Authorization: 'bearer one' } })).body.data).toHaveLength(1);
  });

  it('has to be on the list where there is one', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, apiKeys: ['sk-a', 'sk-b'] });
    expect((await api.post('/v1/sessions', {}, { key: 'sk-b' })).status).toBe(201);
    const reply = await api.post('/v1/sessions', {}, { key: 'sk-c' });
    expect(expectRefusal(reply, 'invalid_authentication').message).toBe(LIVE_TEXT.invalidAuthentication);
    expectRefusal(await api.get('/v1/models', { key: 'sk-a ', headers: { Authorization: '' } }), 'incorrect_api_key');
  });

  it('is kept as a hash only', async ({ onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), 'kimi-emulator-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const key = 'sk-a-key-that-nothing-else-holds';
    const db = join(folder, 'state.db');
    const api = await startEmulator(transport, { tokenizer: O200K, database: db });
    await api.post('/v1/sessions', { title: 'a title' }, { key, headers: { 'Idempotency-Key': 'k' } });
    await api.emulator.close();
    const files = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'latin1')));
    expect(files.join('')).toContain('a title');
    expect(files.join('')).not.toContain(key);
  });

  it('is not needed on control routes', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, apiKeys: ['sk-a'] });
    const call = { headers: { Authorization: '' } };
    const health = await api.get('/_emulator/health', call);
    expect(health.body).toMatchObject({ status: 'ok', tokenizer: 'o200k_base', model: 'lookup' });
  });
});

it.each(TRANSPORTS)('Hosted Agents are not emulated, and say so (%s)', async (transport) => {
  const api = await startEmulator(transport, { tokenizer: O200K });
  const call = { headers: { 'kimi-api-version': '2026-09-01' } };
  const { message } = expectRefusal(await api.post('/v1/sessions', {}, call), 'invalid_request');
  expect(message).toContain('Hosted Agents');
  expect((await api.get('/v1/models', call)).status).toBe(400);
  expectRefusal(
    await api.post('/v1/sessions', {}, { headers: { ...call.headers, Authorization: '' } }),
    'incorrect_api_key',
  );
  expect((await api.get('/v1/sessions')).body.data).toEqual([]);
});
