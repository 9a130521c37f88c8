import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCli, parseExecCli, parseGatewayCli } from '../../emulator/cli/command-line.ts';
import { readConfig } from '../../emulator/cli/config-file.ts';
import { UsageError } from '../../emulator/terminal/flags.ts';
import { temporaryFolder } from '../store/files.ts';
import { run, ServerProcess } from './server-process.ts';

function folderWith(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const YAML = `port: 0
rateTier: 1
apiKeys: [sk-config]
limits: { sessions: 7, snapshots: 9 }
script: rules.yaml
balance: 5USD
`;

describe('a configuration file', () => {
  it('sets what flags set, and flags win', async () => {
    const folder = folderWith({
      'kimi-emulator.config.yaml': YAML,
      'rules.yaml': '- { when: { text: hi }, reply: Hi. }',
    });
    const flags = ['--json', '--limit', 'sessions=3', '--memory'];
    const server = new ServerProcess(flags, { cwd: folder });
    const ready = JSON.parse((await server.nextLine()) ?? '{}');
    expect(ready).toMatchObject({ state: ':memory:', limits: { sessions: 3, snapshots: 9 } });
    const ask = async (key: string) => {
      const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
      const body = JSON.stringify({ model: 'kimi-k3', messages: [{ role: 'user', content: 'hi' }] });
      const answer = await fetch(`${ready.base_url}/chat/completions`, { method: 'POST', headers, body });
      return [answer.status, await answer.text()] as const;
    };
    expect((await ask('sk-other'))[0]).toBe(401);
    expect(await ask('sk-config')).toEqual([200, expect.stringContaining('"Hi."')]);
    const [status, balance] = await fetch(`${ready.base_url}/users/me/balance`, {
      headers: { Authorization: 'Bearer sk-config' },
    }).then(async (answer) => [answer.status, await answer.text()]);
    expect([status, balance]).toEqual([200, expect.stringMatching(/"available_balance":4\.99/)]);
  });

  it('is read as JSON and as a module, and its paths are relative to it', async () => {
    const json = folderWith({ 'kimi-emulator.config.json': '{"database":"a/state.db","tokenizer":"o200k_base"}' });
    expect(await readConfig([], json)).toEqual({ database: join(json, 'a/state.db'), tokenizer: 'o200k_base' });
    const code =
      'export default async () => ({ stateless: true, gateway: { record: "live.tape", maxSpend: "1USD" } });';
    const module = folderWith({ 'ci/kimi.mjs': code });
    expect(await readConfig(['--config', 'ci/kimi.mjs'], module)).toEqual({
      stateless: true,
      gateway: { record: join(module, 'ci/live.tape'), maxSpend: '1USD' },
    });
    expect(await readConfig(['--config=ci/kimi.mjs', '--help'], module)).toEqual({});
    expect(await readConfig(['--', '--config', 'ci/kimi.mjs'], module)).toEqual({});
  });

  it('in TypeScript is loaded by a Node that reads it, and any other says what to do', async () => {
    const code = 'const port: number = 0;\nexport default { port, host: "::1" };';
    const ended = readConfig([], folderWith({ 'kimi-emulator.config.ts': code }));
    // vitest transforms what it imports; a process of its own shows what the user's Node does.
    expect(await ended).toEqual({ port: 0, host: '::1' });
    const flags = ['exec', '--quiet', '--', process.execPath, '-e', 'console.log(process.env.KIMI_BASE_URL)'];
    const own = await run(flags, { cwd: folderWith({ 'kimi-emulator.config.ts': code.replace('::1', '127.0.0.2') }) });
    const readsTypes = 'typescript' in process.features && Boolean(process.features.typescript);
    if (readsTypes) expect(own.stdout).toMatch(/^http:\/\/127\.0\.0\.2:/);
    else {
      expect(own.stderr).toMatch(
        /^kimi-emulator: kimi-emulator\.config\.ts: Node [\d.]+ reads no TypeScript; use Node 22\.18/,
      );
      expect(own.code).toBe(2);
    }
  });

  it.each([
    ['json', '{"rateTeir": 1}', 'unknown option rateTeir; did you mean rateTier?'],
    ['json', '{"rateTier": 9}', 'rateTier must be one of 0, 1, 2, 3, 4, 5, not 9'],
    ['json', '{"port": "4100"}', 'port must be a number, not "4100"'],
    ['yaml', 'limits: { windows: 5 }', 'unknown limit windows'],
    ['yaml', 'gateway: { upsteam: x }', 'unknown option gateway.upsteam; did you mean gateway.upstream?'],
    ['yaml', 'gateway: { upstream: ftp://x }', 'gateway.upstream must be an http or https URL'],
    ['yaml', 'exec: { failOn: doctor }', 'exec.failOn must be a list of texts, not "doctor"'],
    ['yaml', '- 1', 'it must be an object, not [1]'],
    ['yaml', 'a: [', 'line 1'],
    ['mjs', 'export const port = 1;', 'it has no default export'],
    ['mjs', 'throw new Error("no such luck");', 'no such luck'],
  ])('in %s that holds %j is refused in one line that names file and field', async (end, text, told) => {
    const name = `kimi-emulator.config.${end}`;
    const found = readConfig([], folderWith({ [name]: text }));
    await expect(found).rejects.toThrow(UsageError);
    const { message } = (await found.catch((error: unknown) => error)) as Error;
    expect(message).toMatch(new RegExp(`^${name.replaceAll('.', '\\.')}(?:: |, line )[^\\n]+$`));
    expect(message).toContain(told);
  });

  it('must be one, and be there where it is named', async () => {
    const two = folderWith({ 'kimi-emulator.config.json': '{}', 'kimi-emulator.config.mjs': 'export default {}' });
    await expect(readConfig([], two)).rejects.toThrow('more than one configuration: kimi-emulator.config.mjs, kimi-');
    expect(await readConfig(['--config', 'kimi-emulator.config.json'], two)).toEqual({});
    await expect(readConfig(['--config', 'none.json'], two)).rejects.toThrow(
      '--config none.json cannot be read: ENOENT',
    );
    await expect(readConfig(['--config', 'none.toml'], two)).rejects.toThrow('--config takes a file in .ts, .mts, .js');
    expect(await readConfig([], folderWith({}))).toEqual({});
    const { code, stderr } = await run(['--config', 'none.json'], { cwd: two });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^kimi-emulator: --config none\.json cannot[^\n]+\n$/)]);
  });
});

describe('flags before the configuration, and the environment between them', () => {
  const config = {
    port: 5,
    stateless: true,
    models: ['kimi-k3'],
    controlKey: 'sk-file',
    hints: 'body',
    limits: { sessions: 7 },
    gateway: { upstream: 'https://file.example/v1', timeouts: { idle: 1, turn: 2 } },
    exec: { failOn: ['doctor'] },
  } as const;

  it('decide for the server', () => {
    expect(parseCli([], {}, config)).toMatchObject({ port: 5, options: { stateless: true, hints: 'body' } });
    const env = { KIMI_EMULATOR_CONTROL_KEY: 'sk-env', KIMI_EMULATOR_HINTS: 'header' };
    expect(parseCli(['--port', '6', '--limit', 'snapshots=2'], env, config)).toMatchObject({
      port: 6,
      options: { controlKey: 'sk-env', hints: 'header', limits: { sessions: 7, snapshots: 2 } },
    });
    expect(parseCli(['--control-key', 'sk-flag'], env, config).options.controlKey).toBe('sk-flag');
  });

  it('decide for the gateway, which has no use for options of a model', () => {
    const { cli, gateway } = parseGatewayCli(['--idle-timeout', '3'], {}, config);
    expect(gateway).toMatchObject({ upstream: 'https://file.example/v1', timeouts: { idle: 3_000, turn: 2 } });
    expect(cli.options).not.toHaveProperty('stateless');
    expect(cli.options).not.toHaveProperty('models');
    const env = { KIMI_UPSTREAM: 'https://env.example/v1' };
    expect(parseGatewayCli([], env, config).gateway.upstream).toBe('https://env.example/v1');
  });

  it('decide for exec, which is on a port and in memory of its own', () => {
    const stored = { ...config, database: 'state.db' };
    const { cli, gateway, failOn } = parseExecCli(['--', 'true'], {}, stored);
    expect({ port: cli.port, database: cli.options.database, gateway, failOn }).toEqual({
      port: 0,
      database: ':memory:',
      gateway: undefined,
      failOn: ['doctor'],
    });
    expect(parseExecCli(['--fail-on', 'faults', '--', 'true'], {}, config).failOn).toEqual(['faults']);
  });
});
