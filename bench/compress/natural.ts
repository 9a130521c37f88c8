import { type ChatMessage, contentText } from '../../contract/messages.ts';
import { sentences } from '../../emulator/engines/text/sentences.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { standTogether } from '../../emulator/simulate/facts.ts';
import { Random } from '../../emulator/simulate/random.ts';
import { printTable, type Row } from '../table.ts';
import { asText, BASELINES, baseline } from './baselines.ts';
import { COMMANDS, withCommands } from './commands.ts';
import { reportInvented } from './invented.ts';
import { ask, compressed, inRounds, tokensOf } from './measure.ts';
import { type Check, oracle } from './oracle.ts';
import { RULE_SETS, spliceRules } from './rules.ts';
import { percent, table } from './table.ts';
import { usedAfter, usedLater } from './used-later.ts';
import { dialogues, longDialogue, type SaidFact, sources } from './windows.ts';

/** Of what the whole window has. */
const AIMS = { '4:1': 0.85, '8:1': 0.78, '3 × 2:1': 0.8 };
const LEAD = 0.08;
const USED_AIM = 0.9;

/**
 * Prints what survives of text that nobody here wrote, for each half of the facts too. The halves show how much a figure
 * varies; neither is unseen: weights were chosen on words drawn from the same dialogues, with both halves in sight.
 */
export async function reportNatural(tokenizer: Tokenizer, seed: number): Promise<void> {
  const verdicts = [
    ...(await reportDialogue(tokenizer, seed)),
    ...(await reportUsedValues(tokenizer)),
    ...(await reportRules(tokenizer, seed)),
    ...(await reportCommands(tokenizer)),
    ...(await reportInvented(tokenizer, seed)),
  ];
  printTable('Verdicts', verdicts);
}

async function reportDialogue(tokenizer: Tokenizer, seed: number): Promise<Row[]> {
  const data = longDialogue();
  if (data === undefined) return skipped('the long dialogue');
  const { messages, facts } = data;
  const whole = messages.map(asText).join('\n');
  const kept = new Map([['whole window', whole]]);
  for (const ratio of [4, 8]) {
    kept.set(`compress ${ratio}:1`, await compressed(messages, ratio, tokenizer));
    const maxTokens = Math.floor(tokensOf(messages, tokenizer) / ratio);
    kept.set(`oracle ${ratio}:1`, await oracle(messages, facts.map(isIn), maxTokens, tokenizer));
    for (const kind of BASELINES)
      kept.set(`${kind} ${ratio}:1`, await baseline(kind, messages, maxTokens, tokenizer, seed));
  }
  kept.set('compress 3 × 2:1', await inRounds(messages, 3, tokenizer));
  const halves = [facts.filter((_, at) => at % 2 === 0), facts.filter((_, at) => at % 2 === 1)];
  const share = (text: string, some: readonly SaidFact[]) =>
    some.filter(({ keywords }) => standTogether(text, keywords)).length / some.length;
  const shown = (value: number) => percent(value, 1);
  console.log(`\n### Long dialogue: ${facts.length} facts that were said in passing, ${messages.length} messages\n`);
  console.log('`together`: every word of the answer within 300 characters. `evidence`: the sentence that says it.\n');
  const evidence = facts.flatMap((fact) => evidenceOf(messages, fact) ?? []);
  console.log(
    table(
      ['kept by', 'together', 'first half', 'second half', 'evidence'],
      [...kept].map(([name, text]) => [
        name,
        ...[facts, ...halves].map((some) => shown(share(text, some))),
        percent(evidence.filter((sentence) => plain(text).includes(sentence)).length, evidence.length),
      ]),
    ),
  );
  const answered = await Promise.all(
    facts.map(async ({ question, keywords }) => standTogether(await ask(messages, question), keywords)),
  );
  console.log(
    `\nThe lookup model answers ${percent(answered.filter(Boolean).length, facts.length)} from the whole window.`,
  );
  const all = share(whole, facts);
  const aims = Object.entries(AIMS).map(([name, least]) => {
    const value = share(kept.get(`compress ${name}`) ?? '', facts);
    return verdict(`long dialogue, ${name}`, value, least * all);
  });
  const best = Math.max(...BASELINES.map((kind) => share(kept.get(`${kind} 4:1`) ?? '', facts)));
  const lead = share(kept.get('compress 4:1') ?? '', facts) - best;
  return [...aims, verdict('long dialogue, 4:1, ahead of every baseline by', lead, LEAD)];
}

const isIn =
  ({ keywords }: SaidFact): Check =>
  (text) =>
    standTogether(text, keywords);

/** The first sentence of the fact's messages that holds all its words. */
function evidenceOf(messages: readonly ChatMessage[], fact: SaidFact): string | undefined {
  for (const { content } of messages.slice(fact.message_start, fact.message_end + 1)) {
    const text = contentText(content);
    for (const { start, end } of sentences(text)) {
      const sentence = text.slice(start, end);
      if (fact.keywords.every((word) => sentence.toLowerCase().includes(word.toLowerCase()))) return plain(sentence);
    }
  }
  return undefined;
}

const plain = (text: string): string =>
  text
    .replace(/\*\*|^[-*+] /g, '')
    .replace(/\s+/g, ' ')
    .trim();

async function reportUsedValues(tokenizer: Tokenizer): Promise<Row[]> {
  const talks = dialogues();
  if (talks === undefined) return skipped('the tool dialogues');
  const fives = Array.from({ length: talks.length / 5 }, (_, at) => talks.slice(at * 5, at * 5 + 5).flat());
  console.log('\n### Tool dialogues: values that a later call used, 4:1\n');
  const rows: string[][] = [];
  const verdicts: Row[] = [];
  for (const [name, windows] of [
    ['one a window', talks],
    ['5 in a window', fives],
  ] as const) {
    const halves = [0, 1].map((odd) => windows.filter((_, at) => at % 2 === odd));
    const counts = await Promise.all([windows, ...halves].map((some) => countUsed(some, tokenizer)));
    const best = counts[0] ?? { kept: 0, known: 0, all: 0 };
    rows.push([
      name,
      ...counts.map(({ kept, all }) => percent(kept, all)),
      percent(best.known, best.all),
      String(best.all),
    ]);
    verdicts.push(verdict(`tool dialogues, ${name}, 4:1`, best.kept / best.all, USED_AIM));
  }
  console.log(table(['windows', 'kept', 'first half', 'second half', 'oracle', 'values'], rows));
  let kept = 0;
  let all = 0;
  for (const messages of talks) {
    const first = messages.slice(0, Math.ceil(messages.length / 2));
    const text = await compressed(first, 4, tokenizer);
    const checks = usedAfter(first, messages.slice(first.length));
    kept += checks.filter((stands) => stands(text)).length;
    all += checks.length;
  }
  console.log(
    `\nOf what calls of the second half took from the first, compressed alone: ${percent(kept, all)} of ${all}.`,
  );
  return verdicts;
}

async function countUsed(
  windows: readonly ChatMessage[][],
  tokenizer: Tokenizer,
): Promise<{ kept: number; known: number; all: number }> {
  let kept = 0;
  let known = 0;
  let all = 0;
  for (const messages of windows) {
    const text = await compressed(messages, 4, tokenizer);
    const checks = usedLater(messages);
    const best = await oracle(messages, checks, Math.floor(tokensOf(messages, tokenizer) / 4), tokenizer);
    for (const stands of checks) {
      all++;
      if (stands(text)) kept++;
      if (stands(best)) known++;
    }
  }
  return { kept, known, all };
}

async function reportRules(tokenizer: Tokenizer, seed: number): Promise<Row[]> {
  const windows: [string, ChatMessage[]][] = [
    ['the long dialogue', longDialogue()?.messages ?? []],
    ['20 tool dialogues', dialogues()?.slice(0, 20).flat() ?? []],
    ['source code', sources(200_000).flatMap((message, at) => (at % 2 === 1 ? [message] : [next(at), message]))],
  ];
  const present = windows.filter(([, messages]) => messages.length > 0);
  const verdicts: Row[] = [];
  for (const [kind, set] of Object.entries(RULE_SETS)) {
    console.log(
      `\n### ${set.length} ${kind}, nine languages, spliced into what a user says: lost, and in Constraints\n`,
    );
    const rows: string[][] = [];
    const lost = new Map<number, number>();
    for (const [name, window] of present) {
      const row = [name];
      for (const ratio of [4, 8]) {
        const { messages, rules } = spliceRules(window, set, new Random(seed));
        const text = await compressed(messages, ratio, tokenizer);
        const section = /^## Constraints\n((?:- .*\n?)*)/m.exec(text)?.[1] ?? '';
        const gone = rules.filter((rule) => !text.includes(rule)).length;
        row.push(String(gone), String(rules.filter((rule) => section.includes(rule)).length));
        lost.set(ratio, (lost.get(ratio) ?? 0) + gone);
      }
      rows.push(row);
    }
    console.log(table(['spliced into', '4:1 lost', 'in Constraints', '8:1 lost', 'in Constraints'], rows));
    for (const [ratio, most] of [
      [4, 0],
      [8, 4],
    ] as const) {
      const value = lost.get(ratio) ?? 0;
      const name = `${kind}: lost at ${ratio}:1, of ${present.length * set.length}`;
      verdicts.push({ name, value, target: `≤ ${most}`, ok: value <= most });
    }
  }
  return verdicts;
}

const next = (at: number): ChatMessage => ({
  role: 'user',
  content: `Go on with the next file, number ${at / 2 + 1}.`,
});

async function reportCommands(tokenizer: Tokenizer): Promise<Row[]> {
  const messages = withCommands(sources(400_000));
  const text = await compressed(messages, 8, tokenizer);
  const lines = text.split('\n').filter((line) => line.startsWith('- bash() '));
  const kept = COMMANDS.filter((command) => lines.some((line) => line.includes(command))).length;
  return [
    { name: `commands word for word at 8:1, of ${COMMANDS.length}`, value: kept, target: '≥ 15', ok: kept >= 15 },
  ];
}

const verdict = (name: string, value: number, least: number): Row => ({
  name,
  value: percent(value, 1),
  target: `≥ ${(100 * least).toFixed(1)} %`,
  ok: value >= least,
});

function skipped(what: string): Row[] {
  console.warn(`SKIPPED: ${what} is absent`);
  return [];
}
