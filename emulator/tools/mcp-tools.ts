import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { VERSION } from '../version.ts';
import { fromMcp } from './read-tools.ts';

/** How long the server may take for all of it; one that `npx` has to install first is slow. */
const PATIENCE_MS = 120_000;
const MOST_PAGES = 100;
/** The version that is offered; a server may choose an older one, whose `tools/list` is the same. */
const PROTOCOL = '2025-06-18';
const KEPT_STDERR = 2000;
/** Of one message: a server that never ends its line must not fill the memory. */
const MOST_LINE_BYTES = 16 << 20;

/** A server that did not tell its tools; the message is one line. */
export class McpError extends Error {
  override readonly name = 'McpError';
}

/**
 * The tools of an MCP server on standard streams, as chat requests have them. Ours, because the official SDK brings a web
 * server and a validator along, and this asks three things of a server.
 * @param command for the shell, such as `npx -y some-mcp-server`
 * @throws McpError
 */
export async function listMcpTools(command: string, patienceMs = PATIENCE_MS): Promise<unknown[]> {
  // A group of its own, so that whatever the shell starts ends with it.
  const child = spawn(command, { shell: true, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const server = new McpServer(child);
  const late = setTimeout(() => server.fail(`did not answer within ${patienceMs / 1000} s`), patienceMs);
  try {
    await server.ask('initialize', {
      protocolVersion: PROTOCOL,
      capabilities: {},
      clientInfo: { name: 'kimi-emulator', version: VERSION },
    });
    server.tell('notifications/initialized');
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await server.ask('tools/list', cursor === undefined ? {} : { cursor });
      if (!Array.isArray(answer.tools)) throw new McpError(`${command}: tools/list answered no tools`);
      tools.push(...answer.tools.map(fromMcp));
      if (typeof answer.nextCursor !== 'string') return tools;
      cursor = answer.nextCursor;
    }
    throw new McpError(`${command}: tools/list does not end within ${MOST_PAGES} pages`);
  } catch (error) {
    throw error instanceof McpError ? error : new McpError(`${command}: ${(error as Error).message}`);
  } finally {
    clearTimeout(late);
    server.end();
  }
}

type Answer = Record<string, unknown>;

/** JSON-RPC, a message a line. */
class McpServer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  #failure: Error | undefined;
  #stderr = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('error', (error) => this.fail(error.message));
    child.on('close', (code) => this.fail(`ended with ${code ?? 'a signal'}${lastLine(this.#stderr)}`));
    child.stdin?.on('error', () => undefined);
    child.stderr?.on('data', (part: Buffer) => {
      this.#stderr = (this.#stderr + part).slice(-KEPT_STDERR);
    });
    let open = 0;
    child.stdout?.on('data', (part: Buffer) => {
      const end = part.lastIndexOf('\n');
      open = end === -1 ? open + part.length : part.length - end - 1;
      if (open <= MOST_LINE_BYTES) return;
      this.fail(`sent a line of more than ${MOST_LINE_BYTES} bytes`);
      child.stdout?.destroy();
    });
    if (child.stdout) createInterface(child.stdout).on('line', (line) => this.#receive(line));
  }

  ask(method: string, params: object): Promise<Answer> {
    const id = this.#waiting.size + 1;
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  tell(method: string): void {
    this.#send({ method });
  }

  fail(why: string): void {
    this.#failure ??= new Error(why);
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
  }

  end(): void {
    const { pid } = this.#child;
    try {
      if (pid !== undefined && this.#child.exitCode === null) process.kill(-pid);
    } catch {
      // It has ended by itself meanwhile.
    }
  }

  #send(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Some servers print other lines too; those are passed over. */
  #receive(line: string): void {
    let message: { id?: unknown; result?: Answer; error?: { message?: string } };
    try {
      message = JSON.parse(line);
    } catch {
      return;
    }
    const asked = typeof message?.id === 'number' ? this.#waiting.get(message.id) : undefined;
    if (message?.result) asked?.resolve(message.result);
    else if (message?.error) asked?.reject(new Error(message.error.message ?? 'an error without a message'));
  }
}

function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1);
  return line ? `: ${line}` : '';
}
