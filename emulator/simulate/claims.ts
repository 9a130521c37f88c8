import { moneyNumber } from '../billing/ledger.ts';
import type { Claim, Run } from './result.ts';
import type { Scenarios } from './scenarios.ts';
import { conditionsText, type Setting } from './settings.ts';
import type { SweepJob } from './sweep.ts';
import type { Transcript } from './transcript.ts';

/** Windows of the article. */
const LARGE = 262_144;
const SMALL = 32_768;
const SESSION = { maxKeep: 180_000, preserveLen: 8_000 };
/** The most that a window of 32K leaves beside a write and an answer. */
const SMALL_KEEP = { maxKeep: 20_000, preserveLen: 8_000 };

type Common = Pick<Setting, 'model' | 'ttl' | 'date'>;

/** The transcripts that the claims are about, and how each is simulated. */
export class ClaimWork {
  readonly transcripts: readonly Transcript[];
  readonly #calls: number;
  readonly #common: Common;

  constructor({ reviewAtOnce, reviewInCalls, dialogue, logs }: Scenarios, { model, ttl, date }: Common) {
    this.transcripts = [reviewAtOnce, dialogue, logs, ...reviewInCalls];
    this.#calls = reviewInCalls.length;
    this.#common = { model, ttl, date };
  }

  /** @param first the place of its first transcript among the dialogues */
  jobs(first: number): SweepJob[] {
    const large = { ...this.#common, windowTokens: LARGE };
    const small = { ...this.#common, windowTokens: SMALL };
    const truncate = { policy: 'truncate', ...large, ...SESSION };
    const stateless = (common: typeof large) =>
      ['stateless', 'stateless+cache'].map((policy) => ({ policy, ...common }));
    return [
      { dialogue: first, settings: [{ policy: 'none', ...large }] },
      { dialogue: first + 1, settings: [truncate] },
      { dialogue: first + 1, settings: stateless(large) },
      { dialogue: first + 2, settings: [truncate] },
      { dialogue: first + 2, settings: [{ policy: 'truncate', ...small, ...SMALL_KEEP }] },
      ...Array.from({ length: this.#calls }, (_, place) => ({
        dialogue: first + 3 + place,
        settings: stateless(small),
      })),
    ];
  }

  /** @param runs of its jobs, in order @returns none where a job was not done */
  conclude(runs: readonly (readonly Run[] | undefined)[]): Claim[] {
    const [atOnce, session, stateless, whole, cut, ...calls] = runs;
    const [[once], [own], [uncached, cached], [read], [lost]] = [
      atOnce ?? [],
      session ?? [],
      stateless ?? [],
      whole ?? [],
      cut ?? [],
    ];
    if (!once || !own || !uncached || !cached || !read || !lost || calls.some((call) => !call)) return [];
    const inCalls = calls.flatMap((call) => call?.slice(0, 1) ?? []);
    const seconds = (some: readonly Run[]) => some.reduce((sum, run) => sum + run.seconds, 0);
    const cost = (some: readonly Run[]) => moneyNumber(some.reduce((sum, run) => sum + BigInt(run.cost), 0n));
    const callsText = `${inCalls.length} calls of 32K, one after another`;
    const conditions = conditionsText(this.#common);
    const inSession = 'session, truncate at 180,000, keep 8,000';
    const money = (value: number) => `${value.toFixed(4)} USD`;
    const time = (value: number) => `${value.toFixed(1)} s`;
    const percent = (value: number | null) => `${Math.round(100 * (value ?? 0))} %`;
    const change = (mine: number, other: number) => ({ simulated: other === 0 ? 0 : mine / other - 1 });
    const row = (
      scenario: string,
      measure: 'latency' | 'cost',
      claimed: string,
      mine: readonly Run[],
      other: readonly Run[],
      texts: { own: string; baseline: string },
    ): Claim => {
      const [of, show] = measure === 'cost' ? [cost, money] : [seconds, time];
      return {
        scenario,
        measure,
        claimed,
        ...change(of(mine), of(other)),
        figures: `${show(of(other))} → ${show(of(mine))}`,
        conditions,
        ...texts,
      };
    };
    const [lastRecall, firstRecall] = [read.recall.natural.end, lost.recall.natural.end];
    const mine = [once, own, read];
    const every = { own: 'the three above', baseline: `${callsText}; stateless without cache; session in 32K` };
    return [
      row('review of 100 files', 'latency', '−86 %', [once], inCalls, { own: '1 call of 256K', baseline: callsText }),
      row('review of 100 files', 'cost', '–', [once], inCalls, { own: '1 call of 256K', baseline: callsText }),
      row('agent dialogue', 'cost', '−39 %', [own], [uncached], {
        own: inSession,
        baseline: 'stateless without cache',
      }),
      row('agent dialogue', 'cost', '−39 %', [own], [cached], { own: inSession, baseline: 'stateless with cache' }),
      {
        scenario: 'log of 4,000 lines',
        measure: 'accuracy',
        claimed: '+18 %',
        simulated: (lastRecall ?? 0) - (firstRecall ?? 0),
        figures: `${percent(firstRecall)} → ${percent(lastRecall)} of the errors in the window`,
        own: inSession,
        baseline: 'session in 32K, truncate at 20,000, keep 8,000',
        conditions,
      },
      row('log of 4,000 lines', 'cost', '–', [read], [lost], {
        own: inSession,
        baseline: 'session in 32K, truncate at 20,000, keep 8,000',
      }),
      row('all', 'cost', '−30…40 %', mine, [...inCalls, uncached, lost], every),
      row('all', 'cost', '−30…40 %', mine, [...inCalls, cached, lost], {
        ...every,
        baseline: `${callsText}; stateless with cache; session in 32K`,
      }),
      row('all', 'latency', '−50…80 %', mine, [...inCalls, uncached, lost], every),
      row('all', 'latency', '−50…80 %', mine, [...inCalls, cached, lost], {
        ...every,
        baseline: `${callsText}; stateless with cache; session in 32K`,
      }),
    ];
  }
}
