import { CAPABILITIES, type Capability } from '../../contract/capabilities.ts';
import { LIMITS, type Limits } from '../../contract/limits.ts';
import { SessionLimits } from '../../contract/sessions.ts';
import type { Declared, Target } from '../targets/target.ts';
import type { Api } from '../wire/api.ts';
import type { Reply } from '../wire/reply.ts';
import { preview } from './expect.ts';
import { EXIT } from './summary.ts';
import { Inconclusive } from './verdict.ts';

/** What was seen of a capability. `unseen`: it cannot be seen without creating something or paying, so its declaration stands. */
type Probed = 'present' | 'absent' | 'ambiguous' | 'unseen';

/**
 * What follows for the cases that need it: `offered`: they run; `absent`: they are not applicable; `broken-promise`: claimed and
 * absent; `unclear`: nothing can be said.
 */
type CapabilityStatus = 'offered' | 'absent' | 'broken-promise' | 'unclear';

interface CapabilityState {
  declared: Declared | 'unknown';
  probed: Probed;
  status: CapabilityStatus;
}

export type Capabilities = Record<Capability, CapabilityState>;

type Probe = (api: Api) => Promise<Reply>;

/** Ids that nobody has been given. */
const SESSION = '/sessions/sess_kimiconformanceprobe00';
const SNAPSHOT = '/snapshots/snap_kimiconformanceprobe00';

/** Requests that create nothing and cost nothing: reads of an invented id, and bodies that must be refused. */
const PROBES: Partial<Record<Capability, Probe>> = {
  chat: (api) => api.post('/chat/completions', {}),
  models: (api) => api.get('/models'),
  'tokens.estimate': (api) => api.post('/tokenizers/estimate-token-count', {}),
  balance: (api) => api.get('/users/me/balance'),
  files: (api) => api.get('/files'),
  sessions: (api) => api.get(SESSION),
  'sessions.list': (api) => api.get('/sessions?limit=1'),
  'sessions.append': (api) => api.post(`${SESSION}/messages`, {}),
  'sessions.truncate': (api) => api.post(`${SESSION}/truncate`, {}),
  'sessions.snapshot': (api) => api.get(`${SESSION}/snapshots`),
  'sessions.rollback': (api) => api.post(`${SESSION}/rollback`, {}),
  'sessions.share': (api) => api.get(`${SNAPSHOT}/messages`),
  'sessions.compress': (api) => api.post(`${SESSION}/compress`, {}),
};

/** Where a capability cannot be probed by itself, it is as present as this one. */
const PART_OF: Partial<Record<Capability, Capability>> = {
  'chat.stream': 'chat',
  'chat.tools': 'chat',
  'chat.json': 'chat',
  'chat.partial': 'chat',
  'sessions.append.stream': 'sessions.append',
  'sessions.fork': 'sessions.snapshot',
  idempotency: 'sessions',
  versioning: 'sessions',
};

/** Declared, probed, and what follows, for every capability. */
export async function probe(target: Target, api: Api): Promise<Capabilities> {
  const probed = new Map<Capability, Probed>();
  for (const name of CAPABILITIES) {
    const send = PROBES[name];
    const whole = PART_OF[name];
    if (send) probed.set(name, await send(api).then(presenceOf, () => 'ambiguous' as const));
    else probed.set(name, whole && probed.get(whole) === 'absent' ? 'absent' : 'unseen');
  }
  const states = CAPABILITIES.map((name) => {
    const declared = target.declares[name] ?? 'unknown';
    const seen = probed.get(name) ?? 'unseen';
    const whole = PART_OF[name];
    const known = seen === 'unseen' && whole ? (probed.get(whole) ?? seen) : seen;
    return [name, { declared, probed: seen, status: standingOf(declared, known) }] as const;
  });
  return Object.fromEntries(states) as Capabilities;
}

function standingOf(declared: CapabilityState['declared'], probed: Probed): CapabilityStatus {
  if (probed === 'ambiguous') return 'unclear';
  if (probed === 'absent') return declared === 'yes' ? 'broken-promise' : 'absent';
  return declared === 'no' && probed === 'unseen' ? 'absent' : 'offered';
}

/** A refusal in the shape of the API is a sign of life; only the body for unknown routes, or Hosted Agents', is a sign of absence. */
function presenceOf(reply: Reply): Probed {
  const body = reply.json;
  if (typeof body !== 'object' || body === null) return 'ambiguous';
  // Whether a success is the right one is for the checks to say.
  if (reply.status < 300) return 'present';
  if (reply.status === 404) return isUnknownRoute(body) || !hasCode(body) ? 'absent' : 'present';
  if (reply.status === 400) return namesHostedAgents(reply.text) ? 'absent' : hasError(body) ? 'present' : 'ambiguous';
  return 'ambiguous';
}

function isUnknownRoute(body: object): boolean {
  return 'error' in body && body.error === 'url.not_found';
}

function hasError(body: object): boolean {
  return 'error' in body && typeof body.error === 'object' && body.error !== null;
}

function hasCode(body: object): boolean {
  return hasError(body) && 'code' in (body as { error: object }).error;
}

/** Moonshot's own `/v1/sessions` is another product; it asks for this header. */
function namesHostedAgents(text: string): boolean {
  return /kimi-api-version/i.test(text);
}

/** The target cannot be judged at all, in one line, with what the process ends with. */
export class Unreachable extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Sees that somebody is there who speaks JSON and lets this key in, before anything is judged.
 * @throws Unreachable
 */
export async function preflight(api: Api, baseURL: string): Promise<void> {
  const reply = await api.get('/models').catch((error: unknown) => {
    if (error instanceof Inconclusive)
      throw new Unreachable(`${baseURL} cannot be reached: ${error.message}`, EXIT.incomplete);
    throw error;
  });
  const { status } = reply;
  if (status === 401 || status === 403) {
    throw new Unreachable(
      `${baseURL} refuses the key: ${status} ${preview(reply.json ?? reply.text)}`,
      EXIT.configuration,
    );
  }
  if (status === 429 || status >= 500) {
    throw new Unreachable(`${baseURL} is not available: ${status} ${preview(reply.text)}`, EXIT.incomplete);
  }
  if (typeof reply.json !== 'object' || reply.json === null) {
    const type = reply.headers.get('content-type') ?? 'no content type';
    throw new Unreachable(`${baseURL} answered with ${type}, not JSON: check the base URL`, EXIT.configuration);
  }
}

type Stated = Partial<Record<keyof typeof SessionLimits.shape, number>>;

const NAMES = SessionLimits.keyof().options;

/**
 * What a target states of its limits, as far as it can be believed: cases send as much as a limit says, so nobody's word may make them send
 * more than the contract has, or than the target was declared to have.
 * @param stated as it came, whatever it is
 * @returns what is used, and what is not, each in one line
 */
export function plausibleLimits(stated: unknown, declared: Limits): { used: Stated; refused: string[] } {
  const given = (typeof stated === 'object' && stated !== null ? stated : {}) as Record<string, unknown>;
  const used: Stated = {};
  const refused: string[] = [];
  for (const name of NAMES) {
    const { [name]: value } = given;
    const { min, default: contracts } = LIMITS[name];
    const most = Math.max(contracts, declared[name]);
    if (value === undefined) continue;
    if (!isWhole(value)) refused.push(`${name} ${preview(value)} (no whole number)`);
    else if (value < min || value > most) refused.push(`${name} ${value} (${min} to ${most})`);
    else used[name] = value;
  }
  return { used, refused };
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}
