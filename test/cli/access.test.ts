import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { banner } from '../../emulator/cli/banner.ts';
import { parseCli } from '../../emulator/cli/command-line.ts';
import { runDoctorCommand } from '../../emulator/cli/doctor.ts';
import { createEmulator } from '../../emulator/index.ts';
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

  it('to control routes: with --control-key, or KIMI_EMULATOR_CONTROL_KEY, wherever the server can be reached from', async () => {
    const env = { KIMI_EMULATOR_CONTROL_KEY: 'sk-of-env' };
    expect(parseCli(['--memory'], env).options.controlKey).toBe('sk-of-env');
    expect(parseCli(['--control-key', 'sk-of-flag'], env).options.controlKey).toBe('sk-of-flag');
    expect(parseCli([], { KIMI_EMULATOR_CONTROL_KEY: '' }).options.controlKey).toBeUndefined();
    expect(() => parseCli(['--control-key', 'two words'], {})).toThrow(
      '--control-key takes a key that a header can carry',
    );

    const flags = ['--memory', '--host', '0.0.0.0', '--api-keys', 'sk-one'];
    const closed = await ServerProcess.listening(flags);
    const keyed = await ServerProcess.listening([...flags, '--control-key', 'sk-control']);
    const doctor = async ({ ready }: typeof closed, ...args: string[]) => {
      const said = { out: '', err: '' };
      const url = `http://127.0.0.1:${ready.port}`;
      const code = await runDoctorCommand([url, ...args], {
        stdout: { write: (text) => (said.out += text) },
        stderr: { write: (text) => (said.err += text) },
        env: {},
      });
      return { code, ...said };
    };
    expect(await doctor(closed)).toMatchObject({ code: 3, err: expect.stringContaining('needs --control-key') });
    expect((await doctor(keyed)).code).toBe(3);
    expect((await doctor(keyed, '--control-key', 'sk-control')).code).toBe(0);
    for (const [{ server }, says] of [
      [closed, 'control routes are closed'],
      [keyed, 'control routes need their key'],
    ] as const)
      expect((await server.signal('SIGTERM')).stderr).toContain(says);
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

it.each([
  [[], 'open to all on this machine'],
  [['--host', '0.0.0.0'], 'closed: other machines can reach this server (see --control-key)'],
  [['--host', '0.0.0.0', '--control-key', 'sk-control'], 'needs the key of --control-key'],
])('the banner of %j says who may use the control routes', async (flags, says) => {
  await using emulator = createEmulator();
  expect(banner(emulator, parseCli(['--memory', ...flags], {}))).toContain(
    `control    /_emulator ${says.startsWith('needs') ? says : `is ${says}`}`,
  );
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
