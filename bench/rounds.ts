import { Agent, request } from 'node:http';
import { type Child, median, processorMs } from './processes.ts';
import type { Row } from './table.ts';

/** Rounds in turn, so that a change of the machine's load meets all alike. */
const ROUNDS = Number(process.env.KIMI_BENCH_RUNS ?? 5);
const EACH = Number(process.env.KIMI_BENCH_EACH ?? 2_000);
/** One request. */
export interface Asked {
  path: string;
  body: string;
}

/** Asks with connections that are kept open. Fails where an answer is not a success. */
export class Clients {
  readonly #agent: Agent;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    this.#agent = new Agent({ keepAlive: true, maxSockets: count });
  }

  ask(port: number, { path, body }: Asked): Promise<string> {
    const headers = {
      Authorization: 'Bearer sk-bench',
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    };
    return new Promise((resolve, reject) => {
      const asking = request(
        { agent: this.#agent, port, host: '127.0.0.1', method: 'POST', path, headers },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (part: string) => {
            text += part;
          });
          answer.on('end', () => ((answer.statusCode ?? 500) < 300 ? resolve(text) : reject(new Error(text))));
        },
      );
      asking.on('error', reject).end(body);
    });
  }

  /** Sends so many requests, each client one after another. */
  async load(port: number, total: number, make: (client: number) => Asked): Promise<void> {
    let left = total;
    const run = async (client: number): Promise<void> => {
      while (left-- > 0) await this.ask(port, make(client));
    };
    await Promise.all(Array.from({ length: this.#count }, (_, client) => run(client)));
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A server that is measured, and what it is asked. */
export interface Subject {
  server: Child;
  make: (client: number) => Asked;
  /** Called before each round, outside what is measured. */
  before?: () => Promise<void>;
}

interface Measured {
  /** Of the server's process for each request, by round. */
  processorUs: number[];
  perSecond: number[];
}

/** Measures servers over the same requests, in turn. */
export async function inTurn(
  clients: Clients,
  subjects: Record<string, Subject>,
  each = EACH,
): Promise<(name: string) => Measured> {
  const entries = Object.entries(subjects);
  const seen = new Map(entries.map(([name]) => [name, { processorUs: [], perSecond: [] } as Measured]));
  const of = (name: string): Measured => {
    const found = seen.get(name);
    if (!found) throw new Error(`${name} was not measured`);
    return found;
  };
  for (const [, { server, make }] of entries) await clients.load(server.port, each, make);
  for (let round = 0; round < ROUNDS; round += 1) {
    const first = round % entries.length;
    for (const [name, { server, make, before }] of [...entries.slice(first), ...entries.slice(0, first)]) {
      await before?.();
      const [used, started] = [processorMs(server), performance.now()];
      await clients.load(server.port, each, make);
      of(name).perSecond.push(each / ((performance.now() - started) / 1_000));
      of(name).processorUs.push((1_000 * (processorMs(server) - used)) / each);
    }
  }
  return of;
}

export const ROUNDS_TEXT = `medians of ${ROUNDS} rounds of ${EACH} in turn`;

/** Two rows: throughput and processor time against a rival, with targets where there are any. */
export function compare(
  name: string,
  [ours, rival]: readonly [Measured, Measured],
  { least, most }: { least?: number; most?: number } = {},
): Row[] {
  const times = median(ours.processorUs) / median(rival.processorUs);
  const rates = median(ours.perSecond) / median(rival.perSecond);
  const spread = `${median(ours.processorUs).toFixed(0)} (${Math.min(...ours.processorUs).toFixed(0)}–${Math.max(...ours.processorUs).toFixed(0)})`;
  return [
    {
      name: `${name}: processor time, µs`,
      value: spread,
      ratio: times,
      ...(most && { target: `<= ${most}`, ok: times <= most }),
    },
    {
      name: `${name}: throughput, requests/s`,
      value: median(ours.perSecond),
      ratio: rates,
      ...(least && { target: `>= ${least}`, ok: rates >= least }),
    },
  ];
}
