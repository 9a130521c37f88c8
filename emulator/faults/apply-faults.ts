import { type OperationId, operationOf } from '../../contract/operation-routes.ts';
import { invalid } from '../api-error.ts';
import type { Handler, RequestContext } from '../http/context.ts';
import { readValue } from '../http/request-body.ts';
import { drop, onClientGone } from '../http/respond.ts';
import { FaultError, readEffect } from './fault-spec.ts';
import { Fault, type Faults, type Subject } from './faults.ts';
import { RequestFaults } from './request-faults.ts';

/** Finds the faults of a request, and applies those that act before anything is done. */
export async function applyFaults(c: RequestContext, next: Handler, faults: Faults): Promise<Response> {
  const header = c.req.header(FAULT_HEADER);
  const { operation, ids } = operationOf(c.req.method, c.req.path);
  if (operation === undefined) {
    if (header !== undefined) throw invalid(`${FAULT_HEADER}: not an operation of the API`, FAULT_HEADER);
    return next(c);
  }
  const own = header === undefined ? [] : [faultOf(header, operation)];
  const named = operation === 'createChatCompletion' ? namedIn(await readValue(c)) : {};
  const subject: Subject = { operation, session: ids.session, model: undefined, ...named, account: c.get('account') };
  const fitting = [...own, ...faults.fitting(subject)];
  if (fitting.length > 0) {
    const wait = faults.waiter((listener) => onClientGone(c, listener));
    const requestFaults = new RequestFaults(fitting, subject, wait, (effect) => c.get('exchange')?.addFault(effect));
    c.set('faults', requestFaults);
    if ((await requestFaults.waitBeforeRequest()) === 'gone' || requestFaults.consume('reset')) return drop(c);
    requestFaults.requireNoError();
  }
  return next(c);
}

/** A chat names its model and its session in its body. */
function namedIn(value: unknown): Partial<Subject> {
  if (typeof value !== 'object' || value === null) return {};
  const { session_id: session, model } = value as Record<string, unknown>;
  return {
    ...(typeof session === 'string' && { session }),
    ...(typeof model === 'string' && { model }),
  };
}

const FAULT_HEADER = 'Kimi-Emulator-Fault';

const WHOLE_NUMBER = /^\d{1,16}$/;

/**
 * Parses the fault of a request header: `EFFECT[; parameter=value]`, such as `cut_stream; after_events=2`.
 * @throws ApiError naming the valid names and values
 */
function faultOf(header: string, operation: OperationId): Fault {
  const [effect = '', ...parts] = header.split(';').map((part) => part.trim());
  const parameters = parts.filter((part) => part !== '').map(parameterOf);
  try {
    return new Fault(readEffect({ ...Object.fromEntries(parameters), effect }, operation));
  } catch (error) {
    if (error instanceof FaultError) throw invalid(`${FAULT_HEADER}: ${error.message}`, FAULT_HEADER);
    throw error;
  }
}

function parameterOf(part: string): [name: string, value: unknown] {
  const [name = '', ...rest] = part.split('=');
  const text = rest.join('=').trim();
  if (text === '' || text === 'true') return [name.trim(), true];
  return [name.trim(), WHOLE_NUMBER.test(text) ? Number(text) : text];
}
