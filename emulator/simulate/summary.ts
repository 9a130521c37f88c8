import { moneyNumber } from '../billing/ledger.ts';
import type { RecallFigures, Recommendation, Row, Run, Saving } from './result.ts';
import { differencesOf, type Setting, settingText } from './settings.ts';

/** Recall that a recommendation asks for where none is named. */
export const WANTED_RECALL = 0.9;

/**
 * Rows in the order of the settings. Those without a run for every transcript are left out.
 * @param asked the settings that were asked for; the others are baselines
 */
export function rowsOf(
  settings: readonly Setting[],
  asked: ReadonlySet<string>,
  runs: readonly Run[],
  transcripts: number,
): Row[] {
  const bySetting = new Map<string, Run[]>();
  for (const run of runs) {
    const key = JSON.stringify(run.setting);
    bySetting.set(key, [...(bySetting.get(key) ?? []), run]);
  }
  const runsOf = (setting: Setting) => bySetting.get(JSON.stringify(setting)) ?? [];
  const differences = differencesOf(settings);
  const rows = settings.flatMap((setting) => {
    const own = runsOf(setting);
    if (own.length !== transcripts) return [];
    const figures = figuresOf(own, (baseline) => runsOf(baselineOf(setting, baseline)));
    const text = settingText(setting, differences);
    return [{ setting, text, asked: asked.has(JSON.stringify(setting)), ...figures, onFront: false }];
  });
  return rows.map((row) => ({ ...row, onFront: isOnFront(row, rows) }));
}

/** The same without a session. */
export function baselineOf({ model, ttl, date, windowTokens }: Setting, policy: Saving['baseline']): Setting {
  return { policy, model, ttl, date, ...(windowTokens !== undefined && { windowTokens }) };
}

function figuresOf(
  runs: readonly Run[],
  baselineRuns: (baseline: Saving['baseline']) => Run[],
): Omit<Row, 'setting' | 'text' | 'asked' | 'onFront'> {
  const sum = (pick: (run: Run) => number) => runs.reduce((total, run) => total + pick(run), 0);
  const recall = { planted: pooled(runs, 'planted'), natural: pooled(runs, 'natural') };
  const means = [recall.planted.mean, recall.natural.mean].filter((mean) => mean !== null);
  return {
    cost: moneyNumber(runs.reduce((total, { cost }) => total + BigInt(cost), 0n)),
    tokens: {
      prompt: sum(({ tokens }) => tokens.prompt),
      cached: sum(({ tokens }) => tokens.cached),
      cacheWrite: sum(({ tokens }) => tokens.cacheWrite),
      output: sum(({ tokens }) => tokens.output),
      sent: sum(({ tokens }) => tokens.sent),
    },
    seconds: sum(({ seconds }) => seconds),
    rounds: sum(({ rounds }) => rounds),
    recall,
    leastRecall: means.length === 0 ? null : Math.min(...means),
    shrinks: sum(({ shrinks }) => shrinks.length),
    ended: runs.flatMap(({ transcript, ended }) => (ended === null ? [] : [`${transcript}: ${ended}`])),
    savings: (['stateless', 'stateless+cache'] as const).flatMap((baseline) => {
      const others = baselineRuns(baseline);
      return others.length === runs.length ? [savingOf(baseline, runs, others)] : [];
    }),
  };
}

function savingOf(baseline: Saving['baseline'], runs: readonly Run[], others: readonly Run[]): Saving {
  let [rounds, own, other] = [0, 0n, 0n];
  for (const [place, run] of runs.entries()) {
    const against = others[place];
    const both = Math.min(run.rounds, against?.rounds ?? 0);
    rounds += both;
    own += total(run.series.cost.slice(0, both));
    other += total(against?.series.cost.slice(0, both) ?? []);
  }
  const share = other === 0n ? null : Number(((other - own) * 1_000_000n) / other) / 1_000_000;
  return { baseline, rounds, baselineCost: moneyNumber(other), ownCost: moneyNumber(own), share };
}

function total(costs: readonly string[]): bigint {
  return costs.reduce((sum, cost) => sum + BigInt(cost), 0n);
}

function pooled(runs: readonly Run[], kind: 'planted' | 'natural'): RecallFigures {
  const all = (pick: (run: Run) => readonly number[]) => runs.flatMap(pick).reduce((sum, count) => sum + count, 0);
  const last = (pick: (run: Run) => readonly number[]) => runs.reduce((sum, run) => sum + (pick(run).at(-1) ?? 0), 0);
  const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);
  return {
    facts: runs.reduce((sum, { recall }) => sum + recall[kind].facts, 0),
    mean: share(
      all(({ series }) => series.known[kind]),
      all(({ series }) => series.said[kind]),
    ),
    end: share(
      last(({ series }) => series.known[kind]),
      last(({ series }) => series.said[kind]),
    ),
  };
}

/** What was finished; a prompt that is not cached nobody chooses, because the live API caches by itself. */
function isChoice({ ended, setting }: Row): boolean {
  return ended.length === 0 && setting.policy !== 'stateless';
}

/** Of settings that cost and know the same, the first. Nobody chooses the day: the prices of each have a front of their own. */
function isOnFront(row: Row, rows: readonly Row[]): boolean {
  if (!isChoice(row) || row.leastRecall === null) return false;
  const recall = row.leastRecall;
  const place = rows.indexOf(row);
  return !rows.some((other, at) => {
    if (other === row || !isChoice(other) || other.leastRecall === null) return false;
    if (other.setting.date !== row.setting.date || other.cost > row.cost || other.leastRecall < recall) return false;
    return other.cost < row.cost || other.leastRecall > recall || at < place;
  });
}

/** At the newest prices the cheapest setting that knows enough; where none does, the one that knows most. Baselines count too. */
export function recommend(rows: readonly Row[], wanted = WANTED_RECALL): Recommendation | undefined {
  const newest = rows.map(({ setting }) => setting.date).reduce((one, other) => (other > one ? other : one), '');
  const finished = rows.filter((row) => isChoice(row) && row.leastRecall !== null && row.setting.date === newest);
  const enough = finished.filter(({ leastRecall }) => (leastRecall ?? 0) >= wanted);
  const percent = `${Math.round(wanted * 1_000) / 10} %`;
  const by = (list: readonly Row[], better: (one: Row, other: Row) => boolean) =>
    list.reduce<Row | undefined>((best, row) => (best === undefined || better(row, best) ? row : best), undefined);
  const cheapest = by(enough, (one, other) => one.cost < other.cost);
  if (cheapest) {
    const text = `${cheapest.text}: the lowest cost among the settings under which ${percent} of the facts stand in the window (the lower of planted and natural, over all rounds)`;
    return { row: rows.indexOf(cheapest), text };
  }
  const knowing = by(finished, (one, other) => (one.leastRecall ?? 0) > (other.leastRecall ?? 0));
  if (!knowing) return undefined;
  return {
    row: rows.indexOf(knowing),
    text: `${knowing.text}: the highest recall; no setting that finishes keeps ${percent} of the facts in the window`,
  };
}
