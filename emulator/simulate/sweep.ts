import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Policy, PolicyFunction, Situation } from '../../client/rolling/decide-shrink.ts';
import { resolveLimits } from '../../contract/limits.ts';
import { MovableClock, systemClock } from '../clock.ts';
import { Profiles } from '../models/profiles.ts';
import { openTokenizer } from '../tokenizer.ts';
import { type CountedDialogue, countDialogue } from './counted.ts';
import { FactFinder, type SaidFact } from './facts.ts';
import { replay, Summaries } from './replay.ts';
import type { Run } from './result.ts';
import { policyOf, type Setting } from './settings.ts';
import type { Dialogue } from './transcript.ts';

/** What all jobs of a sweep work with; it can be sent to a thread. */
export interface Material {
  readonly dialogues: readonly { readonly dialogue: Dialogue; readonly facts: readonly SaidFact[] }[];
  readonly gapMs: number;
  /** As in `openTokenizer`. */
  readonly tokenizer: string | undefined;
}

/** One dialogue under one policy: settings that differ in prices only are one job. */
export interface SweepJob {
  /** Its place among the dialogues. */
  readonly dialogue: number;
  readonly settings: readonly Setting[];
}

/** Jobs that ask for the same summaries, as long as they agree. */
type Batch = readonly SweepJob[];

export interface SweepControl {
  /** Threads; none where 0. */
  readonly workers: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Carries out jobs, one after another in one thread; what is counted once is kept. */
export class Sweep {
  readonly #material: Material;
  readonly #own: ReadonlyMap<string, Policy>;
  readonly #profiles: Profiles;
  readonly #tokenizer;
  readonly #finders: readonly FactFinder[];
  readonly #counted = new Map<string, Promise<CountedDialogue>>();
  readonly #summaries = new Summaries();

  /** @param own policies that are given as functions */
  constructor(material: Material, own: ReadonlyMap<string, Policy>) {
    this.#material = material;
    this.#own = own;
    this.#tokenizer = openTokenizer({ file: material.tokenizer });
    this.#finders = material.dialogues.map(({ facts }) => new FactFinder(facts));
    this.#profiles = new Profiles({
      limits: resolveLimits(undefined),
      given: {},
      tokenizer: this.#tokenizer,
      served: undefined,
      clock: new MovableClock(systemClock),
    });
  }

  async run({ dialogue: place, settings }: SweepJob, signal?: AbortSignal): Promise<Run[]> {
    const [setting] = settings;
    const material = this.#material.dialogues[place];
    const facts = this.#finders[place];
    if (!setting || !material || !facts) throw new RangeError(`no dialogue ${place}`);
    return replay({
      transcript: material.dialogue.name,
      settings,
      policy: await this.#policy(setting),
      dialogue: await this.count(place, setting.model),
      facts,
      tokenizer: this.#tokenizer,
      summaries: this.#summaries,
      signal,
    });
  }

  count(place: number, model: string): Promise<CountedDialogue> {
    const key = `${place} ${model}`;
    const material = this.#material.dialogues[place];
    if (!material) throw new RangeError(`no dialogue ${place}`);
    const known = this.#counted.get(key);
    if (known) return known;
    const counted = countDialogue(material.dialogue, this.#profiles.of(model), this.#material.gapMs);
    this.#counted.set(key, counted);
    return counted;
  }

  async #policy(setting: Setting): Promise<Policy | undefined> {
    if (setting.module !== undefined) return loadPolicy(setting.module);
    const policy = policyOf(setting, this.#own);
    return typeof policy === 'function' ? checked(setting.policy, policy) : policy;
  }
}

/** The default export of a module. @throws RangeError in one line where it is not a policy */
export async function loadPolicy(path: string): Promise<PolicyFunction> {
  let found: unknown;
  try {
    found = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw new RangeError(`option policies: ${path} cannot be loaded: ${(error as Error).message.split('\n')[0]}`);
  }
  if (typeof found !== 'function')
    throw new RangeError(`option policies: ${path} has no function as its default export`);
  return checked(path, found as PolicyFunction);
}

/** A policy whose answers are looked at before they are carried out. */
function checked(name: string, policy: PolicyFunction): PolicyFunction {
  return (situation) => {
    const actions = answerOf(name, policy, situation);
    const isAction = (action: unknown) => {
      const { kind, preserve_len: length } = (action ?? {}) as { kind?: unknown; preserve_len?: unknown };
      const isLength = typeof length === 'number' && Number.isFinite(length);
      return kind === 'truncate' ? isLength : kind === 'compress' && (length === undefined || isLength);
    };
    if (Array.isArray(actions) && actions.every(isAction)) return actions as ReturnType<PolicyFunction>;
    const text = JSON.stringify(actions)?.slice(0, 80) ?? String(actions);
    throw new RangeError(`option policies: ${name} answers ${text}, not a list of truncate and compress`);
  };
}

/** @throws RangeError in one line: what a policy throws is its author's to mend */
function answerOf(name: string, policy: PolicyFunction, situation: Situation): unknown {
  try {
    return policy(situation);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new RangeError(`option policies: ${name} throws: ${text.split('\n')[0]}`);
  }
}

/** One job a trajectory, in the order of the settings. */
export function jobsOf(dialogues: number, settings: readonly Setting[]): SweepJob[] {
  const groups = new Map<string, Setting[]>();
  for (const setting of settings) {
    const { ttl, date, ...rest } = setting;
    const { policy, ...uncut } = rest;
    const key = JSON.stringify(
      policy === 'stateless' || policy === 'stateless+cache' ? { policy: 'none', ...uncut } : rest,
    );
    groups.set(key, [...(groups.get(key) ?? []), setting]);
  }
  return Array.from({ length: dialogues }, (_, dialogue) =>
    [...groups.values()].map((group) => ({ dialogue, settings: group })),
  ).flat();
}

/** The first of every dialogue, then the second: what is interrupted has settings that are whole. */
function batchesOf(jobs: readonly SweepJob[]): Batch[] {
  const batches = new Map<string, SweepJob[]>();
  for (const job of jobs) {
    const { model, maxKeep, preserveLen, ratio } = job.settings[0] ?? {};
    const key = JSON.stringify([job.dialogue, model, maxKeep, preserveLen, ratio]);
    batches.set(key, [...(batches.get(key) ?? []), job]);
  }
  const taken = new Map<number, number>();
  const turns = [...batches.values()].map((batch) => {
    const dialogue = batch[0]?.dialogue ?? 0;
    const turn = taken.get(dialogue) ?? 0;
    taken.set(dialogue, turn + 1);
    return { batch, turn };
  });
  return turns.toSorted((one, other) => one.turn - other.turn).map(({ batch }) => batch);
}

/**
 * Carries out all jobs. An abort ends it with what is done so far.
 * @param own policies that are functions: their jobs stay in this thread
 * @returns the runs of each job, undefined of those that were not done
 */
export async function carryOut(
  material: Material,
  jobs: readonly SweepJob[],
  own: ReadonlyMap<string, Policy>,
  { workers, signal, onProgress }: SweepControl,
): Promise<(Run[] | undefined)[]> {
  const results = new Map<SweepJob, Run[]>();
  const finish = (job: SweepJob, runs: Run[]) => {
    results.set(job, runs);
    onProgress?.(results.size, jobs.length);
  };
  onProgress?.(0, jobs.length);
  const isOwn = ({ settings: [setting] }: SweepJob) => setting?.module === undefined && own.has(setting?.policy ?? '');
  // A thread loads JavaScript: from the source everything is done here.
  const here = workers === 0 || isSource ? jobs : jobs.filter(isOwn);
  const queue = batchesOf(jobs.filter((job) => !here.includes(job)));
  const threads = Math.min(workers, queue.length);
  const working = Array.from({ length: threads }, () => runInThread(material, queue, finish, signal));
  await Promise.all([...working, runHere(material, here, own, finish, signal)]);
  return jobs.map((job) => results.get(job));
}

async function runHere(
  material: Material,
  jobs: readonly SweepJob[],
  own: ReadonlyMap<string, Policy>,
  finish: (job: SweepJob, runs: Run[]) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (jobs.length === 0) return;
  const sweep = new Sweep(material, own);
  for (const job of batchesOf(jobs).flat()) {
    if (signal?.aborted) return;
    try {
      finish(job, await sweep.run(job, signal));
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
  }
}

/** What a thread answers to a job. */
export type ThreadAnswer = { readonly runs: Run[] } | { readonly fault: string; readonly isUsers: boolean };

/** Takes batches from the queue, each for one thread. */
function runInThread(
  material: Material,
  queue: Batch[],
  finish: (job: SweepJob, runs: Run[]) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerUrl(), { workerData: material });
    let batch: SweepJob[] = [];
    const end = (error?: Error) => {
      signal?.removeEventListener('abort', abort);
      void worker.terminate().then(() => (error ? reject(error) : resolve()));
    };
    const abort = () => end();
    const next = () => {
      if (batch.length === 0) batch = [...(queue.shift() ?? [])];
      const [job] = batch;
      if (job && !signal?.aborted) worker.postMessage(job);
      else end();
    };
    worker.on('message', (answer: ThreadAnswer) => {
      const job = batch.shift();
      if ('fault' in answer) return end(answer.isUsers ? new RangeError(answer.fault) : new Error(answer.fault));
      if (job) finish(job, answer.runs);
      next();
    });
    worker.on('error', end);
    signal?.addEventListener('abort', abort);
    next();
  });
}

const isSource = import.meta.url.endsWith('.ts');

/** Built, this module may stand in a chunk beside the folder of the thread's module. */
function workerUrl(): URL {
  return new URL('../simulate/worker.js', import.meta.url);
}
