import { bypass, type HttpHandler, HttpResponse, http, type WebSocketHandler, ws } from 'msw';
import { copyable } from './http/streams.ts';
import type { Emulator } from './index.ts';
import { openTaped, type TestOptions, type TestTape } from './tape/open-taped.ts';

/** The live API's base URLs, in China and elsewhere [Kimi API documentation, collected 2026-11]. */
export const LIVE_BASE_URLS = ['https://api.moonshot.cn/v1', 'https://api.moonshot.ai/v1'] as const;

/**
 * Every address of Moonshot: the open platform (`api.moonshot.cn`, `.ai`), the coding plan (`api.kimi.com/coding`), its sign-in
 * (`auth.kimi.com`) and whatever else is below the same domains; any scheme, port and path [documentation and clients, 2026-11].
 */
const LIVE_ADDRESS =
  /^(?:https?|wss?):\/\/(?:[^/?#@]*@)?(?:[\w-]+\.)*(?:moonshot\.(?:cn|ai)|kimi\.(?:com|ai))\.?(?::\d+)?(?:[/?#]|$)/i;

/** A request made from another hears of its abort only as long as somebody holds it: as long as its answer is read. */
const held = new WeakMap<ReadableStream, Request>();

export interface HandlersOptions {
  /** Base URLs that the emulator answers for, with `/v1`; both of the live API's where absent. */
  baseURL?: string | readonly string[];
}

/**
 * Handlers for msw 2 and 3, so that code under test keeps its live URL while the emulator answers in this process; streams
 * included. A call to any other address of Moonshot fails, so that no test ever reaches it, nor shows it a key. In place of an
 * emulator, `{ tape: 'agent.tape', mode: 'auto' }` answers with what an upstream was recorded to say.
 * @throws TypeError for an invalid base URL; TapeError, RangeError in one line where a tape cannot be used
 * @example
 * ```ts
 * import { createEmulator } from 'kimi-emulator';
 * import { handlers } from 'kimi-emulator/msw';
 * import { setupServer } from 'msw/node';
 *
 * const emulator = createEmulator();
 * const server = setupServer(...handlers(emulator));
 * beforeAll(() => server.listen());
 * afterAll(() => server.close());
 * ```
 */
export function handlers(
  answering: Pick<Emulator, 'fetch' | 'baseURL'> | (TestOptions & TestTape),
  { baseURL = LIVE_BASE_URLS }: HandlersOptions = {},
): (HttpHandler | WebSocketHandler)[] {
  const { fetch, baseURL: own } = 'tape' in answering ? openTaped(answering, { fetch: askUpstream }) : answering;
  const bases = (typeof baseURL === 'string' ? [baseURL] : [...baseURL]).map(withoutSlash);
  const answers = bases.map((base) =>
    http.all(`${base}/*`, ({ request }) => answer(request, moved(request, base, own), fetch)),
  );
  return [...answers, http.all(LIVE_ADDRESS, refuse), SOCKETS];
}

/** Past the handlers: the upstream that is recorded may well be the live URL that they answer for. */
const askUpstream: typeof fetch = (input, init) => fetch(bypass(input instanceof URL ? input.href : input, init));

/** The close code of RFC 6455 for a connection that is not allowed. */
const POLICY_VIOLATION = 1008;

/** One for all: each link listens to a channel of its own for as long as the process lives. */
const SOCKETS = ws.link(LIVE_ADDRESS).addEventListener('connection', ({ client }) => {
  warn('WebSocket', client.url.href);
  client.close(POLICY_VIOLATION, 'stopped by kimi-emulator/msw');
});

/** The same request to the emulator's own base URL: its path below the base stays, and the host is not a live one. */
function moved(request: Request, base: string, own: string): Request {
  const local = new Request(own + request.url.slice(base.length), request);
  // msw 3 hands over the headers as they would leave, Host among them; the emulator answers to its own names only.
  local.headers.delete('host');
  return local;
}

async function answer(request: Request, asked: Request, fetch: Emulator['fetch']): Promise<Response> {
  try {
    const response = await fetch(asked, { signal: request.signal });
    if (!response.body) return response;
    held.set(response.body, request);
    return new Response(copyable(response.body), response);
  } catch (error) {
    // A dropped connection is one for the code under test too; msw would make a 500 of it. Who aborted has gone already.
    if (error instanceof TypeError || request.signal.aborted) return HttpResponse.error();
    throw error;
  }
}

function refuse({ request }: { request: Request }): Response {
  warn(request.method, request.url);
  return HttpResponse.error();
}

function warn(method: string, url: string): void {
  console.error(
    `kimi-emulator/msw: ${method} ${url} goes to the live API and was stopped; name its base URL in handlers()`,
  );
}

function withoutSlash(url: string): string {
  return new URL(url).href.replace(/\/+$/, '');
}
