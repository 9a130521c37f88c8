import fc from 'fast-check';
import type { InputMessage } from '../../contract/messages.ts';
import type { SessionMessage } from '../../contract/sessions.ts';
import { called, result, sized, words } from '../support/session.ts';

/** A group as it is written, some of its messages pinned. */
function group(): fc.Arbitrary<InputMessage[]> {
  const pinned = fc.option(fc.boolean(), { nil: undefined, freq: 4 });
  const role = fc.constantFrom('user' as const, 'user' as const, 'assistant' as const, 'system' as const);
  const plain = fc
    .tuple(fc.integer({ min: 5, max: 40 }), role, pinned)
    .map(([tokens, asRole, pin]) => [withPin(sized(tokens, asRole), pin)]);
  const calls = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 30 }), pinned), { minLength: 1, maxLength: 3 })
    .map((results) => {
      const ids = results.map((_, index) => `call-${index}`);
      const answers = results.map(([tokens, pin], index) => withPin(result(ids[index] ?? '', words(tokens)), pin));
      return [called(...ids), ...answers.toReversed()];
    });
  return fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: calls });
}

function withPin(message: InputMessage, pinned: boolean | undefined): InputMessage {
  return pinned === undefined ? message : { ...message, pinned };
}

/** Windows of plain messages, tool calls with their results, and pins anywhere. */
export function windows(maxGroups = 8): fc.Arbitrary<InputMessage[]> {
  const groups = fc.array(group(), { minLength: 1, maxLength: maxGroups });
  return groups.map((list) => list.flat());
}

interface Group {
  members: SessionMessage[];
  tokens: number;
  held: boolean;
}

/** The groups of a listed window: a message, or calls with their results. */
export function groupsOf(messages: readonly SessionMessage[]): Group[] {
  const groups: Group[] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (message.role === 'tool' && last) last.members.push(message);
    else groups.push({ members: [message], tokens: 0, held: false });
  }
  for (const group of groups) {
    group.tokens = sumTokens(group.members);
    group.held = group.members.some((member) => member.pinned);
  }
  return groups;
}

export function sumTokens(messages: readonly { tokens: number }[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** What truncate keeps by the letter of the contract, where the newest group fits; otherwise nothing. */
export function keptGroups(groups: readonly Group[], budget: number): Group[] | undefined {
  for (let first = 0; first < groups.length; first += 1) {
    const kept = groups.filter((group, place) => group.held || place >= first);
    if (sumTokens(kept) <= budget) return kept;
  }
  return undefined;
}
