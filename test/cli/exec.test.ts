import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import { temporaryFolder } from '../store/files.ts';
import { inTurn } from '../support/in-turn.ts';
import { run, ServerProcess } from './server-process.ts';

const itInTurn = inTurn(2);

const CLI = fileURLToPath(new URL('../../dist/emulator/cli/main.js', import.meta.url));
const node = (code: string) => [process.execPath, '-e', code];

/** Sends chats with the address and the key that it is given, one for each body. */
const CHAT = `const chat = (body) => fetch(process.env.OPENAI_BASE_URL + '/chat/completions', { method: 'POST',
  headers: { Authorization: 'Bearer ' + process.env.OPENAI_API_KEY, 'Content-Type': 'application/json' },
  body: JSON.stringify({ model: 'kimi-k3', max_tokens: 64, ...body }) }).then((answer) => answer.text());
const messages = [{ role: 'user', content: 'The code is 7. What is the code?' }];`;

describe('kimi-emulator exec', () => {
  itInTurn(
    'runs a command with the addresses and keys of an emulator that serves, and leaves nothing behind',
    async () => {
      const cwd = temporaryFolder();
      const { code, stdout, stderr } = await run(
        [
          'exec',
          '--',
          ...node(
            `${CHAT} chat({ messages }).then((text) => console.log(JSON.stringify([process.env, JSON.parse(text)])))`,
          ),
        ],
        { cwd },
      );
      expect(code).toBe(0);
      const [env, answer] = JSON.parse(stdout);
      expect(env.KIMI_BASE_URL).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
      for (const name of ['OPENAI_BASE_URL', 'MOONSHOT_BASE_URL', 'MOONSHOT_API_BASE']) {
        expect(env[name]).toBe(env.KIMI_BASE_URL);
      }
      for (const name of ['OPENAI_API_KEY', 'MOONSHOT_API_KEY']) expect(env[name]).toBe(env.KIMI_API_KEY);
      expect(answer.choices[0].message.content).toBe('7');
      expect(stderr).toMatch(/^kimi-emulator exec: the command ended with 0; 1 request of the run\n/);
      expect(stderr).toMatch(/^doctor: 0 errors, \d+ warnings?, \d+ ok$/m);
      expect(stderr).toMatch(/^spend: 0\.00\d+ USD for 1 turn;/m);
      expect(readdirSync(cwd)).toEqual([]);
      await expect(fetch(`${env.KIMI_BASE_URL}/models`)).rejects.toThrow();
    },
  );

  it.each([
    [node('process.exit(7)'), 7],
    [['sh', '-c', 'kill -TERM $$'], 143],
    [['sh', '-c', 'kill -KILL $$'], 137],
  ])('ends as %j does, also where a signal ends it', async (command, code) => {
    const ended = await run(['exec', '--', ...command]);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(/^no request reached the emulator: does the command read KIMI_BASE_URL or/m);
  });

  it.each([
    [['exec', '--', 'no-such-command-here'], 127, 'no-such-command-here: command not found'],
    [['exec', '--', temporaryFolderName()], 126, 'cannot be run: EACCES'],
    [['exec', '--', ''], 2, 'it needs a command behind --'],
    [['exec'], 2, 'it needs a command behind --, as in: kimi-emulator exec -- npm test'],
    [['exec', 'npm', 'test'], 2, 'put -- before the command, as in: kimi-emulator exec -- npm test'],
    [['exec', '--fail-on', 'spend', '--', 'true'], 2, "or 'spend>0.50USD', with quotes"],
    [['exec', '--fail-on', 'docter', '--', 'true'], 2, '--fail-on takes doctor, faults or'],
    [['exec', '--fail-on', 'spend>1CNY', '--', 'true'], 2, '--fail-on spend is in CNY, but this run is billed in USD'],
    [['exec', '--max-spend', '1USD', '--', 'true'], 2, '--max-spend is for a run with --upstream or --replay'],
    [['exec', '--stateless', '--replay', 'x', '--', 'true'], 2, '--stateless is for a run without --upstream'],
    [['exec', '--upstream', 'https://api.example.com/v1', '--', 'true'], 2, '--upstream needs KIMI_API_KEY, or'],
    [['exec', '--prices', 'none.yaml', '--', 'true'], 1, '--prices: none.yaml cannot be read'],
  ])('%j ends with %i and one line', async (args, code, told) => {
    const ended = await run(args, { env: { KIMI_API_KEY: '', MOONSHOT_API_KEY: '' } });
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(told) });
    expect(ended.stderr.trim()).not.toContain('\n');
  });

  itInTurn('fails a run that ends with 0 where --fail-on applies, and says for what', async () => {
    const body = `${CHAT} (async () => { await chat({ messages }); for (const n of [0, 0]) await chat({ messages, n });
      const faults = new URL('/_emulator/faults', process.env.KIMI_BASE_URL);
      const fault = { effect: 'error', code: 'rpm_limit', operation: 'createChatCompletion' };
      await fetch(faults, { method: 'POST', body: JSON.stringify(fault), headers: { 'Content-Type': 'application/json' } });
    })()`;
    const failed = await run([
      'exec',
      '--quiet',
      '--fail-on',
      'doctor,faults',
      '--fail-on',
      'spend>0USD',
      '--',
      ...node(body),
    ]);
    expect(failed.code).toBe(1);
    expect(failed.stderr.trim().split('\n')).toEqual([
      'kimi-emulator exec: failed on doctor: retried-400',
      'kimi-emulator exec: failed on faults: 1 never used',
      expect.stringMatching(/^kimi-emulator exec: failed on spend: the run cost 0\.00\d+ USD, more than 0\.000000 USD/),
    ]);
    const own = await run([
      'exec',
      '--quiet',
      '--fail-on',
      'doctor',
      '--',
      ...node(`${body}.then(() => process.exit(9))`),
    ]);
    expect(own.code).toBe(9);
    const fine = await run([
      'exec',
      '--quiet',
      '--fail-on',
      'doctor,faults,spend>1USD',
      '--',
      ...node(`${CHAT} chat({ messages })`),
    ]);
    expect(fine).toMatchObject({ code: 0, stderr: '' });
    const unused = await run(['exec', '--quiet', '--fail-on', 'doctor', '--', 'true']);
    const told = 'kimi-emulator exec: failed on doctor: no request reached the emulator\n';
    expect(unused).toMatchObject({ code: 1, stderr: told });
  });

  itInTurn('reports as JSON, and takes the flags of the server', async () => {
    const flags = ['--json', '--api-keys', 'sk-one,sk-two', '--control-key', 'sk-control', '--seed', 'x'];
    const inside = `${CHAT} chat({ messages }).then(() => console.log(process.env.KIMI_API_KEY + process.env.KIMI_EMULATOR_CONTROL_KEY))`;
    const { code, stdout, stderr } = await run(['exec', ...flags, '--', ...node(inside)]);
    expect([code, stdout]).toEqual([0, 'sk-onesk-control\n']);
    expect(JSON.parse(stderr)).toMatchObject({
      object: 'emulator.exec',
      exit_code: 0,
      doctor: { object: 'emulator.diagnosis', requests: 1 },
      spend: { total: { turns: 1 } },
      unused_faults: [],
      failed: [],
    });
  });

  itInTurn('keeps a proxy of the environment away from the emulator, and changes nothing without one', async () => {
    const print = node('console.log(JSON.stringify([process.env.NO_PROXY, process.env.no_proxy]))');
    const variables = { HTTPS_PROXY: 'http://proxy.example:3128', NO_PROXY: '.example' };
    const { stdout } = await run(['exec', '--quiet', '--', ...print], { env: variables });
    expect(JSON.parse(stdout)).toEqual(['.example,127.0.0.1', '.example,127.0.0.1']);
    const without = { HTTPS_PROXY: '', https_proxy: '', HTTP_PROXY: '', http_proxy: '', ALL_PROXY: '', all_proxy: '' };
    const plain = await run(['exec', '--quiet', '--', ...print], { env: { ...without, NO_PROXY: '.example' } });
    expect(JSON.parse(plain.stdout)[0]).toBe('.example');
  });

  it('gives the command its own input', () => {
    const { status, stdout } = spawnSync(process.execPath, [CLI, 'exec', '--', 'cat'], { input: 'from the pipe' });
    expect([status, String(stdout)]).toEqual([0, 'from the pipe']);
  });

  itInTurn('puts a gateway in front of an upstream, which gets the key for it and no other', async () => {
    const upstream = createEmulator({ stateless: true, apiKeys: ['sk-upstream'] });
    onTestFinished(() => upstream.close());
    await upstream.listen();
    const env = { KIMI_API_KEY: 'sk-upstream', OPENAI_API_KEY: 'sk-of-somebody-else' };
    const flags = ['exec', '--quiet', '--upstream', upstream.baseURL, '--max-spend', '1USD'];
    const { code, stdout } = await run([...flags, '--', ...node(`${CHAT} chat({ messages }).then(console.log)`)], {
      env,
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).choices[0].message.content).toBe('7');
  });

  itInTurn('records what an upstream answers, and replays it without one and without its key', async () => {
    const upstream = createEmulator({ stateless: true });
    onTestFinished(() => upstream.close());
    await upstream.listen();
    const tape = join(temporaryFolder(), 'agent.tape');
    const command = ['--', ...node(`${CHAT} chat({ messages }).then(console.log)`)];
    const recorded = await run(['exec', '--upstream', upstream.baseURL, '--record', tape, ...command], {
      env: { KIMI_API_KEY: 'sk-upstream' },
    });
    await upstream.close();
    const replayed = await run(['exec', '--replay', tape, ...command], { env: { KIMI_API_KEY: '' } });
    expect([recorded.code, replayed.code]).toEqual([0, 0]);
    expect(replayed.stdout).toBe(recorded.stdout);
    expect(JSON.parse(replayed.stdout).choices[0].message.content).toBe('7');
  });
});

function temporaryFolderName(): string {
  return fileURLToPath(new URL('.', import.meta.url));
}

describe('kimi-emulator exec that is told to stop', () => {
  /** Says that it is there, and its process and address; ends with 5 on SIGTERM and on SIGINT, unless it is deaf. */
  const waiting = (isDeaf: boolean) =>
    node(`for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => { if (!${isDeaf}) process.exit(5); });
      console.log(JSON.stringify([process.pid, process.env.KIMI_BASE_URL])); setInterval(() => {}, 1e6)`);

  async function startWaiting(isDeaf = false) {
    const server = new ServerProcess(['exec', '--', ...waiting(isDeaf)]);
    const [pid, url] = JSON.parse((await server.nextLine()) ?? '[]') as [number, string];
    onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')));
    return { server, pid, url };
  }

  function isAlive(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('hands %s on to the command, and ends with its code', async (signal) => {
    const { server, pid, url } = await startWaiting();
    expect((await server.signal(signal)).code).toBe(5);
    expect(isAlive(pid)).toBe(false);
    await expect(fetch(`${url}/models`)).rejects.toThrow();
  });

  itInTurn('kills a command that does not listen at the second signal', async () => {
    const { server, pid } = await startWaiting(true);
    void server.signal('SIGTERM');
    expect((await server.signal('SIGINT')).code).toBe(137);
    expect(isAlive(pid)).toBe(false);
  });

  itInTurn('takes the command with it when it is killed itself', async () => {
    const { server, url } = await startWaiting(true);
    // The output of both stays open until the command has ended.
    expect((await server.signal('SIGKILL')).signal).toBe('SIGKILL');
    await expect(fetch(`${url}/models`)).rejects.toThrow();
  });
});
