import type { Policy } from '../../client/rolling/decide-shrink.ts';
import { checkNames, refuseOption } from '../bad-input.ts';
import { openTokenizer } from '../tokenizer.ts';
import { VERSION } from '../version.ts';
import { ClaimWork } from './claims.ts';
import { findFacts, naturalFacts, plantFacts } from './facts.ts';
import { LATENCY } from './money.ts';
import type { Simulation } from './result.ts';
import { scenarios } from './scenarios.ts';
import { isUncut, type OwnPolicy, type Setting, type SweepOptions, settingsOf } from './settings.ts';
import { baselineOf, recommend, rowsOf, WANTED_RECALL } from './summary.ts';
import { carryOut, jobsOf, loadPolicy, type Material, type SweepControl } from './sweep.ts';
import { checkTranscripts, type Transcript, toDialogue } from './transcript.ts';

export type { Policy, PolicyFunction, ShrinkAction, Situation } from '../../client/rolling/decide-shrink.ts';
export { readTranscripts } from './read-transcripts.ts';
export type {
  Claim,
  Latency,
  RecallFigures,
  Recommendation,
  Row,
  Run,
  Saving,
  Series,
  Shrink,
  Simulation,
} from './result.ts';
export type { OwnPolicy, PolicyName, Setting, SweepOptions, TimeToLive } from './settings.ts';
export { type Fact, type RecordedMessage, type Transcript, TranscriptError } from './transcript.ts';

export interface SimulateOptions extends SweepOptions {
  /** Histories to replay. Without them the article's scenarios, on source files of installed packages. */
  transcripts?: readonly Transcript[];
  /** Facts that are planted at even depths of each transcript. Default 20. */
  plant?: number;
  /** Facts of each transcript itself that are asked for, at most. Default 40. */
  natural?: number;
  /** Chooses facts and where they are planted. Default 1. */
  seed?: number;
  /** Between rounds of a transcript without times, in seconds. Default 20. */
  gapSeconds?: number;
  /** The recall that a recommendation asks for. Default 0.9. */
  recall?: number;
  /** Kimi's vocabulary file, or `o200k_base`. Default as the emulator's. */
  tokenizer?: string;
  /** Threads. Default 0: everything in this one. */
  workers?: number;
  /** Ends it with what is done so far. */
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** Said on every output. */
const RECALL_NOTE =
  'Recall: whether every word of an answer still stands in the window, within 300 characters. What a model makes of it is another matter: of natural questions about a whole window the lookup model answers 14 to 17 %, a small language model 73 %.';

const OPTIONS: Readonly<Record<keyof SimulateOptions, true>> = {
  transcripts: true,
  policies: true,
  maxKeep: true,
  preserveLen: true,
  ratio: true,
  models: true,
  ttl: true,
  dates: true,
  windowTokens: true,
  plant: true,
  natural: true,
  seed: true,
  gapSeconds: true,
  recall: true,
  tokenizer: true,
  workers: true,
  signal: true,
  onProgress: true,
};

const DEFAULTS = { plant: 20, natural: 40, seed: 1, gapSeconds: 20, recall: WANTED_RECALL, workers: 0 };
const MOST_WORKERS = 64;

/**
 * Replays histories under policies of the client, and says what each costs and what its window still knows. The same options
 * give the same result, on any number of threads.
 * @throws TypeError or RangeError in one line that names the option; TranscriptError
 * @example
 * ```ts
 * const { rows, recommendation } = await simulate({
 *   transcripts: await readTranscripts(['session.jsonl']),
 *   policies: ['truncate', { name: 'mine', policy: ({ preserveLen }) => [{ kind: 'compress', preserve_len: preserveLen }] }],
 *   maxKeep: [20_000, 60_000],
 * });
 * ```
 */
export async function simulate(options: SimulateOptions = {}): Promise<Simulation> {
  if (typeof options !== 'object' || options === null) throw new TypeError('simulate takes an object of options');
  checkNames(options, Object.keys(OPTIONS));
  const { plant, natural, seed, gapSeconds, recall, workers } = withDefaults(options);
  const { settings: wanted, leftOut } = settingsOf(options);
  // The baselines are among the default policies to be seen, not to be judged.
  const asked = new Set(
    wanted.filter((one) => options.policies !== undefined || !isUncut(one)).map((one) => JSON.stringify(one)),
  );
  const own = await ownPolicies(options.policies ?? []);
  const settings = withBaselines(wanted);
  const found = options.transcripts === undefined ? await scenarios(seed) : undefined;
  const first = wanted[0];
  const claimWork = found && first && new ClaimWork(found, first);
  const replayed = found ? [found.review, found.dialogue, found.logs] : checkTranscripts(options.transcripts ?? []);
  const prepared: Prepared[] = [];
  for (const transcript of replayed) prepared.push(await prepare(transcript, plant, natural, seed));
  const claimed: Prepared[] = [];
  for (const transcript of claimWork?.transcripts ?? []) claimed.push(await prepare(transcript, 0, 0, seed));
  // Before anything is replayed: a file that is not a vocabulary is told at once.
  const tokenizer = openTokenizer({ file: options.tokenizer });
  const material: Material = {
    dialogues: [...prepared, ...claimed],
    gapMs: gapSeconds * 1_000,
    tokenizer: options.tokenizer,
  };
  const claimJobs = claimWork?.jobs(prepared.length) ?? [];
  const sweepJobs = jobsOf(prepared.length, settings);
  const control: SweepControl = { workers, signal: options.signal, onProgress: options.onProgress };
  const results = await carryOut(material, [...claimJobs, ...sweepJobs], own, control);
  const runs = results.slice(claimJobs.length).flatMap((some) => some ?? []);
  const rows = rowsOf(settings, asked, runs, prepared.length);
  return {
    object: 'emulator.simulation',
    version: VERSION,
    complete: results.every((some) => some !== undefined),
    currency: 'USD',
    seed,
    input: found?.input ?? null,
    tokenizer: { name: tokenizer.name, exact: tokenizer.exact },
    latency: LATENCY,
    recallNote: RECALL_NOTE,
    leftOut,
    transcripts: prepared.map(({ dialogue, facts }) => ({
      name: dialogue.name,
      rounds: dialogue.rounds.length,
      messages: dialogue.instructions.length + dialogue.rounds.reduce((sum, { input }) => sum + input.length + 1, 0),
      planted: facts.filter(({ kind }) => kind === 'planted').length,
      natural: facts.filter(({ kind }) => kind === 'natural').length,
      notes: runs.find(({ transcript }) => transcript === dialogue.name)?.notes ?? dialogue.notes,
    })),
    claims: claimWork?.conclude(results.slice(0, claimJobs.length)) ?? [],
    rows,
    recommendation: recommend(rows, recall) ?? null,
    runs,
  };
}

type Prepared = Material['dialogues'][number];

async function prepare(transcript: Transcript, plant: number, natural: number, seed: number): Promise<Prepared> {
  const original = toDialogue(transcript);
  // Looked for before any are planted, which would be found too.
  const own = transcript.facts ? findFacts(original, transcript.facts) : await naturalFacts(original, natural, seed);
  const { dialogue, facts } = plantFacts(original, plant, seed);
  return { dialogue, facts: [...facts, ...own] };
}

/** The two baselines of every model, day and time to live stand before what was asked for. */
function withBaselines(settings: readonly Setting[]): Setting[] {
  const baselines = settings.flatMap((setting) => [
    baselineOf(setting, 'stateless'),
    baselineOf(setting, 'stateless+cache'),
  ]);
  const byText = new Map([...baselines, ...settings].map((setting) => [JSON.stringify(setting), setting]));
  return [...byText.values()];
}

/** @throws RangeError for a module without a policy, or a name that stands twice */
async function ownPolicies(policies: NonNullable<SweepOptions['policies']>): Promise<Map<string, Policy>> {
  const own = new Map<string, Policy>();
  const given = policies.filter((policy): policy is OwnPolicy => typeof policy === 'object');
  for (const policy of given) {
    if (own.has(policy.name)) throw new RangeError(`option policies: two are called ${policy.name}`);
    own.set(policy.name, 'module' in policy ? await loadPolicy(policy.module) : policy.policy);
  }
  return own;
}

function withDefaults(options: SimulateOptions): typeof DEFAULTS {
  const values = { ...DEFAULTS };
  const check = (name: keyof typeof DEFAULTS, least: number, most: number, isWhole = true) => {
    const value = options[name] ?? DEFAULTS[name];
    const fits =
      typeof value === 'number' && value >= least && value <= most && (!isWhole || Number.isSafeInteger(value));
    if (!fits) refuseOption(name, `a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`, value);
    values[name] = value;
  };
  check('plant', 0, 200);
  check('natural', 0, 200);
  check('seed', 0, Number.MAX_SAFE_INTEGER);
  check('gapSeconds', 0, 86_400, false);
  check('recall', 0, 1, false);
  check('workers', 0, MOST_WORKERS);
  const { tokenizer, signal, onProgress } = options;
  if (tokenizer !== undefined && typeof tokenizer !== 'string')
    refuseOption('tokenizer', 'the path of a file', tokenizer);
  if (signal !== undefined && !(signal instanceof AbortSignal)) refuseOption('signal', 'an AbortSignal', signal);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    refuseOption('onProgress', 'a function', onProgress);
  return values;
}
