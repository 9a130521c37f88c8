import { connectionRefused, connectionReset, unknownScheme } from './api-error.ts';
import type { App } from './app.ts';
import { abortable } from './http/streams.ts';

/** What is answered piece by piece, as long as somebody reads it: chats, and streamed appends. */
const STREAMED = /^(?:text\/event-stream|application\/x-ndjson)/;

const WEB = /^https?:/;

/** Requests of this process, without a connection, which end as they would over the network. */
export class InProcess {
  readonly #app: App;
  /**
   * What is under way, with the requests that it is of: one that nobody holds is collected, and no longer follows the signal
   * that it was made with.
   */
  readonly #open = new Map<AbortController, Request[]>();
  #closed = false;

  constructor(app: App) {
    this.#app = app;
  }

  /**
   * A request that is aborted fails at once, whether or not an answer is on its way.
   * @throws TypeError where the connection would have been dropped or refused, or the URL is not one of HTTP
   */
  async fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const asker = init.signal ?? (input instanceof Request ? input.signal : undefined);
    asker?.throwIfAborted();
    if (this.#closed) throw connectionRefused();
    const connection = new AbortController();
    const abort = (): void => connection.abort(asker?.reason);
    const end = (): void => {
      asker?.removeEventListener('abort', abort);
      this.#open.delete(connection);
    };
    const request = new Request(input, { ...init, signal: connection.signal });
    if (!WEB.test(request.url)) throw unknownScheme(request.url);
    this.#open.set(connection, input instanceof Request ? [request, input] : [request]);
    asker?.addEventListener('abort', abort, { once: true });
    try {
      const answer = this.#app.fetch(request);
      const response = await Promise.race([answer, aborted(connection.signal)]);
      if (response.type === 'error') throw connectionReset();
      if (response.body && isStream(response)) {
        return new Response(abortable(response.body, connection.signal, end), response);
      }
      end();
      return response;
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Refuses what comes from now on, and drops what is under way. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#open.keys()) connection.abort(connectionReset());
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function isStream({ headers }: Response): boolean {
  return STREAMED.test(headers.get('content-type') ?? '');
}
