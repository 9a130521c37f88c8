import { checkNames } from '../bad-input.ts';
import { type Amount, parseAmount } from '../billing/ledger.ts';
import type { Emulator } from '../emulator.ts';
import type { ServedModels } from '../models/profiles.ts';
import { openEmulator } from '../open-emulator.ts';
import {
  type Check,
  checkOptions,
  type EmulatorOptions,
  is,
  OPTION_NAMES,
  type Option,
  option,
  type Refuse,
} from '../options.ts';
import { TAPE_OPTIONS, tapeConflict, tapedUpstream } from '../tape/tape-options.ts';
import { FetchUpstream } from './fetch-upstream.ts';
import { Gateway } from './gateway.ts';
import type { CapScope, SpendCap } from './spend-caps.ts';
import { HttpUpstream, UPSTREAM_TIMEOUTS, type Upstream, type UpstreamTimeouts } from './upstream.ts';

const SCOPES: readonly string[] = ['run', 'key', 'session'] satisfies CapScope[];

/** Every option that `createGateway` takes beside those of `createEmulator`. */
export const GATEWAY_OPTIONS = {
  /** The base URL that is asked, as an SDK takes it: `https://api.moonshot.ai/v1`. */
  upstream: option<string>(is(isBaseUrl), {
    meaning: 'base URL that answers come from',
    wanted: 'an http or https URL without key, query and fragment, such as https://api.moonshot.ai/v1',
    otherwise: 'KIMI_UPSTREAM',
    flag: { name: 'upstream', value: 'URL', help: 'base URL that answers come from (also: KIMI_UPSTREAM)' },
  }),
  /** Asks the upstream, in place of Node's own HTTP: for an upstream in this process. */
  fetch: option<typeof fetch>(
    is((value) => typeof value === 'function'),
    {
      meaning: 'asks the upstream, such as the fetch of an emulator',
      wanted: 'a function',
      otherwise: 'over the network',
    },
  ),
  /** The upstream's key. Without it each client's own key is passed on, and is its account. */
  upstreamKey: option<string>(
    is((value) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)),
    {
      meaning: "the gateway's own key for the upstream",
      wanted: 'a key that a header can carry',
      otherwise: "each client's own key is passed on",
      flag: {
        name: 'upstream-key-env',
        value: 'NAME',
        help: "environment variable with the gateway's own key; clients then use keys of --api-keys",
      },
    },
  ),
  /** Which models may be asked for, those of other vendors too; the first is that of a session that names none. */
  models: option<ServedModels>(
    is((value) => value === 'live' || (Array.isArray(value) && value.length > 0 && value.every(isName))),
    {
      meaning: 'which models may be asked for; the first is that of a session that names none',
      wanted: 'live, or a list of models',
      otherwise: 'any, and kimi-k3',
      flag: {
        name: 'models',
        value: 'LIST',
        help: 'which models may be asked for, the default of sessions first: live, or NAME,NAME (default: any)',
      },
    },
  ),
  /** What may be spent at most: `5USD` in this run, `5USD/key` for each key, `1USD/session` for each session. */
  maxSpend: option<string | readonly string[]>(checkCaps, {
    meaning: 'what may be spent at most, in this run, for each key or for each session',
    wanted: 'an amount such as 5USD, 5USD/key or 1USD/session',
    otherwise: 'no limit',
    flag: {
      name: 'max-spend',
      value: 'AMOUNT',
      multiple: true,
      help: 'spend at most: 5USD in this run, 5USD/key, 1USD/session; repeatable',
    },
  }),
  /** Whether an answer whose client has gone is read to its end and stored, for the retry under the same key. */
  finishAbandoned: option<boolean>(
    is((value) => typeof value === 'boolean'),
    {
      meaning: 'whether an answer whose client has gone is read to its end and stored for its retry',
      wanted: 'true or false',
      otherwise: 'the upstream call is ended',
    },
  ),
  /**
   * How long the upstream may take, in milliseconds: to connect, to the first byte, between two parts of an answer, and for the
   * whole answer of a session turn.
   */
  timeouts: option<Partial<UpstreamTimeouts>>(checkTimeouts, {
    meaning: 'how long the upstream may take to connect, to answer, between parts and for a turn, in milliseconds',
    wanted: 'an object of connect, firstByte, idle, turn',
    otherwise: '10 s, 900 s, 300 s, 1 h',
  }),
  ...TAPE_OPTIONS,
} as const;

type GatewayOptionName = keyof typeof GATEWAY_OPTIONS;

/** Options of an emulator that a gateway has no use for, or takes in its own way. */
const NOT_TAKEN = ['model', 'stateless', 'models'] as const;
type NotTaken = (typeof NOT_TAKEN)[number];
const COMMON_NAMES = OPTION_NAMES.filter((name) => !NOT_TAKEN.some((other) => other === name));

/** What `createGateway` takes. Only `upstream` must be given, or a tape to `replay`. */
export type GatewayOptions = Omit<EmulatorOptions, NotTaken> & {
  -readonly [Name in GatewayOptionName]?: NonNullable<(typeof GATEWAY_OPTIONS)[Name]['value']>;
};

export const GATEWAY_OPTION_NAMES = Object.keys(GATEWAY_OPTIONS) as readonly GatewayOptionName[];

/**
 * An emulator whose answers come from another server: sessions, snapshots, limits, journal and spend are kept here, in front of
 * an API that keeps none. Requests without a session are handed on as they are.
 *
 * @example
 * await using gateway = createGateway({ upstream: 'https://api.moonshot.ai/v1', database: 'gateway.db' });
 * const { url } = await gateway.listen({ port: 4100 });
 * @throws TypeError for an unknown option, RangeError for a value out of range; else as `createEmulator` does
 */
export function createGateway(options: GatewayOptions): Emulator {
  const { upstream, fetch: ask, upstreamKey, models, maxSpend, finishAbandoned, timeouts, ...others } = options;
  const { record, replay, recordMisses, redact, speed, ...common } = others;
  const tape = { record, replay, recordMisses, redact, speed };
  checkNames(options, [...GATEWAY_OPTION_NAMES, ...COMMON_NAMES]);
  checkOptions(common);
  for (const name of GATEWAY_OPTION_NAMES) {
    const rule: Option<unknown> = GATEWAY_OPTIONS[name];
    const isNeeded = name === 'upstream' && replay === undefined;
    if (options[name] !== undefined || isNeeded) rule.check(options[name], name);
  }
  const conflict = tapeConflict(tape, upstream !== undefined, (name) => `option ${name}`);
  if (conflict !== undefined) throw new RangeError(conflict);
  const caps = [maxSpend ?? []].flat().map(toCap);
  const bounds = { ...UPSTREAM_TIMEOUTS, ...timeouts };
  const live = (): Upstream => {
    const base = new URL(upstream ?? '');
    return ask ? new FetchUpstream(base, ask, bounds) : new HttpUpstream(base, bounds);
  };
  const gateway = new Gateway({
    upstream: tapedUpstream(tape, live),
    key: upstreamKey,
    caps,
    finishesAbandoned: finishAbandoned === true,
    turnMs: bounds.turn,
  });
  const [currency] = new Set(caps.map((cap) => cap.currency));
  const billing = { ...(currency && { currency }), ...common.billing };
  return openEmulator({ ...common, ...(models && { models }), billing }, gateway);
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isBaseUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

function toCap(text: string): SpendCap {
  const [amount = '', per = 'run', ...rest] = text.split('/');
  if (!isScope(per) || rest.length > 0) throw new RangeError(`${text} is not an amount per run, key or session`);
  return { ...parseAmount(amount), per };
}

function isScope(text: string): text is CapScope {
  return SCOPES.includes(text);
}

function checkCaps(value: unknown, name: string, refuse: Refuse, wanted: string): ReturnType<Check> {
  const texts = [value].flat();
  const caps: Amount[] = [];
  for (const text of texts) {
    try {
      caps.push(toCap(String(text)));
    } catch {
      refuse(name, wanted, text);
    }
  }
  if (new Set(caps.map(({ currency }) => currency)).size > 1) refuse(name, 'in one currency', value);
}

const LONGEST_MS = 2 ** 31 - 1;

function checkTimeouts(value: unknown, name: string, refuse: Refuse, wanted: string): ReturnType<Check> {
  if (typeof value !== 'object' || value === null) return refuse(name, wanted, value);
  checkNames(value, Object.keys(UPSTREAM_TIMEOUTS), `${name}.`);
  for (const [member, ms] of Object.entries(value)) {
    const fits = Number.isInteger(ms) && ms > 0 && ms <= LONGEST_MS;
    if (!fits) refuse(`${name}.${member}`, `a whole number from 1 to ${LONGEST_MS}`, ms);
  }
}
