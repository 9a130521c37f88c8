import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../support/free-port.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kimi-automation-'));
afterAll(() => rmSync(folder, { recursive: true }));

const manifest = JSON.parse(read('package.json')) as { bin: Record<string, string>; scripts: Record<string, string> };
const bin = manifest.bin['kimi-emulator'] ?? '';

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

interface Step {
  name?: string;
  id?: string;
  shell?: string;
  uses?: string;
  run?: string;
  with?: Record<string, string | number>;
  env?: Record<string, string>;
}

describe('the workflows', () => {
  const workflows = readdirSync(join(ROOT, '.github/workflows')).map((name) => ({
    name,
    jobs: Object.values(
      (
        parse(read(`.github/workflows/${name}`)) as {
          jobs: Record<string, { steps: Step[]; 'timeout-minutes': number }>;
        }
      ).jobs,
    ),
  }));
  const commands = workflows.flatMap(({ jobs }) =>
    jobs.flatMap(({ steps }) => steps.flatMap((step) => step.run ?? [])),
  );

  it('run scripts that package.json has, and files that are here', () => {
    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) {
      const script = /^npm (?:run )?(?!ci)([\w:]+)/.exec(command)?.[1];
      if (script !== undefined) expect(manifest.scripts, command).toHaveProperty(script);
      const file = /^(\.[\w./]+)/.exec(command)?.[1];
      if (file !== undefined) expect(existsSync(join(ROOT, file)), command).toBe(true);
    }
  });

  it('end by themselves: each job has a time limit', () => {
    for (const { name, jobs } of workflows)
      for (const job of jobs) expect(job['timeout-minutes'], name).toBeGreaterThan(0);
  });

  it('test Node 20, 22 and 24', () => {
    expect(read('.github/workflows/ci.yml')).toContain('node: [20, 22, 24]');
  });
});

describe('the Dockerfile', () => {
  const instructions = read('Dockerfile')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line));
  const lastValue = (name: string) =>
    instructions.findLast((line) => line.startsWith(`${name} `))?.slice(name.length + 1);

  /** Written into the image, in its working folder. */
  const configuration = JSON.parse(
    /^RUN echo '(.*)' > kimi-emulator\.config\.json$/m.exec(read('Dockerfile'))?.[1] ?? '',
  ) as {
    host: string;
    port: number;
    database: string;
    allowedHosts: string[];
  };

  it('starts the command that the package installs', () => {
    expect(JSON.parse(lastValue('ENTRYPOINT') ?? '')).toEqual(['node', bin.replace(/^\.\//, '')]);
    // What follows the image's name replaces it.
    expect(lastValue('CMD')).toBeUndefined();
    expect(configuration.host).toBe('0.0.0.0');
  });

  const context = read('.dockerignore')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? line.slice(1) : []));

  it('copies nothing that is not in the build context', () => {
    for (const path of context.filter((name) => !name.includes('*')))
      expect(existsSync(join(ROOT, path)), path).toBe(true);
    const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] };
    for (const path of include) expect(context).toContain(path);
    const copied = instructions.filter((line) => line.startsWith('COPY '));
    expect(copied.length).toBeGreaterThan(4);
    for (const line of copied) {
      const sources = line.split(' ').slice(1, -1);
      // What the first stage has made is asked for by its path there.
      const made = sources[0] === '--from=build';
      for (const source of made ? sources.slice(1) : sources.filter((name) => name !== '.')) {
        const path = source.replace(/^\/build\//, '');
        expect(existsSync(join(ROOT, path)), line).toBe(true);
        if (!made) expect(context, line).toContain(path);
      }
    }
  });

  it('leaves of better-sqlite3 what it needs to run', () => {
    const command = instructions.find((line) => line.includes('better-sqlite3'))?.slice('RUN '.length) ?? '';
    const installed = 'node_modules/better-sqlite3';
    cpSync(join(ROOT, installed), join(folder, installed), { recursive: true });
    for (const name of ['bindings', 'file-uri-to-path'])
      cpSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
    execFileSync('sh', ['-ec', command], { cwd: folder });
    const program = "console.log(new (require('better-sqlite3'))(':memory:').prepare('SELECT 7').pluck().get())";
    expect(execFileSync(process.execPath, ['-e', program], { cwd: folder, encoding: 'utf8' })).toBe('7\n');
    expect(readdirSync(join(folder, installed)).toSorted()).toEqual(
      ['LICENSE', 'README.md', 'binding.gyp', 'build', 'lib', 'package.json'].toSorted(),
    );
  });

  it('runs as another user than root, with its state in a volume that this user owns', () => {
    expect(lastValue('USER')).toBe('node');
    const volume = lastValue('VOLUME');
    expect(instructions).toContain(`RUN mkdir ${volume} && chown node:node ${volume}`);
    expect(instructions.indexOf('USER node')).toBeGreaterThan(instructions.indexOf(`RUN mkdir ${volume}`));
    expect(configuration.database).toBe(`${volume}/state.db`);
  });

  it('is what compose.yaml builds: on loopback alone, with the volume, and under the name that it answers to', () => {
    const { services, volumes } = parse(read('compose.yaml')) as {
      services: Record<string, { build: string; ports: string[]; volumes: string[] }>;
      volumes: Record<string, unknown>;
    };
    const [name = '', ...others] = Object.keys(services);
    expect(others).toEqual([]);
    expect(configuration.allowedHosts).toContain(name);
    const port = lastValue('EXPOSE');
    expect(String(configuration.port)).toBe(port);
    expect(services[name]).toMatchObject({
      build: '.',
      ports: [`127.0.0.1:${port}:${port}`],
      volumes: [`${Object.keys(volumes)[0]}:${lastValue('VOLUME')}`],
    });
  });

  it.each([
    ['as it is', []],
    ['with flags of the user', ['--rate-tier', '1']],
    ['as a gateway', ['gateway', '--upstream', 'http://127.0.0.1:9/v1']],
  ])('serves %s, for other containers too, and its health check passes', async (_, args) => {
    const port = await freePort();
    const cwd = mkdtempSync(join(folder, 'image-'));
    const written = JSON.stringify({ ...configuration, port, database: join(cwd, 'state.db') });
    writeFileSync(join(cwd, 'kimi-emulator.config.json'), written);
    const server = spawn(process.execPath, [join(ROOT, bin), ...args], { cwd, stdio: 'ignore' });
    onTestFinished(() => void server.kill());
    const [command, ...check] = JSON.parse(lastValue('HEALTHCHECK')?.replace(/^.*CMD /, '') ?? '') as string[];
    expect(command).toBe('node');
    const asked = check.map((part) => part.replace(':4100', `:${port}`));
    const healthy = () =>
      promisify(execFile)(process.execPath, asked).then(
        () => true,
        () => false,
      );
    await expect.poll(healthy, { timeout: 60_000 }).toBe(true);
    expect(existsSync(join(cwd, 'state.db'))).toBe(true);
    for (const [host, isAnswered] of [
      [`kimi-emulator:${port}`, true],
      [`host.docker.internal:${port}`, true],
      [`other.example:${port}`, false],
    ] as const) {
      const [answer] = await once(get({ port, host: '127.0.0.1', path: '/v1/models', headers: { host } }), 'response');
      (answer as IncomingMessage).resume();
      expect((answer as IncomingMessage).statusCode !== 403, host).toBe(isAnswered);
    }
  });
});

describe('the GitHub Action', () => {
  const action = parse(read('action.yml')) as {
    inputs: Record<string, { description: string; default: string }>;
    outputs: Record<string, { value: string }>;
    runs: { using: string; steps: Step[] };
  };
  const step = (name: string) => action.runs.steps.find((candidate) => candidate.name === name);

  it('names a shell for each step, and passes inputs by the environment, never into the script', () => {
    expect(action.runs.using).toBe('composite');
    for (const { shell, run } of action.runs.steps) {
      expect(shell).toBe('bash');
      expect(run).not.toContain('${{');
    }
    expect(step('Install')?.run).toBe('npm install --global "$PACKAGE"');
  });

  it('starts the emulator, waits for it, and sets the environment of the steps that follow', async () => {
    const port = await freePort();
    const { stdout } = await runStep({ PORT: String(port), ARGS: '--memory --quiet' });
    const pid = Number(/pid (\d+)/.exec(stdout)?.[1]);
    onTestFinished(() => void process.kill(pid));
    const url = `http://127.0.0.1:${port}/v1`;
    expect(readFileSync(join(folder, 'env'), 'utf8')).toBe(`KIMI_BASE_URL=${url}\nKIMI_API_KEY=sk-emulator\n`);
    expect(readFileSync(join(folder, 'output'), 'utf8')).toBe(`base-url=${url}\n`);
    const models = await fetch(`${url}/models`, { headers: { authorization: 'Bearer sk-emulator' } });
    expect(models.status).toBe(200);
  });

  it('fails, and shows why, where the emulator does not start', async () => {
    const failed = await runStep({ PORT: '1', ARGS: '--no-such-flag' }).catch(
      (error: { stdout: string; code: number }) => error,
    );
    expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('--no-such-flag') });
  });

  /** Runs the start step as the runner does: its script in bash, with the command installed and files for what it sets. */
  function runStep(env: Record<string, string>): Promise<{ stdout: string }> {
    const script = `${step('Start')?.run}\necho "pid $pid"\n`;
    const command = join(folder, 'kimi-emulator');
    writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, bin)}" "$@"\n`);
    chmodSync(command, 0o755);
    return promisify(execFile)('bash', ['-eo', 'pipefail', '-c', script], {
      env: {
        ...process.env,
        PATH: `${folder}${delimiter}${process.env.PATH}`,
        LOG: join(folder, 'log'),
        GITHUB_ENV: join(folder, 'env'),
        GITHUB_OUTPUT: join(folder, 'output'),
        ...env,
      },
    });
  }
});
