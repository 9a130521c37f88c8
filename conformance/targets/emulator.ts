import { CAPABILITIES, type Capability } from '../../contract/capabilities.ts';
import { type LimitName, resolveLimits } from '../../contract/limits.ts';
import { MODEL_ID } from '../../contract/models.ts';
import { modelUnderTest } from '../wire/model.ts';
import type { Declared, Target } from './target.ts';

export const SCALES = ['small', 'true'] as const;
/** `small`: limits scaled down, the same rules in seconds. `true`: the contract's own. */
export type Scale = (typeof SCALES)[number];

/** The rules are the same at any size, and these are soon reached. */
export const SMALL_LIMITS = {
  sessions: 6,
  append_tokens: 256,
  min_preserve_tokens: 128,
  window_tokens: 4_096,
  snapshots: 12,
} as const satisfies Partial<Record<LimitName, number>>;

/** K3's template takes more for a message than a write of those limits has room for. */
const SMALL_K3_LIMITS = { ...SMALL_LIMITS, append_tokens: 1_024, min_preserve_tokens: 512, window_tokens: 16_384 };

/** The scaled-down limits for a model. */
export function smallLimits(model: string): Partial<Record<LimitName, number>> {
  return modelUnderTest(model).family === 'k3' ? SMALL_K3_LIMITS : SMALL_LIMITS;
}

export interface EmulatorTargetOptions {
  /** The model to test; that of the session dialect where absent. */
  model?: string;
  scale?: Scale;
  /** Over a port of loopback instead of in process. */
  http?: boolean;
  /** Milliseconds that an answer may take; 30,000 where absent. */
  deadlineMs?: number;
  /** Further options of `createEmulator`, such as `tokenizer`. */
  options?: Record<string, unknown>;
}

const DEADLINE_MS = 30_000;
/** In tests the emulator adds to its errors otherwise. */
const EXACT_TEXTS = { hints: 'header' };
/** What a gateway offers whatever is behind it. */
const KEPT = Object.fromEntries(
  CAPABILITIES.filter((name) => /^(?:sessions|idempotency|versioning)/.test(name)).map((name) => [name, 'yes']),
) as Partial<Record<Capability, Declared>>;
const DECLARES = Object.fromEntries(CAPABILITIES.map((name) => [name, 'yes'])) as Record<Capability, Declared>;

/** The emulator cannot be had with these options; the message is one line. */
export class TargetError extends Error {}

/** As much of the emulator as the kit has to know of it. */
interface Emulator {
  readonly baseURL: string;
  readonly fetch: typeof fetch;
  listen(): Promise<unknown>;
  close(): Promise<void>;
}

type Create = (options: Record<string, unknown>) => Emulator;

/** An emulator of the run's own. The kit knows it by its name only, and judges it as it judges any other server. */
export async function emulatorTarget({
  model = MODEL_ID,
  scale = 'small',
  http = false,
  deadlineMs = DEADLINE_MS,
  options = {},
}: EmulatorTargetOptions = {}): Promise<Target> {
  const limits = scale === 'small' ? smallLimits(model) : {};
  const { createEmulator } = await load();
  const served = model === MODEL_ID ? {} : { models: [model] };
  const emulator = open(createEmulator, { limits, ...served, ...EXACT_TEXTS, ...options });
  if (http) await emulator.listen();
  let accounts = 0;
  return {
    name: 'emulator',
    baseURL: emulator.baseURL,
    fetch: http ? fetch : emulator.fetch,
    model,
    keys: { a: 'sk-conformance-a', b: 'sk-conformance-b' },
    newKey: () => {
      accounts += 1;
      return `sk-conformance-new-${accounts}`;
    },
    dedicated: true,
    declares: DECLARES,
    limits: resolveLimits(limits),
    paid: false,
    deadlineMs,
    close: () => emulator.close(),
  };
}

/**
 * A target that keeps no sessions, with a gateway of the run's own in front of it, so that the rules of sessions can be judged on
 * it. What the gateway keeps is in memory and ends with the run.
 */
export async function gatewayTarget(
  target: Target,
  { limits = {}, options = {} }: { limits?: Target['limits']; options?: Record<string, unknown> } = {},
): Promise<Target> {
  const { createGateway } = await load();
  const { baseURL: upstream, fetch, model } = target;
  const gateway = open(createGateway, { upstream, fetch, limits, models: [model], ...EXACT_TEXTS, ...options });
  return {
    ...target,
    name: `gateway before ${target.name}`,
    baseURL: gateway.baseURL,
    fetch: gateway.fetch,
    dedicated: true,
    relays: true,
    declares: { ...DECLARES, ...target.declares, ...KEPT },
    limits: resolveLimits(limits),
    close: async () => {
      await gateway.close();
      await target.close?.();
    },
  };
}

/** @throws TargetError */
function open(create: Create, options: Record<string, unknown>): Emulator {
  try {
    return create(options);
  } catch (error) {
    throw new TargetError(error instanceof Error ? error.message : String(error));
  }
}

/** The module beside this one, as source or as built. */
async function load(): Promise<{ createEmulator: Create; createGateway: Create }> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const name = new URL(`../../emulator/index.${extension}`, import.meta.url).href;
  return (await import(name)) as { createEmulator: Create; createGateway: Create };
}
