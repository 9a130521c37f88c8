import type { Setting } from './settings.ts';

/** One shrinking of a window. */
export interface Shrink {
  /** The round behind which it came, from 1. */
  readonly round: number;
  readonly action: 'truncate' | 'compress';
  readonly before: number;
  readonly after: number;
}

/** How much of a kind of facts stood in the window. */
export interface RecallFigures {
  readonly facts: number;
  /** Over all rounds: of the facts that had been said, the share that stood in the window. Null where there are none. */
  readonly mean: number | null;
  /** After the last round. */
  readonly end: number | null;
}

/** The rounds of a run, as columns. */
export interface Series {
  readonly prompt: number[];
  readonly cached: number[];
  readonly output: number[];
  /** Tokens of the window after the round, and after what shrunk it. */
  readonly window: number[];
  /** In 10⁻¹² of the currency unit. */
  readonly cost: string[];
  /** Facts that had been said, and those of them that stood in the window, of each kind. */
  readonly said: { planted: number[]; natural: number[] };
  readonly known: { planted: number[]; natural: number[] };
}

/** One transcript under one setting. */
export interface Run {
  readonly transcript: string;
  readonly setting: Setting;
  readonly rounds: number;
  /** Why it ended before the transcript did. */
  readonly ended: string | null;
  /** In 10⁻¹² of the currency unit. */
  readonly cost: string;
  readonly tokens: { prompt: number; cached: number; cacheWrite: number; output: number; sent: number };
  /** By the model of `LATENCY`; never measured. */
  readonly seconds: number;
  readonly recall: { planted: RecallFigures; natural: RecallFigures };
  readonly shrinks: readonly Shrink[];
  /** What had to be changed of the transcript, in words. */
  readonly notes: readonly string[];
  readonly series: Series;
}

/** What a setting costs beside a baseline, over the rounds that the baseline could make too. */
export interface Saving {
  readonly baseline: 'stateless' | 'stateless+cache';
  readonly rounds: number;
  readonly baselineCost: number;
  readonly ownCost: number;
  /** Of the baseline's cost; negative where the setting costs more. Null where that is 0. */
  readonly share: number | null;
}

/** One setting over all transcripts. Money in units of the currency. */
export interface Row {
  readonly setting: Setting;
  /** In words, with the model, the day and the time to live where the rows differ in them. */
  readonly text: string;
  /** Whether it was asked for, and is not only a baseline of what was. Assertions are about these. */
  readonly asked: boolean;
  readonly cost: number;
  readonly tokens: Run['tokens'];
  readonly seconds: number;
  readonly rounds: number;
  readonly recall: { readonly planted: RecallFigures; readonly natural: RecallFigures };
  /** The lower of the two means; null where nothing can be asked for. */
  readonly leastRecall: number | null;
  readonly shrinks: number;
  /** Transcripts that it could not finish, with the reason. */
  readonly ended: readonly string[];
  /** Both baselines, never one alone. */
  readonly savings: readonly Saving[];
  /** Whether no other setting that finishes is cheaper and knows as much, at the prices of the same day. */
  readonly onFront: boolean;
}

export interface Recommendation {
  readonly row: number;
  /** What it optimises, in words. */
  readonly text: string;
}

/** One claim of the article beside what came out. */
export interface Claim {
  readonly scenario: string;
  readonly measure: 'latency' | 'cost' | 'accuracy';
  readonly claimed: string;
  /** A change against the baseline: a share, or points of recall for accuracy. */
  readonly simulated: number;
  /** What it is a change of, and to: `12.3 s → 10.1 s`. */
  readonly figures: string;
  readonly own: string;
  readonly baseline: string;
  /** Model, day and time to live that all of it is billed under. */
  readonly conditions: string;
}

/** A model of how long an answer takes, in tokens a second, and where its figures come from. */
export interface Latency {
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  readonly source: string;
}

/** All that comes of a sweep. */
export interface Simulation {
  readonly object: 'emulator.simulation';
  readonly version: string;
  /** False where it was ended early. */
  readonly complete: boolean;
  readonly currency: 'USD';
  readonly seed: number;
  /** Where the scenarios come from; null for transcripts of one's own. */
  readonly input: string | null;
  readonly tokenizer: { readonly name: string; readonly exact: boolean };
  readonly latency: Latency;
  readonly recallNote: string;
  /** What of the options makes no setting, in words. */
  readonly leftOut: readonly string[];
  readonly transcripts: readonly {
    readonly name: string;
    readonly rounds: number;
    readonly messages: number;
    readonly planted: number;
    readonly natural: number;
    readonly notes: readonly string[];
  }[];
  /** The article's claims beside what came out; empty for transcripts of one's own. */
  readonly claims: readonly Claim[];
  /** The two baselines first, then every setting. */
  readonly rows: readonly Row[];
  readonly recommendation: Recommendation | null;
  /** Each transcript under each setting, round by round. */
  readonly runs: readonly Run[];
}
