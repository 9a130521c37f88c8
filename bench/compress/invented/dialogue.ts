import type { ChatMessage } from '../../../contract/messages.ts';
import { Random } from '../../../emulator/simulate/random.ts';

/** A fact of an invented dialogue: who says it in which sentence, and the words of its answer. */
interface InventedFact {
  readonly by: 'user' | 'assistant';
  readonly sentence: string;
  readonly words: readonly string[];
}

/** What a dialogue is made of. `{a|b}` in a text is one of its parts; `{thing}` one of `things`. */
export interface Script {
  readonly name: string;
  /** One a line: `u`, or `a` for the assistant, the sentence, and in brackets at its end the words of the answer. */
  readonly facts: string;
  readonly things: readonly string[];
  readonly asked: readonly string[];
  readonly advised: readonly string[];
  /** What follows the name of a list item. */
  readonly items: readonly string[];
  readonly closings: readonly string[];
  /** Between two sentences. */
  readonly space: string;
  /** What tools were asked and returned between two turns. */
  readonly work?: readonly (readonly ChatMessage[])[];
}

interface InventedDialogue {
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  readonly facts: readonly InventedFact[];
}

const TURNS_A_FACT = 4;
const LISTS = 0.35;

/**
 * The dialogue that a script and a seed give: facts, at most `most`, in a random order, in passing, between much that tells
 * nothing.
 */
export function invent(script: Script, seed: number, most = Number.POSITIVE_INFINITY): InventedDialogue {
  const random = new Random(seed);
  const facts = random.shuffled(readFacts(script.facts)).slice(0, most);
  const messages: ChatMessage[] = [];
  const turns = facts.length * TURNS_A_FACT;
  const due = new Map(facts.map((fact, at) => [at * TURNS_A_FACT + random.below(TURNS_A_FACT), fact]));
  for (let turn = 0; turn < turns; turn++) {
    const fact = due.get(turn);
    const told = (by: InventedFact['by']) => (fact?.by === by ? [fact.sentence] : []);
    const asked = some(script.asked, 1 + random.below(2), script, random);
    messages.push({ role: 'user', content: amid(told('user'), asked, random).join(script.space) });
    if (script.work !== undefined) messages.push(...(script.work[turn % script.work.length] ?? []));
    messages.push({ role: 'assistant', content: answer(told('assistant'), script, random) });
  }
  return { name: script.name, messages, facts };
}

function answer(told: readonly string[], script: Script, random: Random): string {
  const advised = amid(told, some(script.advised, 2 + random.below(5), script, random), random).join(script.space);
  const items = random.next() < LISTS ? some(script.items, 3 + random.below(3), script, random) : [];
  const list = items.map((item, at) => `${at + 1}. ${item}`);
  return [advised, list.join('\n'), ...some(script.closings, random.below(2), script, random)]
    .filter((part) => part !== '')
    .join('\n\n');
}

function amid(told: readonly string[], others: readonly string[], random: Random): string[] {
  const at = random.below(others.length + 1);
  return [...others.slice(0, at), ...told, ...others.slice(at)];
}

function some(texts: readonly string[], count: number, { things }: Script, random: Random): string[] {
  return random
    .shuffled(texts)
    .slice(0, count)
    .map((text) =>
      spin(
        text.replaceAll('{thing}', () => random.pick(things)),
        random,
      ),
    );
}

const spin = (text: string, random: Random): string =>
  text.replace(/\{([^{}]+)\}/g, (_, parts: string) => random.pick(parts.split('|')));

function readFacts(text: string): InventedFact[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, by, sentence = '', words = ''] = /^\s*([ua]) (.+) \[(.+)\]$/.exec(line) ?? [];
      return { by: by === 'u' ? 'user' : 'assistant', sentence, words: words.split(' + ') };
    });
}
