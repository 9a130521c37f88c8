import { type ChatMessage, contentText } from '../../contract/messages.ts';
import type { Tokenizer } from '../../emulator/engines/tokens/tokenizer.ts';
import { standTogether } from '../../emulator/simulate/facts.ts';
import { Random } from '../../emulator/simulate/random.ts';
import { printTable } from '../table.ts';
import { asText, BASELINES, baseline } from './baselines.ts';
import { compressed, tokensOf } from './measure.ts';
import { readFacts } from './read-facts.ts';
import { percent, table } from './table.ts';
import { longDialogue } from './windows.ts';

interface Variation {
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  /** The words of each answer. */
  readonly answers: readonly (readonly string[])[];
  /** Roles do not tell who speaks: no target. */
  readonly hidesRoles?: boolean;
}

const RATIOS = { 4: 0.85, 8: 0.78 } as const;

/**
 * Prints what stands together of facts of the long dialogue after it was changed: in another order, in other letters, cut into
 * other messages, shorter. No weight may depend on one order, language or length.
 */
export async function reportVariations(tokenizer: Tokenizer, seed: number): Promise<void> {
  const data = longDialogue();
  if (data === undefined) {
    console.warn('SKIPPED: the long dialogue is absent');
    return;
  }
  const facts = [
    ...data.facts.map(({ keywords, message_start }) => ({ at: message_start, words: keywords })),
    ...readFacts(),
  ];
  const rows: string[][] = [];
  const worst = { 4: 1, 8: 1 };
  for (const { name, messages, answers, hidesRoles } of variations(data.messages, facts, tokenizer)) {
    const share = (text: string) => answers.filter((words) => standTogether(text, words)).length / answers.length;
    const whole = share(messages.map(asText).join('\n'));
    const row = [name, String(answers.length), percent(whole, 1)];
    for (const ratio of [4, 8] as const) {
      const own = share(await compressed(messages, ratio, tokenizer));
      const maxTokens = Math.floor(tokensOf(messages, tokenizer) / ratio);
      const others: number[] = [];
      for (const kind of BASELINES) others.push(share(await baseline(kind, messages, maxTokens, tokenizer, seed)));
      row.push(percent(own, 1), percent(Math.max(...others), 1), (own / whole).toFixed(2));
      if (hidesRoles !== true) worst[ratio] = Math.min(worst[ratio], own / whole);
    }
    rows.push(row);
  }
  console.log(
    `\n### Variations of the long dialogue: ${facts.length} facts, of which ${readFacts().length} were read out of it\n`,
  );
  const head = ['variation', 'facts', 'whole'];
  for (const ratio of ['4:1', '8:1']) head.push(`compress ${ratio}`, 'best baseline', 'of the whole');
  console.log(table(head, rows));
  printTable(
    'Verdicts',
    ([4, 8] as const).map((ratio) => ({
      name: `worst variation at ${ratio}:1, of the whole`,
      value: worst[ratio],
      target: `≥ ${RATIOS[ratio]}`,
      ok: worst[ratio] >= RATIOS[ratio],
    })),
  );
}

type Facts = readonly { readonly at: number; readonly words: readonly string[] }[];

function* variations(messages: readonly ChatMessage[], facts: Facts, tokenizer: Tokenizer): Generator<Variation> {
  const answers = facts.map(({ words }) => words);
  const changed = (name: string, change: (text: string) => string): Variation => ({
    name,
    messages: messages.map((message) => ({ ...message, content: change(contentText(message.content)) })),
    answers: answers.map((words) => words.map(change)),
  });
  const blocks = inBlocks(messages, 18);
  yield { name: 'as it is', messages, answers };
  for (const seed of [5, 6])
    yield { name: `blocks in random order, ${seed}`, messages: new Random(seed).shuffled(blocks).flat(), answers };
  yield { name: 'newest block first', messages: [...blocks].reverse().flat(), answers };
  yield changed('lower case', (text) => text.toLowerCase());
  yield changed('words of no language', (text) =>
    inLetters(text, 'uoiaebcdfghjklmnpqrstvwxyz', 'iaueocrtnspdlmvkfgbjhqzxyw'),
  );
  yield changed('Cyrillic letters', (text) =>
    inLetters(text, 'abcdefghijklmnopqrstuvwxyz', 'абцдефгхийклмнопярстувжызщ'),
  );
  yield { ...changed('one line a message', (text) => text.replace(/\s+/g, ' ')), answers };
  yield { ...changed('no marks of lists', (text) => text.replace(/\*\*|^#+ |^\s*(?:[-*]|\d+\.) /gm, '')), answers };
  yield { name: 'a message a paragraph', messages: split(messages, /\n{2,}/), answers };
  yield { name: 'a message a line', messages: split(messages, /\n+/), answers };
  for (const [name, roles] of ROLES) yield { name, messages: messages.map(roles), answers, hidesRoles: true };
  yield { name: 'four turns a message', messages: pasted(messages), answers, hidesRoles: true };
  for (const [size, starts] of [
    [40, [0, 0.3, 0.55, 0.75]],
    [80, [0, 0.25, 0.5]],
    [120, [0, 0.3]],
  ] as const)
    for (const start of starts) yield stretch(messages, facts, start, size * 1_000, tokenizer);
}

const ROLES: readonly [string, (message: ChatMessage) => ChatMessage][] = [
  ['every message a user’s', (message) => ({ ...message, role: 'user' })],
  ['roles exchanged', (message) => ({ ...message, role: message.role === 'user' ? 'assistant' : 'user' })],
];

/** Four turns to a message, as a transcript is pasted. */
function pasted(messages: readonly ChatMessage[]): ChatMessage[] {
  const found: ChatMessage[] = [];
  for (let at = 0; at < messages.length; at += 4) {
    const turns = messages.slice(at, at + 4).map(({ role, content }) => `${role}: ${contentText(content)}`);
    found.push({ role: 'user', content: turns.join('\n\n') });
  }
  return found;
}

/** Blocks of about `size` messages that begin with a user's. */
function inBlocks(messages: readonly ChatMessage[], size: number): ChatMessage[][] {
  const blocks: ChatMessage[][] = [];
  for (const message of messages) {
    const last = blocks.at(-1);
    if (last === undefined || (last.length >= size && message.role === 'user')) blocks.push([message]);
    else last.push(message);
  }
  return blocks;
}

function inLetters(text: string, from: string, to: string): string {
  return text.replace(/[a-z]/gi, (letter) => {
    const other = to[from.indexOf(letter.toLowerCase())] ?? letter;
    return letter === letter.toLowerCase() ? other : other.toUpperCase();
  });
}

function split(messages: readonly ChatMessage[], border: RegExp): ChatMessage[] {
  return messages.flatMap((message) =>
    contentText(message.content)
      .split(border)
      .filter((part) => part.trim() !== '')
      .map((content) => ({ ...message, content })),
  );
}

/** So many tokens from `start` on, with the facts that are said there. */
function stretch(
  messages: readonly ChatMessage[],
  facts: Facts,
  start: number,
  tokens: number,
  tokenizer: Tokenizer,
): Variation {
  const first = Math.floor(start * messages.length);
  let end = first;
  for (let sum = 0; sum < tokens && end < messages.length; end++) {
    const message = messages[end];
    if (message !== undefined) sum += tokensOf([message], tokenizer);
  }
  // A fact's messages reach a little further than where it begins.
  const said = facts.filter(({ at }) => at >= first && at < end - 6);
  const name = `${tokens / 1_000}K tokens from ${Math.round(100 * start)} %`;
  return { name, messages: messages.slice(first, end), answers: said.map(({ words }) => words) };
}
