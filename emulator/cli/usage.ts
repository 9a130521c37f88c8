import { HELP_FLAG, JSON_FLAG, UsageError } from '../terminal/flags.ts';
import { type Output, visible } from '../terminal/text.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a command needs of a process. */
export interface CommandIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
}

/** Why a command ends, in one line, and the exit code. */
export class CommandError extends Error {
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

const EXIT_USAGE = 2;
/** Of a command that reads a running emulator, and finds none. */
export const EXIT_UNREACHABLE = 3;

/** Runs a command. What a user can mend is one line; anything else is a defect and keeps its trace. @returns the exit code */
export async function runCommand(name: string, { stderr }: CommandIo, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    const usage = error instanceof UsageError;
    if (!usage && !(error instanceof CommandError)) throw error;
    stderr.write(`kimi-emulator ${name}: ${visible(error.message)}${usage ? ' (see --help)' : ''}\n`);
    return usage ? EXIT_USAGE : error.code;
  }
}

export const DEFAULT_URL = 'http://127.0.0.1:4100';

/** Flags of the commands that read a running emulator. */
export const READER_FLAGS = {
  ...JSON_FLAG,
  'control-key': { value: 'KEY', help: 'of an emulator that asks for one (also: KIMI_EMULATOR_CONTROL_KEY)' },
  ...HELP_FLAG,
} as const;

/** A running emulator. */
export interface Running {
  url: string;
  controlKey: string | undefined;
  /** Who named it, as an error puts it; empty where the command line did. */
  from: string;
}

/** The emulator that a command is to read: of the command line, of KIMI_BASE_URL, or on the usual port. */
export function runningEmulator(
  given: string | undefined,
  controlKey: string | undefined,
  { KIMI_BASE_URL, KIMI_EMULATOR_CONTROL_KEY }: Environment,
): Running {
  const named = given ?? (KIMI_BASE_URL || undefined);
  return {
    url: named ?? DEFAULT_URL,
    controlKey: controlKey ?? (KIMI_EMULATOR_CONTROL_KEY || undefined),
    from: given === undefined && named !== undefined ? ' (of KIMI_BASE_URL)' : '',
  };
}

/** Whether an id is meant: it, or its beginning, with its prefix or without, as the request log shortens it. */
export function isIdStart(id: string, given: string): boolean {
  const start = given.replace(/…$/, '');
  return start !== '' && (id.startsWith(start) || id.slice(id.indexOf('_') + 1).startsWith(start));
}

/** A server that takes a request and never answers is not waited for. */
const ANSWER_MS = 10_000;

/**
 * The answer of a control route, whatever its status.
 * @throws UsageError for what is not a URL; CommandError where nothing answers with JSON, or only with a key
 */
export async function askRunning(
  { url, controlKey, from }: Running,
  path: string,
): Promise<{ status: number; body: Readonly<Record<string, unknown>> }> {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw new UsageError(`takes one URL, not ${url}${from}`);
  try {
    const headers = controlKey === undefined ? {} : { Authorization: `Bearer ${controlKey}` };
    const response = await fetch(new URL(path, url), { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    if (response.status === 403)
      throw new Error('status 403; a server with --api-keys, or that others can reach, needs --control-key');
    const body = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
    return { status: response.status, body };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    throw unreachable({ url, from }, cause?.code ?? message);
  }
}

function unreachable({ url, from }: Pick<Running, 'url' | 'from'>, why: string): CommandError {
  return new CommandError(`no emulator answers at ${url}${from}: ${why}`, EXIT_UNREACHABLE);
}

/** The answer of a control route that tells its kind, such as that of `/_emulator/spend`. @throws as `askRunning` does */
export async function readRunning(
  running: Running,
  path: string,
  object: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await askRunning(running, path);
  if (body.object !== object) throw unreachable(running, `status ${status}, and not ${object}`);
  return body;
}
