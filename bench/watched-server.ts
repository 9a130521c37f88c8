import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Child, startServer } from './processes.ts';

/** What `watch-loop.mjs` has seen of a server since it was asked last. */
interface Seen {
  /** Longest hold of the event loop, in processor time, and by the clock. */
  heldMs: number;
  delayMs: number;
  residentMiB: number;
  nowMiB: number;
}

/** A server that watches its own event loop and memory. */
export class WatchedServer {
  readonly port: number;
  readonly #child: Child;
  readonly #folder: string;

  private constructor(child: Child, folder: string) {
    this.port = child.port;
    this.#child = child;
    this.#folder = folder;
  }

  /** @param args of the command line, behind the flags that say where it listens */
  static async start(args: readonly string[]): Promise<WatchedServer> {
    const folder = mkdtempSync(join(tmpdir(), 'kimi-bench-'));
    const [command = '', ...flags] = args;
    const words = command.startsWith('-')
      ? ['--json', '--port', '0', ...args]
      : [command, '--json', '--port', '0', ...flags];
    const child = await startServer(['--import', './bench/watch-loop.mjs', 'dist/emulator/cli/main.js', ...words], {
      KIMI_WATCH_FILE: join(folder, 'seen.json'),
    });
    return new WatchedServer(child, folder);
  }

  /** Begins anew with it. */
  async seen(): Promise<Seen> {
    const file = join(this.#folder, 'seen.json');
    writeFileSync(file, '');
    this.#child.process.kill('SIGUSR2');
    for (;;) {
      await wait(10);
      const text = readFileSync(file, 'utf8');
      if (text !== '') return JSON.parse(text) as Seen;
    }
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
