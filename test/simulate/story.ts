import type { Fact, RecordedMessage, Transcript } from '../../emulator/simulate/index.ts';
import { Random } from '../../emulator/simulate/random.ts';

const NOUNS = 'harbour, ledger, orchard, engine, window, valley, signal, garden, pocket, bridge, lantern, parcel'.split(
  ', ',
);
const VERBS = 'keeps, moves, hides, opens, follows, repairs, counts, paints'.split(', ');

/** Prose that says a fact in each second round: a code and an owner, whose words stand together nowhere else. */
export function story(rounds: number): Transcript & { facts: Fact[] } {
  const random = new Random(7);
  const facts: Fact[] = [];
  const sentence = () =>
    `The ${random.pick(NOUNS)} of the ${random.pick(NOUNS)} ${random.pick(VERBS)} the ${random.pick(NOUNS)} ${random.below(99)} times.`;
  const messages = Array.from({ length: rounds }, (_, round): RecordedMessage[] => {
    const lines = Array.from({ length: 100 }, sentence);
    if (round % 2 === 0) {
      const [code, owner] = [`Q${1_000 + random.below(9_000)}X${round}`, `Owner${round}`];
      facts.push({ question: `What is the code of ${owner}?`, words: [code, owner] });
      const wait = 'at the counter of the harbour, after a long wait on a cold morning of that very month,';
      lines.splice(random.below(100), 0, `The code that ${owner} was given ${wait} is ${code}.`);
    } else {
      // The same words far apart say nothing.
      const [code = '', owner = ''] = facts.at(-1)?.words ?? [];
      lines.unshift(`${owner} called.`);
      lines.splice(12, 0, `Somebody said ${code}.`);
    }
    return [
      { role: 'user', content: lines.join(' '), at: round * 20_000 },
      { role: 'assistant', content: `Noted, ${round}: ${sentence()}`, at: round * 20_000 },
    ];
  });
  return { name: 'story', messages: messages.flat(), facts };
}
