import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Child {
  port: number;
  process: ChildProcess;
  /** Milliseconds from the start of the process to its first line. */
  readyMs: number;
  stop(): Promise<void>;
}

/** Starts a server that prints one line of JSON with its `port` when it is ready. */
export async function startServer(args: readonly string[], env: Record<string, string> = {}): Promise<Child> {
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  const { port } = JSON.parse(line) as { port: number };
  return {
    port,
    process: child,
    readyMs: performance.now() - started,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** Resident memory of a process in MiB, read from the system. */
export async function residentMiB(pid: number): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

/** Milliseconds of a tick in `/proc`. */
const TICK_MS = 10;

/** Processor time of a process so far. */
export function processorMs({ process: { pid } }: Child): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** How busy others keep the machine while these processes are measured. */
export class MachineClock {
  readonly #ours: readonly (Child | undefined)[];
  #startedAt = 0;
  #before = 0;

  constructor(ours: readonly (Child | undefined)[]) {
    this.#ours = ours;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#before = this.#othersMs();
  }

  /** Cores that others have taken since the start. */
  othersCores(): number {
    return (this.#othersMs() - this.#before) / (performance.now() - this.#startedAt);
  }

  #othersMs(): number {
    const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0] = (
      /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1]?.split(' ') ?? []
    ).map(Number);
    const { user: ownUser, system: ownSystem } = process.cpuUsage();
    const ours = this.#ours.reduce((sum, child) => sum + (child ? processorMs(child) : 0), 0);
    return (user + nice + system + irq + soft) * TICK_MS - ours - (ownUser + ownSystem) / 1_000;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
