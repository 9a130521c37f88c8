import { MODEL_ID } from '../../contract/models.ts';
import { UsageError } from '../../emulator/terminal/flags.ts';
import { emulatorTarget, gatewayTarget, smallLimits } from '../targets/emulator.ts';
import { endpointTarget, type Target } from '../targets/target.ts';
import type { Options } from './options.ts';
import type { Environment } from './terminal.ts';

const LIVE_DEADLINE_MS = 120_000;
const DEADLINE_MS = 30_000;
/** Keys for a server on this machine, which as a rule takes any. */
const LOCAL_KEYS = { a: 'sk-conformance-a', b: 'sk-conformance-b' };

/** The target that flags and environment name. @throws UsageError for what is missing or wrong */
export async function targetOf(options: Options, env: Environment): Promise<Target> {
  if (!options.gateway) return directTarget(options, env);
  const tokenizer = options.tokenizer === undefined ? {} : { tokenizer: options.tokenizer };
  const target = await directTarget(options, env);
  const limits = { ...(options.scale === 'small' && smallLimits(target.model)), ...options.limits };
  return gatewayTarget(target, { limits, options: tokenizer });
}

async function directTarget(options: Options, env: Environment): Promise<Target> {
  const named = options.target ?? env.KIMI_CONFORMANCE_TARGET ?? 'emulator';
  if (named === 'emulator') return emulator(options, env);
  if (named === 'live') return live(options, env);
  if (isUrl(named)) return endpoint(plain('--target', named), options, env);
  throw new UsageError(`--target is emulator, live or a URL, not ${named}`);
}

async function emulator(options: Options, env: Environment): Promise<Target> {
  const { scale, http, gateway, tokenizer, deadlineMs, declares, limits } = options;
  if (Object.keys(limits).length > 0) throw new UsageError('--limit is for --target URL; the emulator has --scale');
  const target = await emulatorTarget({
    ...(env.KIMI_CONFORMANCE_MODEL && { model: env.KIMI_CONFORMANCE_MODEL }),
    scale,
    http,
    options: { ...(tokenizer !== undefined && { tokenizer }), ...(gateway && { stateless: true }) },
    ...(deadlineMs !== undefined && { deadlineMs }),
  });
  return { ...target, declares: { ...target.declares, ...declares } };
}

function live(options: Options, env: Environment): Target {
  const { deadlineMs = LIVE_DEADLINE_MS, dedicated, declares, limits } = options;
  const given = required(env, 'KIMI_BASE_URL');
  if (!isUrl(given)) throw new UsageError(`KIMI_BASE_URL is not a URL: ${given}`);
  const baseURL = plain('KIMI_BASE_URL', given);
  const keys = { a: required(env, 'KIMI_API_KEY'), ...second(env) };
  const model = required(env, 'KIMI_CONFORMANCE_MODEL');
  return endpointTarget({ baseURL, keys, model, declares, dedicated, limits, deadlineMs, paid: true });
}

/** A server on this machine costs nothing; any other might. */
function endpoint(url: string, options: Options, env: Environment): Target {
  const { deadlineMs = DEADLINE_MS, dedicated, declares, limits } = options;
  const local = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
  const anyKey = local && !env.KIMI_API_KEY;
  const keys = anyKey ? LOCAL_KEYS : { a: required(env, 'KIMI_API_KEY'), ...second(env) };
  const baseURL = /\/v\d+\/?$/.test(url) ? url : `${url.replace(/\/+$/, '')}/v1`;
  return endpointTarget({
    baseURL,
    keys,
    anyKey,
    limits,
    model: env.KIMI_CONFORMANCE_MODEL ?? MODEL_ID,
    declares,
    dedicated,
    deadlineMs,
    paid: !local,
  });
}

function isUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** Reports and messages repeat the base URL, so there may be no secret in it. @throws UsageError, which does not repeat it */
function plain(what: string, url: string): string {
  const { username, password, search, hash } = new URL(url);
  if (username || password || search || hash) {
    throw new UsageError(`${what} takes a URL without user, password, query and fragment; the key is KIMI_API_KEY`);
  }
  return url;
}

function second(env: Environment): { b?: string } {
  return env.KIMI_API_KEY_B ? { b: env.KIMI_API_KEY_B } : {};
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (!value) throw new UsageError(`${name} is not set`);
  return value;
}
