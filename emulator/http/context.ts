import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Blob } from '../engines/media/data-url.ts';
import type { RequestFaults } from '../faults/request-faults.ts';
import type { Exchange } from '../journal/exchange.ts';
import type { Services } from '../services.ts';
import type { AccountRate } from './rate-limits.ts';

/** What one request carries through the walk. */
export interface Env {
  /** Empty in process. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    services: Services;
    /** When the request came in, on the monotonic clock. */
    startedAt: number;
    /** Headers of the answer, whatever it will be. */
    headers: Record<string, string>;
    /** Hash of the key; set once the request is authenticated. */
    account: string;
    /** Bytes of the request body, once read. */
    body: Uint8Array;
    /** Pictures and videos that were read apart from the body, by hash. */
    lifted: ReadonlyMap<string, Blob>;
    /** Whether path or body name a session, a snapshot or a share, so that errors are the dialect's and carry their code. */
    addressed: boolean;
    /** What is to go wrong with the request; undefined where nothing is. */
    faults: RequestFaults | undefined;
    /** What the account may do; undefined where that is not limited. */
    rate: AccountRate | undefined;
    /** The request's journal entry; undefined for the emulator's own routes, and without a journal. */
    exchange: Exchange | undefined;
  };
}

export type RequestContext = Context<Env>;
