import type { Role } from '../../../contract/messages.ts';
import type { Passage, Section } from './candidates.ts';
import { isBrief } from './sentence-features.ts';

/** A longer message is a document rather than a turn. */
export const TURN_CHARS = 2_000;
/** An assistant's longer message explains: what it advises, nobody has demanded or decided. */
const REMARK_CHARS = 200;

const ROLE_WEIGHT: Readonly<Record<Role, number>> = { system: 1.3, user: 1.3, assistant: 1.05, tool: 1 };
/** What the weight of a user's turn gains each time the window doubles, from the length at which all weigh alike. */
const USER_WEIGHT_A_DOUBLING = 0.7;
const ITEM_WEIGHT_A_DOUBLING = 0.1;
/** What users say may take this share of a summary before it weighs less beside what tools returned. */
const USER_SHARE = 0.35;
const CROWDING_FACTOR = 4;
const EQUAL_CHARS = 10_000;
const MOST_USER_WEIGHT = 6;
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
}

/** Weights that depend on the window. */
export interface WindowWeights {
  /** Of a user's turns. */
  readonly user: number;
  /** Of the names of list items, and of items that are a name alone. */
  readonly item: number;
}

/**
 * In a short window all is recent and weighs alike; in a long one a user's words are few, nobody else can say them again, and
 * they are worth several times their length. Where tools answered, users' words must not take the room of the answers.
 */
export function weightsIn({ chars, toolChars, userTokens }: WindowSize, maxTokens: number): WindowWeights {
  const doublings = Math.max(0, Math.log2(chars / EQUAL_CHARS));
  const toolShare = toolChars / Math.max(1, chars);
  const crowding = toolShare * Math.max(0, Math.log2(userTokens / (USER_SHARE * maxTokens)));
  const gain = (USER_WEIGHT_A_DOUBLING * doublings) / (1 + CROWDING_FACTOR * crowding);
  return {
    user: Math.min(MOST_USER_WEIGHT, ROLE_WEIGHT.user + gain),
    item: 1 + ITEM_WEIGHT_A_DOUBLING * doublings * (1 - toolShare),
  };
}

/** The message that a passage stands in. */
interface Speech {
  readonly role: Role;
  /** The length of the message. */
  readonly chars: number;
  readonly weights: WindowWeights;
  /** A question came before, and stands with it. */
  readonly answers: boolean;
}

/** Weighs a passage by who said it, and whether in a turn or in a document. */
export function weigh(passage: Passage, { role, chars, weights, answers }: Speech): void {
  const isDocument = chars > TURN_CHARS;
  const isUserTurn = role === 'user' && !isDocument;
  passage.document = role === 'tool' || (isDocument && role !== 'assistant');
  passage.weight *= isUserTurn ? weights.user : ROLE_WEIGHT[role];
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
