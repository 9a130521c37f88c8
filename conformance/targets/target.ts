import { randomUUID } from 'node:crypto';
import type { Capability } from '../../contract/capabilities.ts';
import type { LimitName } from '../../contract/limits.ts';

/** Whether a target says that it offers something. What it says nothing of is probed. */
export type Declared = 'yes' | 'no';

/** What is judged: how to reach it, as whom, and what it says of itself. */
export interface Target {
  /** For reports: `emulator`, or the base URL. */
  readonly name: string;
  /** Ends with `/v1`. */
  readonly baseURL: string;
  readonly fetch: typeof fetch;
  readonly model: string;
  /** The main account's key, and that of a second account where there is one. */
  readonly keys: { readonly a: string; readonly b?: string };
  /** A key of an account that holds nothing yet, where the target lets anybody in. */
  readonly newKey?: () => string;
  /** True where the target accepts any key, so that no request is refused for an unknown one. */
  readonly anyKey?: boolean;
  /** True where the main account is there for these runs only, so that it may be filled and emptied. */
  readonly dedicated: boolean;
  readonly declares: Readonly<Partial<Record<Capability, Declared>>>;
  /** Limits that differ from the contract's defaults. The target's sessions tell theirs themselves. */
  readonly limits: Readonly<Partial<Record<LimitName, number>>>;
  /** True where its answers are those of another server, as a gateway's. */
  readonly relays?: true;
  /** True where requests cost money: nothing is sent before a plan has been agreed to. */
  readonly paid: boolean;
  /** Milliseconds that an answer may take. */
  readonly deadlineMs: number;
  close?(): Promise<void>;
}

export type EndpointOptions = Pick<
  Target,
  'baseURL' | 'keys' | 'anyKey' | 'model' | 'declares' | 'dedicated' | 'paid' | 'deadlineMs'
> &
  Partial<Pick<Target, 'limits'>>;

/** A server somewhere else, over the network. */
export function endpointTarget(options: EndpointOptions): Target {
  const baseURL = options.baseURL.replace(/\/+$/, '');
  // Reports name the target, and must not name a password.
  const name = baseURL.replace(/^(https?:\/\/)[^/]*@/, '$1');
  // Where any key is an account, one that nobody has used is an account that may be filled and emptied.
  const newKey = options.anyKey ? { newKey: () => `sk-conformance-${randomUUID()}` } : {};
  return { limits: {}, ...newKey, ...options, name, baseURL, fetch: globalThis.fetch };
}
