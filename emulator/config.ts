import { checkNames } from './bad-input.ts';
import { GATEWAY_OPTION_NAMES, GATEWAY_OPTIONS, type GatewayOptions } from './gateway/create-gateway.ts';
import { checkOptions, type EmulatorOptions, OPTION_NAMES, type Option, type Refuse } from './options.ts';

/**
 * What a configuration file of the command line holds: options of `createEmulator`, and what else its flags set. Flags win.
 * Paths are relative to the file.
 * @example
 * // kimi-emulator.config.ts
 * import type { EmulatorConfig } from 'kimi-emulator';
 * export default { port: 4200, rateTier: 1, script: 'rules.yaml' } satisfies EmulatorConfig;
 */
export interface EmulatorConfig extends EmulatorOptions {
  port?: number;
  host?: string;
  /** A file of an exported state to start from. */
  import?: string;
  /** A file that the state is exported to when the server stops. */
  exportOnExit?: string;
  /** A file of rules that answer before the model does. */
  script?: string;
  /** A file of prices. */
  prices?: string;
  /** Starting balance per account, such as `10USD`. */
  balance?: string;
  quiet?: boolean;
  /** What is printed of each request. */
  log?: 'text' | 'json' | 'off';
  /** For `kimi-emulator gateway`, and for `exec` with `--upstream` or `--replay`. */
  gateway?: Omit<GatewayOptions, Exclude<keyof EmulatorOptions, 'models'>>;
  /** For `kimi-emulator exec`. */
  exec?: { failOn?: readonly string[] };
}

type Kind = 'a text' | 'text, json or off' | 'a number' | 'true or false' | 'a list of texts';

const FITS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  'a text': (value) => typeof value === 'string' && value !== '',
  'text, json or off': (value) => value === 'text' || value === 'json' || value === 'off',
  'a number': (value) => typeof value === 'number',
  'true or false': (value) => typeof value === 'boolean',
  'a list of texts': (value) => Array.isArray(value) && value.every((text) => typeof text === 'string'),
};

/** What only the command line knows. */
const MEMBERS = {
  port: 'a number',
  host: 'a text',
  import: 'a text',
  exportOnExit: 'a text',
  script: 'a text',
  prices: 'a text',
  balance: 'a text',
  quiet: 'true or false',
  log: 'text, json or off',
} as const satisfies Partial<Record<keyof EmulatorConfig, Kind>>;

const NAMES = [...Object.keys(MEMBERS), 'gateway', 'exec', ...OPTION_NAMES];

/** @throws TypeError for an unknown member, RangeError for a value; each names the member, in one line */
export function checkConfig(value: unknown): asserts value is EmulatorConfig {
  const config = objectOf(value, 'it');
  checkNames(config, NAMES);
  for (const [name, kind] of Object.entries(MEMBERS)) require(config[name], name, kind);
  checkOptions(Object.fromEntries(OPTION_NAMES.map((name) => [name, config[name]])));
  if (config.gateway !== undefined) checkGateway(objectOf(config.gateway, 'gateway'));
  if (config.exec === undefined) return;
  const exec = objectOf(config.exec, 'exec');
  checkNames(exec, ['failOn'], 'exec.');
  require(exec.failOn, 'exec.failOn', 'a list of texts');
}

type Members = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, name: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  return refuse(name, 'an object', value);
}

function require(value: unknown, name: string, kind: Kind): void {
  if (value !== undefined && !FITS[kind](value)) refuse(name, kind, value);
}

function checkGateway(gateway: Members): void {
  checkNames(gateway, GATEWAY_OPTION_NAMES, 'gateway.');
  for (const name of GATEWAY_OPTION_NAMES) {
    const rule: Option<unknown> = GATEWAY_OPTIONS[name];
    if (gateway[name] !== undefined) rule.check(gateway[name], `gateway.${name}`, refuse);
  }
}

const refuse: Refuse = (name, wanted, found) => {
  throw new RangeError(`${name} must be ${wanted}, not ${JSON.stringify(found) ?? String(found)}`);
};
