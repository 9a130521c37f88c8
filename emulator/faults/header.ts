import type { OperationId } from '../../contract/operation-routes.ts';
import { invalid } from '../errors.ts';
import { Fault } from './fault.ts';
import { FaultError, readEffect } from './spec.ts';

export const FAULT_HEADER = 'Kimi-Emulator-Fault';

const WHOLE_NUMBER = /^\d{1,16}$/;

/**
 * The fault that a request brings along: `EFFECT[; parameter=value]`, such as `cut_stream; after_events=2`.
 * @throws ApiError that says which names and values are right
 */
export function faultOf(header: string, operation: OperationId): Fault {
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
