import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isSessionError, KimiClient } from '../../client/index.ts';
import type { InputMessage } from '../../contract/messages.ts';
import { createEmulator } from '../../emulator/index.ts';
import { TRANSPORTS } from '../support/emulator.ts';
import { clientOf, collect, startBench } from './support.ts';
import { reset, through } from './support-faults.ts';

afterEach(() => vi.unstubAllEnvs());

describe('KimiClient', () => {
  it('says how to name a server where none is named', () => {
    vi.stubEnv('KIMI_BASE_URL', '');
    vi.stubEnv('KIMI_API_KEY', '');
    vi.stubEnv('OPENAI_BASE_URL', 'https://elsewhere.invalid/v1');
    vi.stubEnv('OPENAI_API_KEY', 'sk-not-for-kimi');
    expect(() => new KimiClient()).toThrow(/^KIMI_BASE_URL is not set.*npx kimi-emulator.*emulator\.fetch/);
    vi.stubEnv('KIMI_BASE_URL', 'http://127.0.0.1:4100/v1');
    expect(() => new KimiClient()).toThrow(/^KIMI_API_KEY is not set/);
    vi.stubEnv('KIMI_API_KEY', 'sk-kimi');
    expect(new KimiClient()).toMatchObject({ baseURL: 'http://127.0.0.1:4100/v1', apiKey: 'sk-kimi' });
  });

  it('needs no more than the fetch of an emulator in this process', async () => {
    const emulator = createEmulator();
    const client = new KimiClient({ fetch: emulator.fetch });
    expect(client).toBeInstanceOf(OpenAI);
    expect(await client.withOptions({ maxRetries: 0 }).sessions.create()).toMatchObject({ object: 'session' });
    expect((await collect(client.models.list())).length).toBeGreaterThan(0);
    await emulator.close();
  });

  it('cancels the source of a streamed append that is aborted while the source waits', async () => {
    const { client } = await startBench('in process');
    const { id } = await client.sessions.create();
    const abort = new AbortController();
    let cancelled = false;
    const source = new ReadableStream<InputMessage>({
      pull() {
        setImmediate(() => abort.abort());
        return new Promise(() => undefined);
      },
      cancel: () => {
        cancelled = true;
      },
    });
    const acknowledged = client.sessions.appendStream(id, source, { signal: abort.signal });
    await expect(acknowledged.next()).rejects.toThrow();
    await expect.poll(() => cancelled).toBe(true);
  });

  it('tells other services nothing of an OpenAI account', async () => {
    vi.stubEnv('OPENAI_ORG_ID', 'org-secret');
    vi.stubEnv('OPENAI_PROJECT_ID', 'project-secret');
    vi.stubEnv('OPENAI_ADMIN_KEY', 'admin-secret');
    const { api } = await startBench();
    const sent: string[] = [];
    const client = clientOf(api, {
      fetch: (input, init) => {
        sent.push(JSON.stringify([...new Headers(init?.headers)]));
        return api.fetch(input, init);
      },
    });
    await client.sessions.create();
    expect(sent.join()).not.toContain('secret');
  });

  it('keeps one key across the retries of a change, and no longer', async () => {
    const { api } = await startBench();
    const keys: (string | null)[] = [];
    let sent = 0;
    const client = clientOf(api, {
      fetch: through(api.fetch, async ({ key, send }) => {
        keys.push(key);
        const response = await send();
        sent += 1;
        if (sent === 1) reset();
        return response;
      }),
    });
    const options = { method: 'post', path: '/sessions', body: {} } as const;
    await client.request(options);
    await client.request(options);
    expect(keys).toHaveLength(3);
    expect(keys[0]).toBe(keys[1]);
    expect(new Set(keys).size).toBe(2);
    expect((await client.sessions.list()).data).toHaveLength(2);
  });
});

describe.each(TRANSPORTS)('the sessions of KimiClient %s', (transport) => {
  it('take the SDK’s spelling and the article’s', async () => {
    const { client } = await startBench(transport);
    const { session_id } = await client.sessions.create({ messages: [{ role: 'system', content: 'Be brief.' }] });
    const one = await client.sessions.append(session_id, { role: 'user', content: 'one' });
    await client.sessions.append({ session_id, messages: [{ role: 'assistant', content: 'two' }] });
    expect(await client.sessions.retrieve({ session_id })).toEqual(await client.sessions.retrieve(session_id));
    const message_id = String(one.data[0]?.id);
    expect(await client.sessions.pin({ session_id, message_id })).toMatchObject({ pinned: true });
    expect(await client.sessions.pin(session_id, { message_id, pinned: false })).toMatchObject({ pinned: false });
    const snapshot = await client.sessions.snapshots.create({ session_id, preserve_len: 120 });
    const { snapshot_id } = snapshot;
    const other = await client.sessions.snapshot.create(session_id);
    expect((await client.sessions.snapshot.list({ session_id })).data).toEqual([other, snapshot]);
    expect((await client.sessions.snapshot.list(session_id)).data).toEqual(
      (await client.sessions.snapshot.list()).data,
    );
    expect(await client.sessions.snapshot.retrieve(snapshot_id)).toEqual(
      await client.sessions.snapshot.retrieve({ snapshot_id }),
    );
    expect(await client.sessions.truncate({ session_id, preserve_len: 120 })).toMatchObject({ preserve_len: 120 });
    expect(await client.sessions.truncate(session_id, { preserve_len: 120, dry_run: true })).toMatchObject({
      dry_run: true,
    });
    expect(await client.sessions.compress(session_id)).toMatchObject({ object: 'session.compression' });
    expect(await client.sessions.rollback({ session_id, snapshot_id })).toMatchObject({ session_id });
    expect(await client.sessions.update(session_id, { title: 'new' })).toMatchObject({ title: 'new' });
    const fork = await client.sessions.fork(snapshot_id, { title: 'fork' });
    expect(fork).toMatchObject({ title: 'fork', forked_from: { snapshot_id } });
    const { share } = await client.sessions.snapshot.share(snapshot_id, { expires_in: 60 });
    expect(await client.sessions.fork({ share_id: String(share?.share_id) })).toMatchObject({
      forked_from: share && { share_id: share.share_id },
    });
    expect(await client.sessions.snapshot.shared(String(share?.share_id))).not.toHaveProperty('session_id');
    expect(await client.sessions.snapshot.unshare(snapshot_id)).toMatchObject({ share: null });
    expect(await collect(client.sessions.snapshot.search(snapshot_id, { query: 'TWO' }))).toHaveLength(1);
    expect(await collect(client.sessions.snapshot.messages({ snapshot_id, limit: 1 }))).toHaveLength(3);
    expect(await client.sessions.snapshot.delete(snapshot_id)).toMatchObject({ deleted: true });
    expect(await client.sessions.delete({ session_id })).toMatchObject({ deleted: true });
    expect((await client.sessions.list({ limit: 1 })).data).toHaveLength(1);
    expect(await collect(client.sessions.list({ limit: 1 }))).toHaveLength(2);
  });

  it('append a stream message by message, and again without doubling', async () => {
    const { client } = await startBench(transport);
    const { id } = await client.sessions.create();
    async function* messages() {
      for (let index = 0; index < 5; index += 1) yield { role: 'user' as const, content: `message ${index}` };
    }
    const options = { idempotencyKey: 'once' };
    const first = await collect(client.sessions.appendStream(id, messages(), options));
    expect(first.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(await collect(client.sessions.appendStream({ session_id: id }, messages(), options))).toEqual(first);
    expect(await collect(client.sessions.messages(id))).toHaveLength(5);
    const broken = client.sessions.appendStream(id, [
      { role: 'user', content: 'good' },
      { role: 'tool', tool_call_id: 'x', content: 'bad' },
    ]);
    expect((await broken.next()).value).toMatchObject({ index: 0 });
    const error = await broken.next().catch((reason: unknown) => reason);
    expect(isSessionError(error, 'tool_result_orphan')).toBe(true);
  });

  it('fail with the SDK’s classes, and a code to tell them by', async () => {
    const { client } = await startBench(transport);
    const gone = await client.sessions.retrieve('sess_none').catch((reason: unknown) => reason);
    expect(gone).toBeInstanceOf(NotFoundError);
    expect(isSessionError(gone)).toBe(true);
    expect(isSessionError(gone, 'session_not_found')).toBe(true);
    expect(isSessionError(gone, 'append_too_large')).toBe(false);
    const { id } = await client.sessions.create();
    const large = await client.sessions
      .append(id, { role: 'user', content: 'word '.repeat(300) })
      .catch((reason: unknown) => reason);
    expect(large).toBeInstanceOf(BadRequestError);
    expect(isSessionError(large, 'append_too_large')).toBe(true);
    for (const id of ['', '..', '.']) expect(() => client.sessions.retrieve(id)).toThrow(/session_id must be an id/);
    expect(await client.sessions.retrieve('../models').catch((reason: unknown) => reason)).toBeInstanceOf(
      NotFoundError,
    );
  });
});
