import type { Policy, PolicyFunction, ShrinkAction } from '../../client/rolling/decide-shrink.ts';
import { findProfile } from '../../contract/models/profiles.ts';
import { type Currency, PRICES, type Price, pricedAs } from '../../contract/prices.ts';
import { didYouMean, refuseOption } from '../bad-input.ts';
import { KNOWN_NAMES } from '../models/profiles.ts';

/** What a client does about a window that fills: nothing, no session at all, or one of the client's policies. */
export const POLICY_NAMES = [
  'none',
  'stateless',
  'stateless+cache',
  'truncate',
  'compress',
  'compress-then-truncate',
] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

/** Policies under which the whole history is sent, as long as it fits: their prompts are the same. */
const UNCUT: readonly string[] = ['none', 'stateless', 'stateless+cache'];

/** A policy of one's own: the client's function, or the module whose default export it is. */
export type OwnPolicy =
  | { readonly name: string; readonly policy: Policy }
  | { readonly name: string; readonly module: string };

export type TimeToLive = '5m' | '1h';

/** What one run is carried out with. Sizes in tokens. */
export interface Setting {
  readonly policy: string;
  /** Of a policy that is a module. */
  readonly module?: string;
  readonly model: string;
  /** Absent where nothing is cut. */
  readonly maxKeep?: number;
  readonly preserveLen?: number;
  /** Of compress. */
  readonly ratio?: number;
  readonly ttl: TimeToLive;
  /** The day whose prices hold. */
  readonly date: string;
  /** Another window than the model's own. */
  readonly windowTokens?: number;
}

export interface SweepOptions {
  /** Default: all that are built in. */
  policies?: readonly (PolicyName | OwnPolicy)[];
  /** Over this a round is followed by a shrinking. Default 20,000, 40,000, 80,000 and 180,000. */
  maxKeep?: readonly number[];
  /** What a cut leaves. Default 8,000. */
  preserveLen?: readonly number[];
  /** How much compress shortens. Default 4. */
  ratio?: readonly number[];
  /** Default `kimi-k3`. */
  models?: readonly string[];
  /** How long a prompt is cached: `5m` by default; `1h` where the model has a price for it. */
  ttl?: readonly TimeToLive[];
  /** Days whose prices hold. Default: that of the newest price that is known. */
  dates?: readonly string[];
  /** A smaller window than the models have. */
  windowTokens?: number;
}

/** What prices are in. */
export const CURRENCY: Currency = 'USD';
export const DEFAULT_MAX_KEEP: readonly number[] = [20_000, 40_000, 80_000, 180_000];
export const DEFAULT_PRESERVE_LEN = 8_000;
/** Of the server, and so of a compress that names none. */
export const DEFAULT_RATIO = 4;
export const DEFAULT_MODEL = 'kimi-k3';
export const NEWEST_PRICE = PRICES.map(({ since }) => since).reduce((newest, since) =>
  since > newest ? since : newest,
);
const TIMES_TO_LIVE: readonly TimeToLive[] = ['5m', '1h'];
const LEAST_PRESERVED = 4_096;
const MOST_SETTINGS = 2_000;

/** Policies of the client that need no function. */
const CLIENT_POLICIES: readonly unknown[] = ['truncate', 'compress', 'compress-then-truncate'];

/** What is to be simulated: every setting in order, and in words what of the options makes none. */
interface Settings {
  readonly settings: readonly Setting[];
  readonly leftOut: readonly string[];
}

/**
 * Every setting of a sweep, in order. Sizes that exclude each other make none, which is told; a size that is named and makes none at
 * all is refused.
 * @throws RangeError in one line that names the option
 */
export function settingsOf(options: SweepOptions): Settings {
  const {
    policies = POLICY_NAMES,
    maxKeep = DEFAULT_MAX_KEEP,
    preserveLen = [DEFAULT_PRESERVE_LEN],
    ratio = [DEFAULT_RATIO],
    models = [DEFAULT_MODEL],
    ttl = ['5m'],
    dates = [NEWEST_PRICE],
    windowTokens,
  } = options;
  check('maxKeep', maxKeep, (value) => Number.isSafeInteger(value) && value >= 1, 'whole numbers of tokens from 1');
  check(
    'preserveLen',
    preserveLen,
    (value) => Number.isSafeInteger(value) && value >= LEAST_PRESERVED,
    'whole numbers of tokens from 4096',
  );
  check('ratio', ratio, (value) => Number.isFinite(value) && value >= 1.01 && value <= 64, 'numbers from 1.01 to 64');
  check('ttl', ttl, (value) => TIMES_TO_LIVE.includes(value), '5m or 1h');
  check('dates', dates, isDay, 'days such as 2026-10-24');
  check(
    'policies',
    policies,
    (value) => (typeof value === 'object' && value !== null) || POLICY_NAMES.includes(value as PolicyName),
    `of ${POLICY_NAMES.join(', ')}, or a policy of your own`,
  );
  for (const [place, policy] of policies.entries()) if (typeof policy === 'object') checkOwn(policy, place);
  check('models', models, (value) => typeof value === 'string', 'names of models');
  checkPrices(models, dates);
  checkWindow(windowTokens, models);
  const isShrinking = policies.some((policy) => typeof policy === 'object' || !UNCUT.includes(policy));
  const leftOut = isShrinking ? excluded(options.maxKeep, maxKeep, preserveLen) : [];
  const window = windowTokens !== undefined && { windowTokens };
  const settings: Setting[] = [];
  for (const model of models)
    for (const date of dates)
      for (const time of ttl)
        for (const policy of policies) {
          const common = { model, ttl: time, date, ...window };
          const name = typeof policy === 'string' ? policy : policy.name;
          if (UNCUT.includes(name)) settings.push({ policy: name, ...common });
          else
            settings.push(
              ...sizes(policy, { maxKeep, preserveLen, ratio }).map((size) => ({ policy: name, ...common, ...size })),
            );
        }
  if (settings.length > MOST_SETTINGS)
    throw new RangeError(`option maxKeep and the others make ${settings.length} settings, ${MOST_SETTINGS} at most`);
  return { settings, leftOut };
}

/** A smaller window than the models have. */
function checkWindow(tokens: number | undefined, models: readonly string[]): void {
  if (tokens === undefined) return;
  const most = Math.min(...models.map((model) => findProfile(model)?.window.value ?? Number.POSITIVE_INFINITY));
  if (!Number.isSafeInteger(tokens) || tokens < LEAST_PRESERVED || tokens > most)
    refuseOption('windowTokens', `a whole number of tokens from ${LEAST_PRESERVED} to ${most}`, tokens);
}

function checkOwn(policy: OwnPolicy, place: number): void {
  const { name, ...given } = policy as { name: unknown; policy?: unknown; module?: unknown };
  const isName = typeof name === 'string' && name !== '' && !POLICY_NAMES.includes(name as PolicyName);
  if (!isName) refuseOption(`policies[${place}].name`, 'a name of its own', name);
  if ('module' in given ? typeof given.module === 'string' && given.module !== '' : isPolicy(given.policy)) return;
  if ('module' in given) refuseOption(`policies[${place}].module`, 'the path of a module', given.module);
  refuseOption(
    `policies[${place}].policy`,
    `a function, or one of ${CLIENT_POLICIES.join(', ')}`,
    given.policy ?? 'nothing',
  );
}

function isPolicy(policy: unknown): boolean {
  return typeof policy === 'function' || CLIENT_POLICIES.includes(policy);
}

/** @throws RangeError for a model that is not known, or has no price on one of the days */
function checkPrices(models: readonly string[], dates: readonly string[]): void {
  for (const model of models) {
    if (!findProfile(model))
      throw new RangeError(
        `option models: ${model || 'nothing'} is not a known model${didYouMean(model, KNOWN_NAMES)}`,
      );
    const [first] = pricesOf(model);
    if (!first) throw new RangeError(`option models: no price of ${model} in ${CURRENCY} is known`);
    const early = dates.find((date) => date < first.since);
    if (early !== undefined)
      throw new RangeError(
        `option dates: ${early} is before ${first.since}, from which on a price of ${model} in ${CURRENCY} is known`,
      );
  }
}

/** The earliest first. */
function pricesOf(model: string): Price[] {
  const rows = PRICES.filter((row) => row.currency === CURRENCY && pricedAs(row.model) === pricedAs(model));
  return rows.sort((one, other) => (one.since < other.since ? -1 : 1));
}

/** @param named what was asked for; sizes that are a default are left out without being refused */
function excluded(
  named: SweepOptions['maxKeep'],
  maxKeep: readonly number[],
  preserveLen: readonly number[],
): string[] {
  const [least, most] = [Math.min(...preserveLen), Math.max(...maxKeep)];
  const low = named?.findIndex((keep) => keep <= least) ?? -1;
  if (low !== -1)
    refuseOption(`maxKeep[${low}]`, `more than ${least}, the least that a cut leaves (preserveLen)`, named?.[low]);
  const high = preserveLen.findIndex((length) => length >= most);
  if (high !== -1)
    refuseOption(`preserveLen[${high}]`, `less than ${most}, the most that triggers (maxKeep)`, preserveLen[high]);
  const number = (value: number) => value.toLocaleString('en-US');
  return maxKeep.flatMap((keep) =>
    preserveLen
      .filter((length) => length >= keep)
      .map(
        (length) =>
          `at ${number(keep)}, keep ${number(length)} is left out: a cut has to leave less than what triggers it`,
      ),
  );
}

function sizes(
  policy: PolicyName | OwnPolicy,
  { maxKeep, preserveLen, ratio }: Required<Pick<SweepOptions, 'maxKeep' | 'preserveLen' | 'ratio'>>,
) {
  const module = typeof policy === 'object' && 'module' in policy ? { module: policy.module } : {};
  const ratios: readonly (number | undefined)[] =
    policy === 'compress' || policy === 'compress-then-truncate' ? ratio : [undefined];
  return maxKeep.flatMap((keep) =>
    preserveLen
      .filter((length) => length < keep)
      .flatMap((length) =>
        ratios.map((times) => ({
          ...module,
          maxKeep: keep,
          preserveLen: length,
          ...(times !== undefined && { ratio: times }),
        })),
      ),
  );
}

function check<Value>(name: string, values: readonly Value[], fits: (value: Value) => boolean, wanted: string): void {
  if (!Array.isArray(values) || values.length === 0) refuseOption(name, `a list of ${wanted}`, values);
  const wrong = values.findIndex((value) => !fits(value));
  if (wrong !== -1)
    refuseOption(`${name}[${wrong}]`, wanted.replace(/^(whole number|number|day)s/, 'a $1'), values[wrong]);
}

function isDay(value: string): boolean {
  const day = new Date(`${value}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}

/**
 * The client's policy of a setting; undefined where the whole history is sent.
 * @param own policies that are not built in, by name
 */
export function policyOf({ policy, ratio }: Setting, own: ReadonlyMap<string, Policy>): Policy | undefined {
  const given = own.get(policy);
  if (given) return given;
  if (UNCUT.includes(policy)) return undefined;
  if (policy === 'truncate') return policy;
  const then = policy === 'compress-then-truncate';
  if (ratio === undefined || ratio === DEFAULT_RATIO) return then ? 'compress-then-truncate' : 'compress';
  return withRatio(ratio, then);
}

/** The built-in policy with another ratio than the server's own. */
function withRatio(ratio: number, thenTruncate: boolean): PolicyFunction {
  return ({ preserveLen }): ShrinkAction[] => [
    { kind: 'compress', ratio, preserve_len: preserveLen },
    ...(thenTruncate ? [{ kind: 'truncate', preserve_len: preserveLen } as const] : []),
  ];
}

/** What settings may differ in besides their policy and its sizes. */
type Condition = 'model' | 'date' | 'ttl';
const CONDITIONS: readonly Condition[] = ['model', 'date', 'ttl'];

/** In what settings differ, so that their names have to say it. */
export function differencesOf(settings: readonly Setting[]): Condition[] {
  return CONDITIONS.filter((condition) => new Set(settings.map((setting) => setting[condition])).size > 1);
}

/** Under what a setting is billed, in words: `kimi-k3, prices of 2026-10-24, cached for 5 minutes`. */
export function conditionsText(setting: Pick<Setting, Condition>, shown: readonly Condition[] = CONDITIONS): string {
  const { model, date, ttl } = setting;
  // Without a price of an hour a prompt is cached for five minutes, whatever is asked for.
  const hour = pricesOf(model).findLast(({ since }) => since <= date)?.cacheWrite1h;
  const cached = ttl === '5m' ? '5 minutes' : hour === undefined ? '5 minutes, as an hour has no price' : 'an hour';
  const texts = { model, date: `prices of ${date}`, ttl: `cached for ${cached}` };
  return shown.map((condition) => texts[condition]).join(', ');
}

/** A setting in words: `truncate at 20,000, keep 8,000`, and behind it the conditions that are to be shown. */
export function settingText(setting: Setting, shown: readonly Condition[] = []): string {
  const { policy, maxKeep, preserveLen, ratio, windowTokens } = setting;
  const number = (value: number) => value.toLocaleString('en-US');
  const sizes = maxKeep === undefined ? '' : ` at ${number(maxKeep)}, keep ${number(preserveLen ?? 0)}`;
  const times = ratio === undefined ? '' : `, ${ratio}:1`;
  const window = windowTokens === undefined ? '' : `, window ${number(windowTokens)}`;
  return policy + sizes + times + window + (shown.length === 0 ? '' : ` (${conditionsText(setting, shown)})`);
}

/** Whether a setting sends the whole history: what others are compared with. */
export function isUncut({ policy }: Setting): boolean {
  return UNCUT.includes(policy);
}
