import OpenAI, { type ClientOptions } from 'openai';

export type Fetch = NonNullable<ClientOptions['fetch']>;

/** As much of a gateway as is needed here: it is part of the emulator, which a client does not load unless it is asked for. */
interface Gateway {
  readonly baseURL: string;
  readonly fetch: Fetch;
}

type CreateGateway = (options: { upstream: string; database: string; fetch?: Fetch }) => Gateway;

/** Where sessions are kept that no server keeps, in the folder that the program runs in. */
const LOCAL_DATABASE = '.kimi-emulator/gateway.db';

/** A file of sessions has one owner in a process: clients of the same server share it. */
const opened = new Map<string, Promise<Gateway>>();

/**
 * Requests that go by way of a gateway in this process, which keeps the sessions, to a server that keeps none. It is opened by the
 * first of them.
 * @param ask what reaches the server; the global `fetch` where absent
 */
export function localSessions(upstream: string, ask: Fetch | undefined): Fetch {
  let own: Promise<Gateway> | undefined;
  return async (input, init) => {
    own ??= ask ? open(upstream, ask) : shared(upstream);
    const gateway = await own;
    const url = input instanceof Request ? input.url : String(input);
    const local = gateway.baseURL + url.slice(upstream.length);
    return gateway.fetch(input instanceof Request ? new Request(local, input) : local, init);
  };
}

function shared(upstream: string): Promise<Gateway> {
  const known = opened.get(upstream) ?? open(upstream);
  opened.set(upstream, known);
  known.catch(() => opened.delete(upstream));
  return known;
}

async function open(upstream: string, ask?: Fetch): Promise<Gateway> {
  // By its name alone: a bundle of the client holds no server.
  const name = 'kimi-emulator';
  const { createGateway } = (await import(/* @vite-ignore */ name).catch((cause: unknown) => {
    throw new OpenAI.OpenAIError(`sessions: 'local' needs the package ${name} beside its client`, { cause });
  })) as { createGateway: CreateGateway };
  return createGateway({ upstream, database: LOCAL_DATABASE, ...(ask && { fetch: ask }) });
}
