import { createHash } from 'node:crypto';
import { turnDefaults } from '../../client/defaults.ts';
import {
  amend,
  countWeak,
  decide,
  type Policy,
  type Remedy,
  type ShrinkAction,
  thresholds,
} from '../../client/rolling/decide-shrink.ts';
import { ApiError } from '../api-error.ts';
import { type Chain, Chains, type Prompt } from '../billing/prefix-cache.ts';
import { checkTurn, commitTurn, readItems, windowFor } from '../chat/turn.ts';
import { stillClock } from '../clock.ts';
import type { compress } from '../engines/compression/compress.ts';
import { compress as summarise } from '../engines/compression/compress.ts';
import type { Tokenizer, TokenizerSource } from '../engines/tokens/tokenizer.ts';
import { openServices } from '../open-services.ts';
import type { Services } from '../services.ts';
import { append } from '../sessions/append.ts';
import { applyCompression, planCompression } from '../sessions/compress.ts';
import { createSession } from '../sessions/create.ts';
import { toUsage } from '../sessions/session.ts';
import { CutMissing, PreparedCuts, truncate } from '../sessions/truncate.ts';
import { bodyOf, type ReadMessage, type WriteItem } from '../sessions/write.ts';
import type { StoredMessage } from '../store/entries.ts';
import type { SessionRow, Toolset } from '../store/sessions.ts';
import type { CountedDialogue, CountedRound } from './counted.ts';
import { type FactFinder, WindowFacts } from './facts.ts';
import { Meter } from './money.ts';
import type { Run, Shrink } from './result.ts';
import { DEFAULT_RATIO, type Setting } from './settings.ts';

/** What is carried out at once: runs that differ in their prices only have the same windows. */
interface Job {
  readonly transcript: string;
  readonly settings: readonly Setting[];
  readonly policy: Policy | undefined;
  readonly dialogue: CountedDialogue;
  readonly facts: FactFinder;
  readonly tokenizer: TokenizerSource;
  readonly summaries: Summaries;
  /** Asked between rounds. */
  readonly signal?: AbortSignal | undefined;
}

const ACCOUNT = 'simulated';
const MOST_SUMMARIES = 512;

/** Summaries that were made: settings that agree so far ask for the same ones. */
export class Summaries {
  readonly #made = new Map<string, ReturnType<typeof compress>>();

  readonly make: typeof compress = (request, tokenizer: Tokenizer) => {
    const { messages, format, snapshotId, maxTokens } = request;
    const text = JSON.stringify([format, snapshotId, maxTokens, messages]);
    const key = createHash('sha256').update(text).digest('base64');
    const known = this.#made.get(key);
    if (known) return known;
    const made = summarise(request, tokenizer);
    if (this.#made.size >= MOST_SUMMARIES) this.#made.clear();
    this.#made.set(key, made);
    return made;
  };
}

/** Replays a transcript under one policy, billed once for each setting. */
export async function replay(job: Job): Promise<Run[]> {
  const [first] = job.settings;
  if (!first) return [];
  const { windowTokens } = first;
  const options = {
    tokenizer: job.tokenizer,
    seed: 'simulate',
    clock: stillClock(Date.parse(`${first.date}T00:00:00Z`)),
    // Nobody goes back to a past window.
    history: 0,
    ...(windowTokens !== undefined && { limits: { window_tokens: windowTokens } }),
  };
  const services = openServices(options, { closing: new AbortController().signal });
  try {
    return await new Replay(services, job, first).run();
  } finally {
    services.store.close();
  }
}

const NO_TOOLS: Toolset = { tools: [], tokens: 0 };

/** A session that begins with these; undefined where its window does not hold them. */
function openSession(
  services: Services,
  model: string,
  { toolset, instructions }: Pick<CountedDialogue, 'toolset' | 'instructions'>,
): SessionRow | undefined {
  const [first, ...others] = instructions.map(writeOf);
  try {
    return services.store.transaction(() =>
      others.reduce(
        (session, write) => append(services, session, write).session,
        createSession(services, ACCOUNT, { model }, toolset, first ?? writeOf([])),
      ),
    );
  } catch (error) {
    if (isFull(error)) return undefined;
    throw error;
  }
}

/** The client has no room left: the run ends. */
class OutOfRoom extends Error {}

class Replay {
  readonly #services: Services;
  readonly #job: Job;
  readonly #setting: Setting;
  readonly #meters: readonly Meter[];
  readonly #chains = new Chains();
  readonly #facts: WindowFacts;
  readonly #shrinks: Shrink[] = [];
  readonly #prompt: number[] = [];
  readonly #output: number[] = [];
  readonly #window: number[] = [];
  /** The longest answer that the client asks for. */
  readonly #maxTokens: number;
  #session: SessionRow;
  /** Whether the window does not even hold tools and instructions. */
  readonly #isTooSmall: boolean;
  /** The window as it is stored, oldest first. */
  #stored: StoredMessage[] = [];
  /** What the last prompt was made of, and the chain up to each of its messages. */
  #read: ReadMessage[] = [];
  #chain: Chain[] = [];
  #settled = { tokens: 0, weak: 0 };
  #open = false;
  #sent = 0;
  #round = 0;

  constructor(services: Services, job: Job, setting: Setting) {
    const { dialogue, settings, facts } = job;
    this.#services = services;
    this.#job = job;
    this.#setting = setting;
    this.#meters = settings.map((one) => new Meter(one));
    this.#facts = new WindowFacts(facts);
    const { model } = setting;
    this.#maxTokens = turnDefaults(model, services.profiles.of(model).limits.window_tokens).maxTokens;
    const opened = openSession(services, model, dialogue);
    this.#isTooSmall = opened === undefined;
    this.#session = opened ?? createSession(services, ACCOUNT, { model }, NO_TOOLS, writeOf([]));
    this.#sent = dialogue.instructions.flat().reduce((sum, { tokens }) => sum + tokens, dialogue.toolset.tokens);
    this.#readAll();
  }

  async run(): Promise<Run[]> {
    const { dialogue, signal } = this.#job;
    let ended = this.#refusal();
    try {
      if (ended !== null) return this.#allFigures(ended);
      for (const round of dialogue.rounds) {
        signal?.throwIfAborted();
        this.#round += 1;
        await this.#carryOut(round);
        this.#window.push(this.#tokens);
        this.#facts.endRound(this.#round - 1);
      }
    } catch (error) {
      if (!(error instanceof OutOfRoom)) throw error;
      ended = `${error.message} after round ${this.#window.length}`;
    }
    return this.#allFigures(ended);
  }

  /** Why the client would not even open such a session, if so. */
  #refusal(): string | null {
    if (this.#isTooSmall) return 'tools and instructions are larger than the window';
    if (this.#job.policy === undefined) return null;
    const { preserveLen, maxKeep, ...sizes } = this.#situation(0);
    const { soft } = thresholds({ preserveLen, maxKeep, ...sizes });
    if (soft <= preserveLen) {
      const { maxTokens, appendTokens, windowTokens } = sizes;
      return `the client refuses it: an answer (${maxTokens}) and a write (${appendTokens}) leave ${soft} tokens of the window (${windowTokens}), no more than is kept`;
    }
    const staying = this.#tokens;
    return staying < soft
      ? null
      : `the client refuses it: tools and instructions take ${staying} tokens, which no cut removes`;
  }

  #allFigures(ended: string | null): Run[] {
    return this.#meters.map((meter) => this.#figures(meter, ended));
  }

  get #tokens(): number {
    return toUsage(this.#services, this.#session).total_tokens;
  }

  /** As the client's `chat`: room first, the writes, the turn, and what has to follow it. */
  async #carryOut(round: CountedRound): Promise<void> {
    const { writes } = round;
    const incoming = writes.flat().reduce((sum, { tokens, reasoning }) => sum + tokens + reasoning, 0);
    await this.#makeRoom(incoming, true);
    for (const items of writes.slice(0, -1)) {
      await this.#makeRoom(0, false);
      this.#append(items);
    }
    const last = writes.at(-1) ?? [];
    try {
      await this.#turn(round, last);
    } catch (error) {
      if (!isFull(error)) throw error;
      await this.#makeRoom(Number.MAX_SAFE_INTEGER, false);
      await this.#turn(round, last).catch((again: unknown) => {
        throw isFull(again) ? new OutOfRoom('the window is full') : again;
      });
    }
    this.#open = round.callsIssued > 0;
    await this.#shrink(0, true).catch((error: unknown) => {
      // The client tells of it, and refuses the next turn.
      if (!(error instanceof OutOfRoom)) throw error;
    });
  }

  #append(items: readonly WriteItem[]): void {
    const write = writeOf(items);
    this.#sent += write.tokens;
    const { session } = this.#services.store.transaction(() => append(this.#services, this.#session, write));
    this.#session = session;
    this.#readNew();
  }

  async #turn(round: CountedRound, items: readonly WriteItem[]): Promise<void> {
    const { dialogue } = this.#job;
    const { counter, addedTokens, settings } = dialogue;
    const session = this.#session;
    const window = await windowFor(this.#services, session, session.model, async () => this.#stored);
    const write = writeOf(items);
    const maxTokens = Math.max(this.#maxTokens, round.outputTokens);
    const request = { ...dialogue.request, max_completion_tokens: maxTokens };
    const input = {
      request,
      settings: { ...settings, maxTokens, clampable: true },
      addedTokens,
      write,
      tools: undefined,
      counter,
    };
    const checked = checkTurn(this.#services, session, window, input);
    if (round.outputTokens > checked.maxTokens) throw new OutOfRoom('the window is full');
    const read = await window.read(
      settings.thinking,
      items.some(({ border }) => border),
    );
    const written = readItems(items, settings.thinking);
    this.#bill(round, [...read, ...written], checked.promptTokens);
    this.#session = this.#services.store.transaction(() =>
      commitTurn(this.#services, session, window, {
        input,
        items: [...items, ...round.answer],
        callsIssued: round.callsIssued,
      }),
    );
    this.#sent += write.tokens;
    this.#readNew();
  }

  #bill({ outputTokens, at }: CountedRound, messages: readonly ReadMessage[], tokens: number): void {
    const { toolset } = this.#job.dialogue;
    const prompt: Prompt = {
      ...this.#chains.open({ ...toolset, model: '' }),
      messages: this.#grow(messages),
      tokens,
    };
    this.#prompt.push(tokens);
    this.#output.push(outputTokens);
    for (const meter of this.#meters) meter.bill(prompt, outputTokens, at);
  }

  /** The chain of a prompt, of which most was in the last one. */
  #grow(messages: readonly ReadMessage[]): Chain | undefined {
    const isSame = (one: ReadMessage, other: ReadMessage | undefined) =>
      one.tokens === other?.tokens && (one.source ? one.source === other.source : one.body === other.body);
    const differs = messages.findIndex((message, place) => !isSame(message, this.#read[place]));
    const same = differs === -1 ? messages.length : differs;
    const chain = this.#chain.slice(0, same);
    for (const message of messages.slice(same)) {
      const next = this.#chains.grow(chain.at(-1), [message]);
      if (next) chain.push(next);
    }
    this.#read = [...messages];
    this.#chain = chain;
    return chain.at(-1);
  }

  /** @throws OutOfRoom where there is no room and none can be made */
  async #makeRoom(incoming: number, betweenRounds: boolean): Promise<void> {
    const before = this.#tokens;
    const refused = await this.#shrink(incoming, betweenRounds);
    const isCramped = refused && this.#tokens === before && this.#decide(incoming, false)?.kind === 'shrink';
    if (isCramped) throw new OutOfRoom('the server refuses to make the window smaller');
  }

  #decide(incoming: number, betweenRounds: boolean) {
    const { policy } = this.#job;
    if (policy === undefined) return undefined;
    const changing = { tokens: this.#tokens, betweenRounds, openCalls: this.#open, settled: this.#settled };
    return decide({ ...this.#situation(incoming), ...changing }, policy);
  }

  #situation(incoming: number) {
    const { maxKeep = Number.MAX_SAFE_INTEGER, preserveLen = 0 } = this.#setting;
    const { limits } = this.#services.profiles.of(this.#session.model);
    const { window_tokens: windowTokens, append_tokens: appendTokens } = limits;
    return { windowTokens, appendTokens, maxTokens: this.#maxTokens, maxKeep, preserveLen, incoming };
  }

  /** As the client's: one action after another, until it is enough. @returns whether the last of them was refused */
  async #shrink(incoming: number, betweenRounds: boolean): Promise<boolean> {
    const decision = this.#decide(incoming, betweenRounds);
    if (decision?.kind === 'stop') throw new OutOfRoom('shrinking no longer gains anything');
    if (decision?.kind !== 'shrink') return false;
    const before = this.#tokens;
    let actions = [...decision.actions];
    let refused = false;
    for (let [action] = actions; action && this.#tokens > decision.enough; [action] = actions) {
      actions = actions.slice(1);
      try {
        await this.#apply(action);
        refused = false;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        refused = true;
        const instead = amend(action, remedyOf(error), this.#tokens);
        if (instead) actions = [instead, ...actions];
      }
    }
    const { weak } = this.#settled;
    const isSame = refused && this.#tokens === before;
    this.#settled = { tokens: this.#tokens, weak: isSame ? weak : countWeak(weak, before, this.#tokens) };
    return refused;
  }

  /** @throws ApiError */
  async #apply(action: ShrinkAction): Promise<void> {
    const before = this.#tokens;
    if (action.kind === 'truncate') this.#session = await this.#truncate(action.preserve_len);
    else {
      const { ratio = DEFAULT_RATIO, format = 'outline', preserve_len } = action;
      const request = { ratio, format, preserve_len };
      const plan = await planCompression(this.#services, this.#session, request, this.#job.summaries.make);
      this.#session = this.#services.store.transaction(() => applyCompression(this.#services, plan).session);
    }
    this.#readAll();
    this.#shrinks.push({ round: this.#round, action: action.kind, before, after: this.#tokens });
  }

  async #truncate(preserve_len: number): Promise<SessionRow> {
    const cuts = new PreparedCuts(this.#services);
    for (;;) {
      try {
        const { session } = this.#services.store.transaction(() =>
          truncate(this.#services, cuts, this.#session, { preserve_len }),
        );
        return session;
      } catch (error) {
        if (!(error instanceof CutMissing)) throw error;
        await error.workOut();
      }
    }
  }

  #readNew(): void {
    const last = this.#stored.at(-1);
    const found = this.#services.store.history.page(this.#session.view, {
      order: 'asc',
      limit: -1,
      ...(last && { after: last.seq }),
    });
    // A pin may have changed what stood before: then nothing of it can be kept.
    if (this.#stored.length + found.length !== this.#session.view.messages) {
      this.#readAll();
      return;
    }
    this.#stored.push(...found);
    this.#facts.add(found.map(bodyOf));
  }

  #readAll(): void {
    this.#stored = this.#services.store.history.window(this.#session.view);
    this.#facts.replace(this.#stored.map(bodyOf));
  }

  #figures(meter: Meter, ended: string | null): Run {
    const { setting, cost, cached, seconds } = meter;
    const { input, cached: cachedTokens, written, output } = meter.usage;
    const isStateless = setting.policy.startsWith('stateless');
    const prompt = input + cachedTokens + written;
    return {
      transcript: this.#job.transcript,
      setting,
      rounds: this.#window.length,
      ended,
      cost: String(meter.total),
      tokens: {
        prompt,
        cached: cachedTokens,
        cacheWrite: written,
        output,
        sent: isStateless ? prompt : this.#sent,
      },
      seconds: Math.round(seconds * 1_000) / 1_000,
      recall: { planted: this.#facts.recall('planted'), natural: this.#facts.recall('natural') },
      shrinks: this.#shrinks,
      notes: this.#job.dialogue.notes,
      series: {
        prompt: this.#prompt,
        cached,
        output: this.#output,
        window: this.#window,
        cost,
        said: this.#facts.said,
        known: this.#facts.known,
      },
    };
  }
}

function writeOf(items: readonly WriteItem[]) {
  return { items: [...items], tokens: items.reduce((sum, one) => sum + one.tokens + one.reasoning, 0), blobs: [] };
}

function isFull(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'context_window_exceeded';
}

/** What a refusal names that would do. */
function remedyOf({ code, details }: ApiError): Remedy {
  if (code === 'compress_infeasible' && 'largestRatio' in details) return { largestRatio: details.largestRatio };
  if (code === 'preserve_len_too_small' && 'least' in details) return { leastPreserveLen: details.least };
  return {};
}
