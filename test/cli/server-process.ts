import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const CLI = fileURLToPath(new URL('../../dist/emulator/cli/main.js', import.meta.url));

export interface Surroundings {
  cwd?: string;
  env?: Record<string, string>;
  /** The user that it runs as; only root can choose. */
  uid?: number;
  /** What a file of its may take at most, in the shell's blocks of 512 or 1,024 bytes. */
  fileBlocks?: number;
}

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** What `--json` prints. */
interface ReadyLine {
  event: string;
  base_url: string;
  inspector: string;
  port: number;
  pid: number;
  state: string;
  tokenizer: string;
  model?: string;
  upstream?: string;
  limits: Record<string, number>;
}

/** The built command line as a process of its own, ended with the test. */
export class ServerProcess {
  readonly ended: Promise<Ended>;
  /** What it has printed so far. */
  readonly said = { stdout: '', stderr: '' };
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(args: readonly string[], { cwd, env = {}, uid, fileBlocks }: Surroundings = {}) {
    if (!existsSync(CLI)) throw new Error('dist/ is missing: npm run build');
    const { KIMI_TOKENIZER, ...inherited } = process.env;
    const user = uid === undefined ? {} : { uid, gid: uid };
    const limit = fileBlocks === undefined ? [] : ['sh', '-c', `ulimit -f ${fileBlocks}; exec "$@"`, 'sh'];
    const [program = '', ...words] = [...limit, process.execPath, CLI, ...args];
    const child = spawn(program, words, { cwd, env: { ...inherited, ...env }, ...user });
    onTestFinished(() => void child.kill('SIGKILL'));
    const { said } = this;
    child.stdout.on('data', (data) => (said.stdout += data));
    child.stderr.on('data', (data) => (said.stderr += data));
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, ...said }));
    });
  }

  /** Starts on a free port and waits for the line that says it is ready. */
  static async listening(args: readonly string[], surroundings?: Surroundings) {
    const command = args[0]?.startsWith('-') === false ? args.slice(0, 1) : [];
    const flags = ['--port', '0', '--json', ...args.slice(command.length)];
    const server = new ServerProcess([...command, ...flags], surroundings);
    const line = await server.nextLine();
    if (line === undefined) throw new Error(`it did not start: ${(await server.ended).stderr}`);
    return { server, ready: JSON.parse(line) as ReadyLine };
  }

  /** The next line that it prints; undefined once it has ended. */
  async nextLine(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : value;
  }

  signal(name: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(name);
    return this.ended;
  }
}

/** Runs to its own end. */
export function run(args: readonly string[], surroundings?: Surroundings): Promise<Ended> {
  return new ServerProcess(args, surroundings).ended;
}
