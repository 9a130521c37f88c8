import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCli } from '../../emulator/cli/flags.ts';
import { temporaryFolder } from '../store/files.ts';
import { ServerProcess } from './server-process.ts';

describe('who is let in', () => {
  it('with --api-keys: those on the list, given in place or in a file', async () => {
    const file = join(temporaryFolder(), 'keys');
    writeFileSync(file, 'sk-one\r\n\n  sk-two  \n');
    const apiKeys = ['sk-one', 'sk-two'];
    for (const list of ['sk-one, sk-two', `@${file}`]) {
      expect(parseCli(['--api-keys', list]).options).toMatchObject({ apiKeys });
    }
    const { server, ready } = await ServerProcess.listening(['--memory', '--api-keys', `@${file}`]);
    const status = async (key: string) => {
      const headers = { Authorization: `Bearer ${key}` };
      return (await fetch(`${ready.base_url}/models`, { headers })).status;
    };
    expect(await Promise.all([...apiKeys, 'sk-three'].map(status))).toEqual([200, 200, 401]);
    await server.signal('SIGTERM');
  });

  it('from browsers and under other names: only with --cors and --allow-host', async () => {
    const origin = 'http://localhost:5173';
    const strict = await ServerProcess.listening(['--memory']);
    const open = await ServerProcess.listening(['--memory', '--cors', origin, '--allow-host', 'Emulator.Local']);
    for (const { ready, allowed } of [
      { ...strict, allowed: false },
      { ...open, allowed: true },
    ]) {
      const page = await ask(ready.port, { Origin: origin });
      expect(page.status).toBe(allowed ? 200 : 403);
      expect(page.headers['access-control-allow-origin']).toBe(allowed ? origin : undefined);
      expect((await ask(ready.port, { Origin: 'http://elsewhere.example' })).status).toBe(403);
      expect((await ask(ready.port, { Host: `emulator.local:${ready.port}` })).status).toBe(allowed ? 200 : 403);
      expect((await ask(ready.port, { Host: 'elsewhere.example' })).status).toBe(403);
    }
    await Promise.all([strict.server.signal('SIGTERM'), open.server.signal('SIGTERM')]);
  });

  it('with --seed: gets the same ids in every run, and new ones where a database is opened again', async () => {
    const state = ['--db', join(temporaryFolder(), 'state.db')];
    expect(await createOne(state)).toEqual(await createOne(['--memory']));
    expect(new Set(await createOne(state)).size).toBe(2);
  });
});

/** Starts, creates a session, and ends. @returns the ids of all sessions that are there then */
async function createOne(state: readonly string[]): Promise<string[]> {
  const { server, ready } = await ServerProcess.listening(['--seed', 'fixed', ...state]);
  const headers = { Authorization: 'Bearer any' };
  await fetch(`${ready.base_url}/sessions`, { method: 'POST', headers });
  const list = await fetch(`${ready.base_url}/sessions`, { headers });
  const { data } = (await list.json()) as { data: { id: string }[] };
  await server.signal('SIGTERM');
  return data.map((session) => session.id);
}

/** A request with headers that `fetch` does not let through. */
function ask(port: number, headers: Record<string, string>) {
  return new Promise<{ status: number; headers: Record<string, unknown> }>((resolve, reject) => {
    const given = { Authorization: 'Bearer any', ...headers };
    request({ port, host: '127.0.0.1', path: '/v1/models', headers: given }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    })
      .once('error', reject)
      .end();
  });
}
