import type { Api } from '../wire/api.ts';
import { EXIT } from './exit-code.ts';
import { show } from './expect.ts';
import { Fault } from './verdict.ts';

/** The target cannot be judged at all, in one line, with what the process ends with. */
export class Unreachable extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Sees that somebody is there who speaks JSON and lets this key in, before anything is judged.
 * @throws Unreachable
 */
export async function preflight(api: Api, baseURL: string): Promise<void> {
  const reply = await api.get('/models').catch((error: unknown) => {
    if (error instanceof Fault)
      throw new Unreachable(`${baseURL} cannot be reached: ${error.message}`, EXIT.incomplete);
    throw error;
  });
  const { status } = reply;
  if (status === 401 || status === 403) {
    throw new Unreachable(
      `${baseURL} refuses the key: ${status} ${show(reply.json ?? reply.text)}`,
      EXIT.configuration,
    );
  }
  if (status === 429 || status >= 500) {
    throw new Unreachable(`${baseURL} serves nobody at the moment: ${status} ${show(reply.text)}`, EXIT.incomplete);
  }
  if (typeof reply.json !== 'object' || reply.json === null) {
    const type = reply.headers.get('content-type') ?? 'something without a type';
    throw new Unreachable(`${baseURL} answers ${type} and no JSON: is the base URL right?`, EXIT.configuration);
  }
}
