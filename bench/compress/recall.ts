import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { printTable, type Row } from '../table.ts';
import { BASELINES } from './baselines.ts';
import { ENGINE, type Method, measure, type Score, tokensOf, VARIANTS, WHOLE } from './measure.ts';
import { type ProbeSet, probeSets } from './sets.ts';
import { percent, table } from './table.ts';

const RATIOS = [4, 8, 16] as const;
const AIMED = 4;

/** Prints what survives of facts in windows of every kind, and holds it against the aims. */
export async function reportRecall(tokenizer: Tokenizer, seed: number): Promise<void> {
  console.log(
    'Facts are planted in a window and asked for after it was compressed. `key`: the lookup model answers with',
  );
  console.log('the value. `evidence`: the whole sentence, line or member still stands there.');
  const verdicts: Row[] = [];
  for (const set of probeSets(seed)) verdicts.push(...(await reportSet(set, tokenizer, seed)));
  printTable('Verdicts', verdicts);
}

async function reportSet(set: ProbeSet, tokenizer: Tokenizer, seed: number): Promise<Row[]> {
  const facts = set.cases.reduce((sum, { probes }) => sum + probes.length, 0);
  const tokens = set.cases.reduce((sum, { messages }) => sum + tokensOf(messages, tokenizer), 0);
  console.log(`\n### ${set.name}: ${facts} facts, ${set.cases.length} windows, ${tokens} tokens\n`);
  const scores = new Map<Method, (Score | undefined)[]>();
  const methods: Method[] = [WHOLE, ENGINE, ...VARIANTS, ...BASELINES];
  for (const method of methods) {
    const ratios = method === WHOLE ? [1] : VARIANTS.some((name) => name === method) ? [AIMED] : RATIOS;
    const row: (Score | undefined)[] = [];
    for (const ratio of ratios) row.push(await measure(set.cases, method, ratio, tokenizer, seed));
    scores.set(method, row);
  }
  const head = ['kept by', ...RATIOS.flatMap((ratio) => [`${ratio}:1 key`, 'evidence'])];
  console.log(
    table(
      head,
      [...scores].map(([method, row]) => [method, ...RATIOS.flatMap((_, at) => cells(row[at]))]),
    ),
  );
  const engine = scores.get(ENGINE) ?? [];
  console.log(`\nby phrasing, ${ENGINE} ${AIMED}:1: ${phrasings(engine[0])}`);
  return [
    ...aims(set, engine[0]),
    ahead(
      set,
      engine,
      BASELINES.map((name) => scores.get(name) ?? []),
    ),
  ];
}

const cells = (score: Score | undefined): string[] =>
  score === undefined ? ['', ''] : [percent(score.keys, score.asked), percent(score.evidence, score.asked)];

function phrasings(score: Score | undefined): string {
  const all = [...(score?.byPhrasing ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  return all
    .map(([name, one]) => `${name} ${percent(one.keys, one.asked)} / ${percent(one.evidence, one.asked)}`)
    .join(', ');
}

function aims({ name, aim }: ProbeSet, score: Score | undefined): Row[] {
  if (aim === undefined || score === undefined) return [];
  const row = (what: string, kept: number, least: number): Row => ({
    name: `${name}: ${what} survival at ${AIMED}:1`,
    value: percent(kept, score.asked),
    target: `≥ ${100 * least} %`,
    ok: kept >= least * score.asked,
  });
  return [row('key', score.keys, aim.keys), row('evidence', score.evidence, aim.evidence)];
}

/** Whether the engine keeps more keys and more evidence than each baseline at each ratio; shows its smallest lead. */
function ahead({ name }: ProbeSet, engine: readonly (Score | undefined)[], others: (Score | undefined)[][]): Row {
  const leads = others.flatMap((row) =>
    row.flatMap((other, at) => {
      const own = engine[at];
      if (own === undefined || other === undefined) return [];
      return [own.keys / own.asked - other.keys / other.asked, own.evidence / own.asked - other.evidence / other.asked];
    }),
  );
  const least = 100 * Math.min(...leads);
  return {
    name: `${name}: ahead of every baseline`,
    value: `by ≥ ${least.toFixed(1)} points`,
    target: '> 0',
    ok: least > 0,
  };
}
