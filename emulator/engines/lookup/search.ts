import { type FoundSentence, SentenceSearch } from './best-sentence.ts';
import { blocksFromEnd, type Document } from './documents.ts';
import { KeyMatcher } from './key-matcher.ts';
import { roleOf } from './key-role.ts';
import { Lexicon } from './lexicon.ts';
import { type NamedFact, NamedFactSearch } from './named-fact.ts';
import type { Pace } from './pace.ts';
import { type Findings, scan } from './scan.ts';
import { words } from './words.ts';

/** What the context says about a question. */
export interface Evidence {
  /** The text of the answer. */
  answer: string;
  /** The fact whose value it is; absent where the answer is a sentence. */
  fact?: NamedFact;
}

/** Visits every block of the documents, newest first, until the visitor returns true. Gives way to the event loop. */
export async function visitBlocks(
  documents: Iterable<Document>,
  lexicon: Lexicon,
  pace: Pace,
  visit: (document: Document, findings: Findings, units: number) => boolean,
): Promise<void> {
  for (const document of documents) {
    for (const { from, to } of blocksFromEnd(document.text)) {
      if (visit(document, scan(document.text, from, to, lexicon), to - from)) return;
      if (pace.due) await pace.rest();
    }
  }
}

/** The latest value of the longest key that the question names, or else the sentence that fits best, if any does. */
export async function findEvidence(
  documents: Iterable<Document>,
  question: string,
  pace: Pace,
): Promise<Evidence | undefined> {
  const matcher = KeyMatcher.forQuestion(question);
  const facts = new NamedFactSearch(matcher, question);
  const sentences = new SentenceSearch(question);
  const lexicon = new Lexicon();
  sentences.addTo(lexicon);
  matcher.addTo(lexicon);
  const weight = words(question).reduce((sum, word) => sum + word.weight, 0);

  await visitBlocks(documents, lexicon, pace, (document, findings, units) => {
    if (document.facts) facts.offer(document, findings.separators);
    sentences.offer(document, findings, units);
    return facts.isSettled(weight);
  });

  const fact = facts.best;
  if (fact !== undefined && (fact.weight > COMMON_WEIGHT || facts.isSettled(weight)))
    return { answer: fact.value, fact };
  const sentence = sentences.best();
  if (fact !== undefined && !(sentence && outdoes(sentence, fact, question))) return { answer: fact.value, fact };
  return sentence && { answer: sentence.text };
}

/**
 * Keys of one word (`name`, `status`) are often met in records about other things. So where the question is not simply for
 * that key, a sentence that has more of the question answers: most of it where the key is only mentioned ("Where did he hide
 * the lantern?"), nearly all where it is asked for but narrowed down ("the name of the goose that guards the gate").
 */
function outdoes(sentence: FoundSentence, fact: NamedFact, question: string): boolean {
  const role = roleOf(fact.key, question);
  if (role === 'asked') return false;
  return role === 'mentioned' ? sentence.terms >= 3 : sentence.terms >= 4 && sentence.coverage >= 0.8;
}

const COMMON_WEIGHT = 1;
