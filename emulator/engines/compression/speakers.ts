import type { Role } from '../../../contract/messages.ts';
import type { Passage, Section } from './candidates.ts';
import { isBrief } from './sentence-features.ts';

/** A longer message is a document rather than a turn. */
export const TURN_CHARS = 2_000;
/** An assistant's longer message explains: what it advises, nobody has demanded or decided. */
const REMARK_CHARS = 200;

const ROLE_WEIGHT: Readonly<Record<Role, number>> = { system: 1.3, user: 1.3, assistant: 1.05, tool: 1 };
/** What few words gain in weight each time the window doubles, from the length at which all weigh alike. */
const WEIGHT_A_DOUBLING = 0.7;
const ITEM_WEIGHT_A_DOUBLING = 0.1;
/** What users say may take this share of a summary before it weighs less beside what tools returned. */
const USER_SHARE = 0.35;
const CROWDING_FACTOR = 4;
const EQUAL_CHARS = 10_000;
/** A user's messages up to so many times as long are counted as one voice with a message. */
const ALIKE = 3;
/** The shares of all that is said at which a voice says little, and at which it does not. */
const FEW_SHARE = 0.25;
const MUCH_SHARE = 0.5;
/** Where nobody called a tool, as if the window were doubled so often; less by so many times the tools' share. */
const LEAST_DOUBLINGS = 1.5;
const TOOL_FACTOR = 8;
const MOST_WEIGHT = 6;
/** What a user asks is worth less than what a user tells. */
const ASKED = 0.6;
/** A question that gives a number tells something. */
const TOLD = 0.5;
/** What a document demands or decides, it need not demand of this conversation. */
const CUED: ReadonlySet<Section> = new Set<Section>(['constraints', 'decisions', 'open']);
const CUED_IN_DOCUMENT = 0.7;
/** What is said in a turn is said to be known, whatever words it is in; a document holds much that is not. */
const TURN_SALIENCE = 0.25;
/** A few words on their own: thanks, a greeting. They come when nothing else is left. */
const BRIEF_WEIGHT = 0.25;

/** What a window holds, in characters, and about how many tokens its users' turns take. */
export interface WindowSize {
  readonly chars: number;
  /** Of tools' results and of calls. */
  readonly toolChars: number;
  readonly userTokens: number;
  /** The lengths of what users and assistants say. */
  readonly spoken: Readonly<Record<'user' | 'assistant', number[]>>;
}

/** Weights that depend on the window. */
export interface WindowWeights {
  /** Of a message of so many characters. */
  said(role: Role, chars: number): number;
  /** Of a line of an earlier summary, which no longer tells how much its speaker said. */
  kept(role: Role): number;
  /** Of the names of list items, and of items that are a name alone. */
  readonly item: number;
}

/**
 * In a short window all is recent and weighs alike; in a long one the words of whoever says little, mostly the user, are worth
 * several times their length: nobody else can say them again. A user's brief messages count apart from long ones, in case roles do
 * not tell who speaks. Where tools answered, users' words must not take the room of the answers.
 */
export function weightsIn({ chars, toolChars, userTokens, spoken }: WindowSize, maxTokens: number): WindowWeights {
  const toolShare = toolChars / Math.max(1, chars);
  const doublings = Math.max(LEAST_DOUBLINGS * (1 - TOOL_FACTOR * toolShare), Math.log2(chars / EQUAL_CHARS), 0);
  const crowding = toolShare * Math.max(0, Math.log2(userTokens / (USER_SHARE * maxTokens)));
  const gain = (WEIGHT_A_DOUBLING * doublings) / (1 + CROWDING_FACTOR * crowding);
  const user = runningSums(spoken.user);
  const all = Math.max(1, sumOf(spoken.user) + sumOf(spoken.assistant));
  const weight = (role: Role, scarcity: number) => Math.min(MOST_WEIGHT, ROLE_WEIGHT[role] + gain * scarcity);
  const assistant = weight('assistant', scarcityOf(sumOf(spoken.assistant) / all));
  return {
    said: (role, chars) => {
      if (role === 'user') return weight(role, scarcityOf(sumUpTo(user, ALIKE * chars) / all));
      return role === 'assistant' ? assistant : ROLE_WEIGHT[role];
    },
    kept: (role) => weight(role, role === 'user' ? 1 : 0),
    item: 1 + ITEM_WEIGHT_A_DOUBLING * doublings * (1 - toolShare),
  };
}

const sumOf = (lengths: readonly number[]): number => lengths.reduce((sum, length) => sum + length, 0);

interface RunningSums {
  /** In rising order. */
  readonly lengths: readonly number[];
  /** The sum of the lengths up to each. */
  readonly sums: readonly number[];
}

function runningSums(unsorted: readonly number[]): RunningSums {
  const lengths = [...unsorted].sort((one, other) => one - other);
  let sum = 0;
  return { lengths, sums: lengths.map((length) => (sum += length)) };
}

/** The sum of all lengths up to `most`. */
function sumUpTo({ lengths, sums }: RunningSums, most: number): number {
  let low = 0;
  let high = lengths.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lengths[middle] ?? 0) <= most) low = middle + 1;
    else high = middle;
  }
  return sums[low - 1] ?? 0;
}

/** 1 of words that are few among all that is said, 0 where they are half of it. */
function scarcityOf(share: number): number {
  return Math.min(1, Math.max(0, (MUCH_SHARE - share) / (MUCH_SHARE - FEW_SHARE)));
}

/** The message that a passage stands in. */
interface Speech {
  readonly role: Role;
  /** The length of the message. */
  readonly chars: number;
  readonly weights: WindowWeights;
  /** A question came before, and stands with it. */
  readonly answers: boolean;
  /** It stands in an earlier summary. */
  readonly kept?: boolean;
}

/** Weighs a passage by who said it, and whether in a turn or in a document. */
export function weigh(passage: Passage, { role, chars, weights, answers, kept }: Speech): void {
  const isDocument = chars > TURN_CHARS;
  const isUserTurn = role === 'user' && !isDocument;
  passage.document = role === 'tool' || (isDocument && role !== 'assistant');
  if (role === 'user' && isDocument) passage.weight *= ROLE_WEIGHT.user;
  else passage.weight *= kept === true ? weights.kept(role) : weights.said(role, chars);
  if (passage.names && role === 'assistant') passage.weight *= weights.item;
  if (!answers && !passage.names && isBrief(passage.text)) passage.weight *= BRIEF_WEIGHT;
  if (isUserTurn && passage.asks && passage.salience < TOLD) passage.weight *= ASKED;
  if (isDocument && CUED.has(passage.section)) passage.weight *= CUED_IN_DOCUMENT;
  if (!isDocument && !passage.log) passage.salience = TURN_SALIENCE + (1 - TURN_SALIENCE) * passage.salience;
  const explains = role === 'assistant' && chars > REMARK_CHARS;
  if (explains && (CUED.has(passage.section) || passage.section === 'facts')) passage.section = 'notes';
  passage.asks &&= isUserTurn;
}

/** The role of whoever a summary's line names; a result of a call is a tool's. */
export function roleOf(speaker: string): Role {
  if (speaker === 'user' || speaker === 'system' || speaker === 'assistant') return speaker;
  return speaker === '' || isCall(speaker) ? 'assistant' : 'tool';
}

export const isCall = (speaker: string): boolean => speaker.endsWith('()');
