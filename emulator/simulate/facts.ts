import { type ChatMessage, contentText } from '../../contract/messages.ts';
import { sliceIsOver, yieldToEventLoop } from '../engines/scheduler.ts';
import { facts as keyValues } from '../engines/text/facts.ts';
import { Random } from './random.ts';
import type { RecallFigures } from './result.ts';
import { type Dialogue, type Fact, type Round, textOf } from './transcript.ts';

/** Words of one answer stand together within this many characters. */
const TOGETHER_CHARS = 300;

/** A fact, and where in a dialogue it is said. */
export interface SaidFact extends Fact {
  readonly kind: 'planted' | 'natural';
  /** The round after which it can be asked for. */
  readonly round: number;
  /** 0 at the beginning of the dialogue, 1 at its end. */
  readonly depth: number;
}

/** Whether all words stand in one stretch of 300 characters, in any order and case. */
export function standTogether(text: string, words: readonly string[]): boolean {
  return together(
    text.toLowerCase(),
    words.map((word) => word.toLowerCase()),
  );
}

/** The same of what is in lower case already: goes through the places of all words once, with the newest place of each. */
function together(lower: string, words: readonly string[]): boolean {
  if (words.some((word) => !lower.includes(word))) return false;
  if (words.length === 1) return true;
  const places = words.flatMap((word, index) => placesOf(lower, word).map((start) => ({ start, index })));
  const newest = words.map(() => Number.NEGATIVE_INFINITY);
  return places
    .sort((one, other) => one.start - other.start)
    .some(({ start, index }) => {
      newest[index] = start;
      const end = Math.max(...newest.map((from, word) => from + (words[word]?.length ?? 0)));
      return end - Math.min(...newest) <= TOGETHER_CHARS;
    });
}

function placesOf(text: string, word: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) places.push(at);
  return places;
}

const OWNERS =
  'Lisbon office, Tanaka account, night shift, loading dock, pilot group, harbour clinic, archive team'.split(', ');
const THINGS =
  'locker code, warranty reference, vendor contact, parking permit, backup region, customs broker, audit number, hotline, insurer, shelf mark'.split(
    ', ',
  );
const NAMES = ['Marta', 'Ravi', 'Ingrid', 'Tomasz', 'Yuki', 'Amina'];
const FORMS: readonly ((name: string, value: string) => string)[] = [
  (name, value) => `The ${name} is ${value}.`,
  (name, value) => `${name}: ${value}`,
  (name, value) => `They gave me ${value} when I called about the ${name} yesterday.`,
];

/** Characters of a dialogue for each fact that is planted: more of them would be most of what is said. */
const LEAST_BETWEEN = 2_000;

/**
 * Puts facts at even depths into what the model is told, each on a line of its own: fewer than asked for into a short dialogue. No
 * two have a word of their answers in common, and none stands in the dialogue before.
 */
export function plantFacts(dialogue: Dialogue, most: number, seed: number): { dialogue: Dialogue; facts: SaidFact[] } {
  const random = new Random(seed);
  const names = random.shuffled(THINGS.flatMap((thing) => OWNERS.map((owner) => `${thing} of the ${owner}`)));
  const inputs = dialogue.rounds.map(({ input }) => input.map((message) => ({ ...message })));
  const places = inputs.flatMap((input, round) => input.filter(takesLine).map((message) => ({ message, round })));
  const sizes = places.map(({ message }) => contentText(message.content).length);
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  const count = Math.min(most, Math.floor(whole / LEAST_BETWEEN));
  const facts: SaidFact[] = [];
  for (let number = 0; number < count; number += 1) {
    const depth = (number + 0.5) / count;
    const place = places[placeAt(sizes, depth * whole)];
    const name = names[number % names.length] ?? '';
    const value = `${random.pick(NAMES)}-${letters(random)}-${1_000 + random.below(9_000)} ${letters(random)}${number}`;
    if (!place) break;
    place.message.content = withLine(contentText(place.message.content), random.pick(FORMS)(name, value), random);
    facts.push({
      question: `What is the ${name}?`,
      words: value.split(' '),
      kind: 'planted',
      round: place.round,
      depth,
    });
  }
  const rounds = dialogue.rounds.map((round, at): Round => ({ ...round, input: inputs[at] ?? [] }));
  return { dialogue: { ...dialogue, rounds }, facts };
}

/** Not into JSON, which a line more would break. */
function takesLine({ role, content }: ChatMessage): boolean {
  return role !== 'assistant' && !/^\s*[[{]/.test(contentText(content));
}

function placeAt(sizes: readonly number[], wanted: number): number {
  let sum = 0;
  const found = sizes.findIndex((size) => {
    sum += size;
    return sum > wanted;
  });
  return found === -1 ? sizes.length - 1 : found;
}

function withLine(text: string, line: string, random: Random): string {
  const lines = text.split('\n');
  lines.splice(random.below(lines.length + 1), 0, line);
  return lines.join('\n');
}

function letters(random: Random): string {
  return Array.from({ length: 4 }, () => String.fromCharCode(65 + random.below(26))).join('');
}

const LONGEST_VALUE = 60;
const SHORTEST_VALUE = 4;
const MOST_WORDS = 6;
/** Candidates that are looked for in the whole dialogue, and characters that are read for that. */
const MOST_TRIED = 300;
const MOST_READ = 5e8;
/** A value that says something by itself: a number of three digits at least, or several words, one of them with a capital or a digit. */
const TELLING = /\d{3}|\d[^\d\s]\d|[A-Z0-9]\S* \S|\S [A-Z0-9]/;

/**
 * Facts that the dialogue itself says once, as `key: value`, and in no other message: what is said again would stand in the window
 * without having been kept.
 */
export async function naturalFacts(dialogue: Dialogue, count: number, seed: number): Promise<SaidFact[]> {
  const said = dialogue.rounds.flatMap(({ input, answer }, round) =>
    [...input, answer].map((message) => ({ message, round })),
  );
  const texts = said.map(({ message }) => textOf(message).toLowerCase());
  const candidates: { key: string; value: string; round: number; place: number }[] = [];
  for (const [place, { message, round }] of said.entries()) {
    if (sliceIsOver()) await yieldToEventLoop();
    if (message.role === 'assistant') continue;
    const found = keyValues(contentText(message.content)).filter(isTelling);
    candidates.push(...found.map(({ key, value }) => ({ key, value, round, place })));
  }
  const random = new Random(seed + 1);
  const characters = texts.reduce((sum, text) => sum + text.length, 1);
  const tried = random.shuffled(candidates).slice(0, Math.min(MOST_TRIED, Math.ceil(MOST_READ / characters)));
  const once = new Map<string, (typeof tried)[number]>();
  for (const candidate of tried) {
    if (sliceIsOver()) await yieldToEventLoop();
    const words = wordsOf(candidate.value.toLowerCase());
    if (texts.every((text, at) => together(text, words) === (at === candidate.place)))
      once.set(candidate.value, candidate);
  }
  const chosen = [...once.values()].slice(0, count).sort((a, b) => a.place - b.place);
  return chosen.map(({ key, value, round, place }) => ({
    question: `What is ${key}?`,
    words: wordsOf(value),
    kind: 'natural',
    round,
    depth: place / said.length,
  }));
}

function wordsOf(value: string): string[] {
  return value.split(/\s+/).filter((word) => word !== '');
}

function isTelling({ value }: { value: string }): boolean {
  const length = value.length >= SHORTEST_VALUE && value.length <= LONGEST_VALUE;
  return length && wordsOf(value).length <= MOST_WORDS && TELLING.test(value);
}

/** The given facts, where the dialogue says them first. Those that it does not say are left out. */
export function findFacts(dialogue: Dialogue, facts: readonly Fact[]): SaidFact[] {
  const said = dialogue.rounds.map(({ input, answer }) =>
    [...input, answer].map((message) => textOf(message).toLowerCase()),
  );
  return facts.flatMap((fact): SaidFact[] => {
    const words = fact.words.map((word) => word.toLowerCase());
    const round = said.findIndex((texts) => texts.some((text) => together(text, words)));
    return round === -1 ? [] : [{ ...fact, kind: 'natural', round, depth: round / said.length }];
  });
}

/** Characters of texts that are remembered. */
const MOST_REMEMBERED = 16 * 2 ** 20;

/** Which facts stand in a text. Remembers texts, because the same messages stand in every window. */
export class FactFinder {
  readonly facts: readonly SaidFact[];
  readonly #words: readonly (readonly string[])[];
  readonly #known = new Map<string, readonly number[]>();
  #remembered = 0;

  constructor(facts: readonly SaidFact[]) {
    this.facts = facts;
    this.#words = facts.map(({ words }) => words.map((word) => word.toLowerCase()));
  }

  /** Indices of the facts whose words all stand together in the text. */
  find(text: string): readonly number[] {
    const known = this.#known.get(text);
    if (known) return known;
    const lower = text.toLowerCase();
    const found = this.#words.flatMap((words, index) => (together(lower, words) ? [index] : []));
    this.#remembered += text.length;
    if (this.#remembered > MOST_REMEMBERED) {
      this.#known.clear();
      this.#remembered = text.length;
    }
    this.#known.set(text, found);
    return found;
  }
}

/** Which facts stand in a window that changes, round by round. */
export class WindowFacts {
  readonly #finder: FactFinder;
  readonly #counts: Uint32Array;
  /** Of each kind and round: facts that had been said, and those of them that stood in the window. */
  readonly said = { planted: [] as number[], natural: [] as number[] };
  readonly known = { planted: [] as number[], natural: [] as number[] };

  constructor(finder: FactFinder) {
    this.#finder = finder;
    this.#counts = new Uint32Array(finder.facts.length);
  }

  add(messages: readonly ChatMessage[]): void {
    for (const message of messages) {
      for (const index of this.#finder.find(textOf(message))) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    }
  }

  replace(messages: readonly ChatMessage[]): void {
    this.#counts.fill(0);
    this.add(messages);
  }

  /** Notes what stands in the window behind a round. @param round from 0 */
  endRound(round: number): void {
    const said = { planted: 0, natural: 0 };
    const known = { planted: 0, natural: 0 };
    for (const [index, fact] of this.#finder.facts.entries()) {
      if (fact.round > round) continue;
      said[fact.kind] += 1;
      if ((this.#counts[index] ?? 0) > 0) known[fact.kind] += 1;
    }
    for (const kind of ['planted', 'natural'] as const) {
      this.said[kind].push(said[kind]);
      this.known[kind].push(known[kind]);
    }
  }

  recall(kind: SaidFact['kind']): RecallFigures {
    const sum = (column: readonly number[]) => column.reduce((total, count) => total + count, 0);
    const [said, known] = [this.said[kind], this.known[kind]];
    const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);
    return {
      facts: said.at(-1) ?? 0,
      mean: share(sum(known), sum(said)),
      end: share(known.at(-1) ?? 0, said.at(-1) ?? 0),
    };
  }
}
