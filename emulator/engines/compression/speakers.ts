import type { Role } from '../../../contract/messages.ts';
import type { Passage, Section } from './candidates.ts';
import { isPleasantry } from './sentence-features.ts';

/** A longer message is a document rather than a turn. */
export const TURN_CHARS = 2_000;
/** An assistant's longer message explains: what it advises, nobody has demanded or decided. */
const REMARK_CHARS = 200;

const ROLE_WEIGHT: Readonly<Record<Role, number>> = { system: 1.3, user: 1.3, assistant: 1.05, tool: 1 };
/** What the weight of a user's turn gains each time the window doubles, from the length at which all weigh alike. */
const USER_WEIGHT_A_DOUBLING = 0.7;
const EQUAL_CHARS = 10_000;
const MOST_USER_WEIGHT = 6;
/** What a user asks is worth less than what a user tells. */
const ASKED = 0.6;
/** What a document demands or decides, it need not demand of this conversation. */
const CUED: ReadonlySet<Section> = new Set<Section>(['constraints', 'decisions', 'open']);
const CUED_IN_DOCUMENT = 0.7;
/** What is said in a turn is said to be known, whatever words it is in; a document holds much that is not. */
const TURN_SALIENCE = 0.25;
/** Thanks and greetings come when nothing else is left. */
const PLEASANTRY_WEIGHT = 0.25;

/**
 * The weight of a user's turns in a window of `chars` characters. In a short window all is recent; in a long one a user's
 * words are few, nobody else can say them again, and they are worth several times their length.
 */
export function userWeightIn(chars: number): number {
  const doublings = Math.max(0, Math.log2(chars / EQUAL_CHARS));
  return Math.min(MOST_USER_WEIGHT, ROLE_WEIGHT.user + USER_WEIGHT_A_DOUBLING * doublings);
}

/** The message that a passage stands in. */
interface Speech {
  readonly role: Role;
  /** The length of the message. */
  readonly chars: number;
  readonly userWeight: number;
}

/** Weighs a passage by who said it, and whether in a turn or in a document. */
export function weigh(passage: Passage, { role, chars, userWeight }: Speech): void {
  const isDocument = chars > TURN_CHARS;
  const isUserTurn = role === 'user' && !isDocument;
  passage.document = role === 'tool' || (isDocument && role !== 'assistant');
  passage.weight *= isUserTurn ? userWeight : ROLE_WEIGHT[role];
  if (isPleasantry(passage.text)) passage.weight *= PLEASANTRY_WEIGHT;
  if (isDocument && CUED.has(passage.section)) passage.weight *= CUED_IN_DOCUMENT;
  if (!isDocument && !passage.log) passage.salience = TURN_SALIENCE + (1 - TURN_SALIENCE) * passage.salience;
  const explains = role === 'assistant' && chars > REMARK_CHARS;
  if (explains && (CUED.has(passage.section) || passage.section === 'facts')) passage.section = 'notes';
  if (isUserTurn && passage.asks) passage.weight *= ASKED;
  passage.asks &&= isUserTurn;
}

/** The role of whoever a summary's line names; a result of a call is a tool's. */
export function roleOf(speaker: string): Role {
  if (speaker === 'user' || speaker === 'system' || speaker === 'assistant') return speaker;
  return speaker === '' || isCall(speaker) ? 'assistant' : 'tool';
}

export const isCall = (speaker: string): boolean => speaker.endsWith('()');
