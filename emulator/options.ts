import { isTier, type LimitName, resolveLimits, TIERS, type TierNumber } from '../contract/limits.ts';
import { checkNames, refuseOption } from './bad-input.ts';
import { type BillingSettings, checkBilling } from './billing/settings.ts';
import type { Clock } from './clock.ts';
import type { TokenizerSource } from './engines/tokens/tokenizer.ts';
import type { JournalBounds } from './journal/journal.ts';
import type { Model } from './models/model.ts';
import { KNOWN_NAMES, type ServedModels } from './models/profiles.ts';
import { MEMORY } from './store/database.ts';

const HINT_PLACES = ['header', 'body'] as const;
type HintPlace = (typeof HINT_PLACES)[number];

/** How an option is given on the command line. */
export interface Flag {
  readonly name: string;
  /** What stands for its value in `--help`. Without it the flag takes none, and sets the option to true. */
  readonly value?: string;
  /** All values that there are, where these are few. */
  readonly choices?: readonly string[];
  /** May be given more than once. */
  readonly multiple?: true;
  /** Where the command line differs from the option. */
  readonly help?: string;
}

/** Refuses a value. `refuseOption` does for `createEmulator`; the command line has words of its own. */
export type Refuse = (name: string, wanted: string, found: unknown) => never;

interface Texts {
  /** What it is for, in one clause: for `--help` and the docs. */
  readonly meaning: string;
  /** What it must be, as errors put it: `must be …`, `takes …`. */
  readonly wanted: string;
  /** What holds without it, as the docs put it. */
  readonly otherwise: string;
  readonly flag?: Flag;
}

/** One option: what it means, what it must be, and how it is given on the command line. */
export interface Option<Value> extends Texts {
  /** Returns where the value will do. @throws RangeError in one line, or as `refuse` does */
  check(value: unknown, name: string, refuse?: Refuse): void;
  /** Never there: carries the type of the value. */
  readonly value?: Value;
}

/** Every option of `createEmulator`. The type, the flags, `--help`, the table of the README and the errors are made of it. */
export const OPTIONS = {
  /** Where the state is stored: a file, or `:memory:` (the default). */
  database: option<string>(is(isText), {
    meaning: 'file that stores the state',
    wanted: `a file, or ${MEMORY}`,
    otherwise: MEMORY,
    flag: { name: 'db', value: 'PATH', help: 'file that stores the state (default .kimi-emulator/state.db)' },
  }),
  /** Limits of the contract that differ from the defaults. */
  limits: option<Partial<Record<LimitName, number>>>(checkLimits, {
    meaning: 'limits of the contract that differ from the defaults',
    wanted: 'an object of limits',
    otherwise: 'the limits of the contract',
    flag: { name: 'limit', value: 'NAME=N', multiple: true, help: 'change a limit (names below); repeatable' },
  }),
  /** API keys that are accepted. Without the list any key is, and each is an account of its own. */
  apiKeys: option<readonly string[]>(each(isKey), {
    meaning: 'API keys that are accepted',
    wanted: 'a key that a header can carry',
    otherwise: 'any key',
    flag: {
      name: 'api-keys',
      value: 'LIST',
      help: 'API keys that are accepted: KEY,KEY or @FILE, one a line (default: any)',
    },
  }),
  /**
   * What control routes (`/_emulator`) ask for over HTTP, as `Authorization: Bearer KEY`. Without one they are open on
   * loopback, and closed where other machines can reach the server.
   */
  controlKey: option<string>(
    is((value) => typeof value === 'string' && isKey(value)),
    {
      meaning: 'what control routes ask for over HTTP',
      wanted: 'a key that a header can carry',
      otherwise: 'open on loopback, closed to other machines',
      flag: {
        name: 'control-key',
        value: 'KEY',
        help: 'what control routes ask for (also: KIMI_EMULATOR_CONTROL_KEY); beyond loopback they are closed without',
      },
    },
  ),
  /** A vocabulary file of Kimi's, or a tokenizer of your own. Without it: KIMI_TOKENIZER, an installed one, `o200k_base`. */
  tokenizer: option<string | TokenizerSource>(hasMethod('load', isText), {
    meaning: "Kimi's vocabulary, tiktoken.model",
    wanted: 'a file, o200k_base, or an object with a method load',
    otherwise: 'KIMI_TOKENIZER, an installed vocabulary, or o200k_base',
    flag: { name: 'tokenizer', value: 'FILE', help: "Kimi's vocabulary, tiktoken.model (also: KIMI_TOKENIZER)" },
  }),
  /** What answers chats. Default: the `lookup` model, which quotes the prompt. */
  model: option<Model>(hasMethod('complete'), {
    meaning: 'what answers chats',
    wanted: 'an object with a method complete',
    otherwise: 'the lookup model',
  }),
  /**
   * Which models answer; the others get the live API's 404, as retired ones do there.
   * `live`: those that are on the live API at the emulator's time.
   */
  models: option<ServedModels>(checkModels, {
    meaning: 'which models answer',
    wanted: 'live, or a list of models',
    otherwise: 'all that are known, retired ones too',
    flag: {
      name: 'models',
      value: 'LIST',
      help: 'which models answer: live, or NAME,NAME (default: all, retired ones too)',
    },
  }),
  /** Whether it keeps no sessions, as the live API: their routes are not found, and `session_id` is an unknown field. */
  stateless: option<boolean>(
    is((value) => typeof value === 'boolean'),
    {
      meaning: 'whether it keeps no sessions, as the live API',
      wanted: 'true or false',
      otherwise: 'sessions are kept',
      flag: { name: 'stateless', help: 'keep no sessions, as the live API: their routes are not found' },
    },
  ),
  /** Prices, and the balance that accounts start with: for `spend`, `cached_tokens` and `/users/me/balance`. */
  billing: option<BillingSettings>((value) => checkBilling(value as BillingSettings), {
    meaning: 'prices, and the balance that accounts start with',
    wanted: 'an object of prices, balance, currency, cache',
    otherwise: 'the built-in prices, no balance',
  }),
  /** Makes all ids follow from the seed, and stops time at 2026-11-30T00:00:00Z until `clock.advance` moves it. */
  seed: option<string | number>(
    is((value) => typeof value === 'string' || Number.isFinite(value)),
    {
      meaning: 'makes ids the same in every run, and stops time until it is moved',
      wanted: 'a text or a number',
      otherwise: 'random ids, and real time',
      flag: { name: 'seed', value: 'SEED' },
    },
  ),
  /** Where time comes from, instead of the system or the seed. `emulator.clock` moves it. */
  clock: option<Clock>(hasMethod('now'), {
    meaning: 'where time comes from',
    wanted: 'an object with a method now',
    otherwise: 'the system, or the seed',
  }),
  /** Characters in one chunk of a streamed answer; 16 by default. */
  streamChunkSize: option<number>(
    is((value) => isWhole(value, 1)),
    {
      meaning: 'characters in one chunk of a streamed answer',
      wanted: 'a whole number from 1',
      otherwise: '16',
    },
  ),
  /** The live API's rate tier that chat is held to, 0 to 5. Without it there is no rate limit. */
  rateTier: option<TierNumber>(
    is((value) => typeof value === 'number' && isTier(value)),
    {
      meaning: "the live API's rate tier that chat is held to",
      wanted: `one of ${Object.keys(TIERS).join(', ')}`,
      otherwise: 'no rate limit',
      flag: {
        name: 'rate-tier',
        value: 'N',
        choices: Object.keys(TIERS),
        help: "hold chat to the live API's rate tier, 0 to 5 (default: no rate limit)",
      },
    },
  ),
  /**
   * What happens to `max_completion_tokens` beyond the window: both have been seen of the live API. Moonshot's own client
   * asks for the whole window at first, and leaves it to the server.
   */
  oversizedAnswer: option<'clamp' | 'refuse'>(
    is((value) => value === 'clamp' || value === 'refuse'),
    {
      meaning: 'what happens to max_completion_tokens beyond the window',
      wanted: 'clamp or refuse',
      otherwise: 'clamp',
      flag: {
        name: 'oversized-answer',
        value: 'HOW',
        choices: ['clamp', 'refuse'],
        help: 'max_completion_tokens beyond the window: clamp (default) or refuse',
      },
    },
  ),
  /** Origins whose pages may call the API, such as `http://localhost:5173`. */
  cors: option<readonly string[]>(each(isOrigin), {
    meaning: 'origins whose pages may call the API',
    wanted: 'an origin such as http://localhost:5173',
    otherwise: 'none',
    flag: { name: 'cors', value: 'ORIGIN', multiple: true, help: 'let pages of this origin call the API; repeatable' },
  }),
  /** Host names under which the server answers, besides those of loopback. */
  allowedHosts: option<readonly string[]>(each(isHostName), {
    meaning: 'host names that the server answers to, besides localhost',
    wanted: 'a host name such as emulator.local, without wildcards',
    otherwise: 'none',
    flag: { name: 'allow-host', value: 'NAME', multiple: true, help: 'answer to this host name too; repeatable' },
  }),
  /** Where the hint of a refusal stands: in a header, so that the body is the live API's, or also behind `error.message`. */
  hints: option<HintPlace>(is(isHintPlace), {
    meaning: 'where hints stand: in a header, or behind the message of the error as well',
    wanted: HINT_PLACES.join(' or '),
    otherwise: 'KIMI_EMULATOR_HINTS; body where NODE_ENV is test, else header',
    flag: {
      name: 'hints',
      value: 'PLACE',
      choices: HINT_PLACES,
      help: 'where hints stand: header (default), or body: behind the error message too (also: KIMI_EMULATOR_HINTS)',
    },
  }),
  /** How much the journal of requests remembers. With `entries: 0` it keeps none, and hints know of no earlier request. */
  journal: option<Partial<JournalBounds>>(checkBounds, {
    meaning: 'how much the journal of requests remembers',
    wanted: 'an object of entries, bytes',
    otherwise: '1,000 entries, 8 MiB',
  }),
  /** How many past windows of each session the inspector can go back to. They are pointers; what they show stays stored. */
  history: option<number>(
    is((value) => isWhole(value, 0)),
    {
      meaning: 'past windows of each session that the inspector can go back to',
      wanted: 'a whole number from 0',
      otherwise: '500',
      flag: { name: 'history', value: 'N', help: 'past windows of each session to go back to (default 500)' },
    },
  ),
} as const;

type OptionName = keyof typeof OPTIONS;

/** What `createEmulator` takes; every option may be left out. */
export type EmulatorOptions = {
  -readonly [Name in OptionName]?: NonNullable<(typeof OPTIONS)[Name]['value']>;
};

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/**
 * Refuses what would otherwise be ignored in silence.
 * @throws TypeError for an unknown option, RangeError for a value; each names the option, in one line
 */
export function checkOptions(options: EmulatorOptions): void {
  checkNames(options, OPTION_NAMES);
  for (const name of OPTION_NAMES) {
    const value = options[name];
    if (value !== undefined) OPTIONS[name].check(value, name);
  }
}

export type Check = (value: unknown, name: string, refuse: Refuse, wanted: string) => void;

export function option<Value>(check: Check, texts: Texts): Option<Value> {
  return { ...texts, check: (value, name, refuse = refuseOption) => check(value, name, refuse, texts.wanted) };
}

export function is(fits: (value: unknown) => boolean): Check {
  return (value, name, refuse, wanted) => {
    if (!fits(value)) refuse(name, wanted, value);
  };
}

function each(fits: (text: string) => boolean): Check {
  return (value, name, refuse, wanted) => {
    if (!Array.isArray(value)) return refuse(name, `a list, each of it ${wanted}`, value);
    for (const [index, text] of value.entries()) {
      if (typeof text !== 'string' || !fits(text)) refuse(`${name}[${index}]`, wanted, text);
    }
  };
}

/** An error shows the members of a wrong object by their types: their values may be secret, long or endless. */
function hasMethod(method: string, orFits: (value: unknown) => boolean = () => false): Check {
  return (value, name, refuse, wanted) => {
    if (orFits(value) || (isObject(value) && typeof Reflect.get(value, method) === 'function')) return;
    const types = isObject(value) && Object.entries(value).map(([key, member]) => [key, typeof member]);
    refuse(name, wanted, types ? Object.fromEntries(types) : value);
  };
}

function checkModels(models: unknown, name: string, refuse: Refuse, wanted: string): void {
  if (models === 'live') return;
  if (!Array.isArray(models) || models.length === 0) refuse(name, wanted, models);
  for (const [index, model] of (models as unknown[]).entries()) {
    if (!KNOWN_NAMES.some((known) => known === model))
      refuse(`${name}[${index}]`, `one of ${KNOWN_NAMES.join(', ')}`, model);
  }
}

function checkLimits(limits: unknown, name: string, refuse: Refuse, wanted: string): void {
  if (!isObject(limits)) refuse(name, wanted, limits);
  resolveLimits(limits as object);
}

function checkBounds(bounds: unknown, name: string, refuse: Refuse, wanted: string): void {
  if (!isObject(bounds)) refuse(name, wanted, bounds);
  for (const [bound, count] of Object.entries(bounds as object)) {
    if (!isWhole(count, 0)) refuse(`${name}.${bound}`, 'a whole number from 0', count);
  }
}

function isHintPlace(value: unknown): value is HintPlace {
  return HINT_PLACES.some((place) => place === value);
}

/**
 * Where hints stand unless an option says it: as `KIMI_EMULATOR_HINTS` does, else in the body for tests, whose output shows an
 * error's message and no headers.
 * @throws RangeError for another value of the variable, in one line
 */
export function hintPlace(env: NodeJS.ProcessEnv, isTest = env.NODE_ENV === 'test'): HintPlace {
  const { KIMI_EMULATOR_HINTS: place } = env;
  if (!place) return isTest ? 'body' : 'header';
  if (isHintPlace(place)) return place;
  throw new RangeError(`KIMI_EMULATOR_HINTS must be ${HINT_PLACES.join(' or ')}, not ${place}`);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isInteger(value) && Number(value) >= least;
}

/** Visible ASCII: what may follow `Bearer`. */
function isKey(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function isHostName(text: string): boolean {
  return (
    !text.includes('*') && URL.canParse(`http://${text}`) && new URL(`http://${text}`).hostname === text.toLowerCase()
  );
}
