import type { Emulator } from '../emulator.ts';
import { createEmulator, createGateway } from '../index.ts';
import type { EmulatorOptions } from '../options.ts';

const MODES = ['auto', 'replay', 'record'] as const;

/** A tape that answers in a test. */
export interface TestTape {
  /** The file. */
  tape: string;
  /**
   * `replay`: no network at all. `record`: asks the upstream, and adds every answer. `auto` (the default): replays, and where
   * `KIMI_TAPE=record` allows it, asks for what the tape lacks and adds it.
   * The upstream is `KIMI_UPSTREAM`, asked with `KIMI_API_KEY`.
   */
  mode?: (typeof MODES)[number];
}

/** Options of a test's emulator, which answers from a tape where one is named. */
export type TestOptions = EmulatorOptions & Partial<TestTape> & { redact?: readonly string[] };

interface Surroundings {
  env?: NodeJS.ProcessEnv;
  /** Asks the upstream. */
  fetch?: typeof fetch;
}

/**
 * The emulator of a test: one whose model answers, or a gateway with a tape.
 * @throws RangeError in one line for an unknown mode, or where the environment names no upstream to record
 */
export function openTaped(options: TestOptions, { env = process.env, fetch }: Surroundings = {}): Emulator {
  const { tape, mode = 'auto', ...common } = options;
  if (tape === undefined) return createEmulator(mode === 'auto' ? common : options);
  if (!MODES.includes(mode)) throw new RangeError(`option mode must be ${MODES.join(', ')}, not ${mode}`);
  const records = mode === 'record' || (mode === 'auto' && env.KIMI_TAPE === 'record');
  if (!records) return createGateway({ ...common, replay: tape });
  const { KIMI_UPSTREAM: upstream, KIMI_API_KEY: upstreamKey } = env;
  if (!upstream)
    throw new RangeError(`tape ${tape} cannot be recorded: set KIMI_UPSTREAM, such as https://api.moonshot.ai/v1`);
  const live = { upstream, ...(upstreamKey && { upstreamKey }), ...(fetch && { fetch }) };
  return createGateway({
    ...common,
    ...live,
    ...(mode === 'record' ? { record: tape } : { replay: tape, recordMisses: true }),
  });
}
