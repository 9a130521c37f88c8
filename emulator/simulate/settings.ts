import type { Policy, PolicyFunction, ShrinkAction } from '../../client/rolling/decide-shrink.ts';
import { findProfile } from '../../contract/models/profiles.ts';
import { type Currency, PRICES } from '../../contract/prices.ts';
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
export const UNCUT: readonly string[] = ['none', 'stateless', 'stateless+cache'];

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

/**
 * Every setting of a sweep, in order. Sizes that exclude each other, such as more preserved than kept, make none.
 * @throws RangeError in one line that names the option
 */
export function settingsOf(options: SweepOptions): Setting[] {
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
  check('maxKeep', maxKeep, (value) => Number.isSafeInteger(value) && value >= 1, 'whole numbers of tokens');
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
    (value) => typeof value === 'object' || POLICY_NAMES.includes(value),
    `of ${POLICY_NAMES.join(', ')}, or a policy of your own`,
  );
  const unknown = models.find((model) => !findProfile(model));
  if (unknown !== undefined)
    throw new RangeError(
      `option models: ${unknown || 'nothing'} is not a known model${didYouMean(unknown, KNOWN_NAMES)}`,
    );
  if (windowTokens !== undefined && !(Number.isSafeInteger(windowTokens) && windowTokens >= LEAST_PRESERVED))
    refuseOption('windowTokens', 'a whole number of tokens from 4096', windowTokens);
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
    throw new RangeError(`${settings.length} settings are too many: ${MOST_SETTINGS} at most, fewer values of each`);
  if (settings.length === 0) throw new RangeError('no setting is left: preserveLen must be less than maxKeep');
  return settings;
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

/** A setting in words: `truncate at 20,000, keep 8,000`. */
export function settingText({ policy, maxKeep, preserveLen, ratio, windowTokens }: Setting): string {
  const number = (value: number) => value.toLocaleString('en-US');
  const sizes = maxKeep === undefined ? '' : ` at ${number(maxKeep)}, keep ${number(preserveLen ?? 0)}`;
  const times = ratio === undefined ? '' : `, ${ratio}:1`;
  return policy + sizes + times + (windowTokens === undefined ? '' : `, window ${number(windowTokens)}`);
}
