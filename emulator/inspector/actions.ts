import * as z from 'zod';
import { ApiError, invalid } from '../api-error.ts';
import { FaultError, type FaultSpec } from '../faults/fault-spec.ts';
import type { RequestContext } from '../http/context.ts';
import { parseFields } from '../http/request-body.ts';
import { mutate, type SessionTarget } from '../mutation.ts';
import { insertSession } from '../sessions/create.ts';
import { pin } from '../sessions/messages.ts';
import { saveSession, toSession } from '../sessions/session.ts';
import { takeSnapshot, toSnapshot } from '../sessions/snapshots.ts';
import { prepareCuts } from '../sessions/truncate.ts';
import { bodyOf } from './requests.ts';
import type { SessionLines } from './sessions.ts';
import { windowAt } from './windows.ts';

const id = z.string().min(1);
const SCHEMAS = {
  fork: z.strictObject({ session: id, at: id, title: z.string().max(200).exactOptional() }),
  /** `version`: of the session as it was shown, so that nothing is lost that was written meanwhile. `undo`: what it is for. */
  rollback: z.strictObject({ session: id, at: id, version: z.int().min(1), undo: z.boolean().default(false) }),
  snapshot: z.strictObject({ session: id, name: z.string().max(200).exactOptional() }),
  pin: z.strictObject({ session: id, message: id, pinned: z.boolean() }),
  unfault: z.strictObject({ id }),
  clock: z.strictObject({ advance: z.number().min(0) }),
  replay: z.strictObject({ request: z.int().min(1) }),
};

const ACTIONS = ['fault', ...Object.keys(SCHEMAS)];

interface Acting {
  lines: SessionLines;
  /** Sends a request to this server. */
  send: (request: Request) => Response | Promise<Response>;
}

/** Carries an action of the page out, and says in `did` what it has done. @throws ApiError as the same request to the API does */
export async function act(c: RequestContext, { lines, send }: Acting, name: string, value: unknown): Promise<object> {
  const { services } = c.var;
  const target = (session: string, expected?: number): SessionTarget => {
    const row = lines.find(session);
    if (!row) throw new ApiError('session_not_found', { session });
    c.set('account', row.account);
    return { id: session, expected };
  };
  switch (name) {
    case 'fork': {
      const { session, at, title } = parseFields(c, SCHEMAS.fork, value);
      target(session);
      const { body } = await mutate(c, undefined, {
        apply: () => {
          const origin = lines.find(session);
          if (!origin) throw new ApiError('session_not_found', { session });
          const { view, model, toolset } = windowAt(services, origin, at);
          const isSnapshot = services.store.snapshots.find(origin.account, at) !== undefined;
          const forked = insertSession(services, origin.account, {
            model,
            title: title ?? `fork of ${origin.title ?? origin.id}`.slice(0, 200),
            metadata: origin.metadata,
            toolset,
            calls: origin.calls,
            forkedFrom: isSnapshot ? { snapshot_id: at } : null,
            view: services.store.history.branch(view),
          });
          return {
            body: { ...toSession(services, forked), did: 'forked' },
            status: 201,
            history: { session: forked.id, step: { restored: at } },
            past: { kind: 'forked', session: forked },
          };
        },
      });
      return JSON.parse(body) as object;
    }
    case 'rollback': {
      const { session, at, version, undo } = parseFields(c, SCHEMAS.rollback, value);
      const { body } = await mutate(c, target(session, version), {
        apply: (row) => {
          const { view, model, toolset } = windowAt(services, row, at);
          const next = saveSession(services, row, { view: services.store.history.branch(view), model, toolset });
          return {
            body: { ...toSession(services, next), did: undo ? 'undone' : 'rolled back' },
            history: { session, step: { restored: at } },
            past: { kind: undo ? 'undo' : 'rollback', session: next, restored: at },
          };
        },
      });
      return JSON.parse(body) as object;
    }
    case 'snapshot': {
      const { session, name: title } = parseFields(c, SCHEMAS.snapshot, value);
      const { body } = await mutate(
        c,
        { ...target(session), busy: true },
        {
          prepare: prepareCuts(services),
          apply: (row, cuts) => {
            const taken = takeSnapshot(services, cuts, row, title === undefined ? {} : { name: title });
            return {
              body: { ...toSnapshot(services, taken), did: 'taken' },
              history: { session, step: { snapshot: taken.id } },
              past: { kind: 'snapshot', session: row, snapshot: taken.id },
            };
          },
        },
      );
      return JSON.parse(body) as object;
    }
    case 'pin': {
      const { session, message, pinned } = parseFields(c, SCHEMAS.pin, value);
      const { body } = await mutate(c, target(session), {
        apply: (row) => {
          const { session: next, result } = pin(services, row, message, pinned);
          const past = next !== row && { past: { kind: 'pin' as const, session: next } };
          return { body: { ...result, did: pinned ? 'pinned' : 'unpinned' }, ...past };
        },
      });
      return JSON.parse(body) as object;
    }
    case 'fault':
      try {
        const fault = services.faults.add(value as FaultSpec);
        return { did: 'set', id: fault.id };
      } catch (error) {
        throw error instanceof FaultError ? invalid(error.message) : error;
      }
    case 'unfault': {
      const { id: fault } = parseFields(c, SCHEMAS.unfault, value);
      if (!services.faults.remove(fault)) throw new ApiError('message_not_found', { fault });
      return { did: 'removed', id: fault };
    }
    case 'clock': {
      const { advance } = parseFields(c, SCHEMAS.clock, value);
      try {
        return { did: 'moved', now: services.clock.advance(advance * 1_000) };
      } catch {
        throw invalid('advance: leads beyond the end of time', 'advance');
      }
    }
    case 'replay':
      return replay(c, send, parseFields(c, SCHEMAS.replay, value).request);
    default:
      throw invalid(`there is no action ${name}; there are ${ACTIONS.join(', ')}`);
  }
}

const JSON_TYPE = { 'Content-Type': 'application/json' };
const LONGEST_ANSWER = 65_536;

/** Sends a request of the journal again, with the key that it had and without its idempotency key. */
async function replay(c: RequestContext, send: Acting['send'], n: number): Promise<object> {
  const exchange = c.var.services.journal.exchanges().find((each) => each.n === n);
  if (!exchange) throw invalid(`request #${n} is not remembered any more`, 'request');
  const body = bodyOf(exchange);
  if (body === undefined) throw invalid(`of request #${n} the journal keeps the two ends only`, 'request');
  const { method, path, query } = exchange.asked;
  const headers = { Authorization: `Bearer ${exchange.key}`, ...(body !== '' && JSON_TYPE) };
  const url = new URL(path + query, 'http://localhost');
  const response = await send(new Request(url, { method, headers, ...(body !== '' && method !== 'GET' && { body }) }));
  const text = await response.text();
  return { did: 'sent', status: response.status, answer: text.slice(0, LONGEST_ANSWER).toWellFormed() };
}
