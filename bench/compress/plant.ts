import type { ChatMessage } from '../../contract/messages.ts';
import { contentText } from '../../contract/messages.ts';
import type { Random } from '../../emulator/simulate/random.ts';
import { PHRASINGS, type Phrasing, type PlantedFact, phrase } from './facts.ts';

/** What a summary is asked for, and what it should still hold. */
export interface Probe {
  readonly question: string;
  readonly value: string;
  /** The whole sentence, line or `key: value` that tells it. */
  readonly evidence: string;
  readonly phrasing: string;
  /** 0 at the beginning of the window, 1 at its end. */
  readonly depth: number;
}

interface Planted {
  readonly messages: ChatMessage[];
  readonly probes: Probe[];
}

/** Puts `sentence` into a text; undefined where the text cannot take it. */
type Inserter = (text: string, sentence: string, phrasing: Phrasing, random: Random) => string | undefined;

/** Spreads facts evenly over a window, each phrasing in turn, each in the nearest message that can take it. */
export function plant(
  window: readonly ChatMessage[],
  facts: readonly PlantedFact[],
  insert: Inserter,
  random: Random,
): Planted {
  const messages = window.map((message) => ({ ...message }));
  const probes: Probe[] = [];
  const offset = random.below(PHRASINGS.length);
  for (const [number, fact] of facts.entries()) {
    const phrasing = PHRASINGS[(number + offset) % PHRASINGS.length] ?? 'colon';
    const sentence = phrase(fact, phrasing, random);
    const wanted = Math.floor(((number + random.next()) / facts.length) * messages.length);
    const at = nearest(messages, wanted, (text) => insert(text, sentence, phrasing, random));
    if (at === undefined) continue;
    const { question, value } = fact;
    probes.push({ question, value, evidence: sentence, phrasing, depth: at / messages.length });
  }
  return { messages, probes };
}

function nearest(
  messages: ChatMessage[],
  wanted: number,
  change: (text: string) => string | undefined,
): number | undefined {
  for (let distance = 0; distance < messages.length; distance++) {
    for (const at of distance === 0 ? [wanted] : [wanted - distance, wanted + distance]) {
      const message = messages[at];
      const text = contentText(message?.content);
      const changed = message === undefined || text === '' ? undefined : change(text);
      if (message === undefined || changed === undefined) continue;
      message.content = changed;
      return at;
    }
  }
  return undefined;
}

/** Between two sentences or lines of prose; a JSON member goes into an object of a JSON text. */
export const intoDialogue: Inserter = (text, sentence, phrasing, random) => {
  const isJson = /^\s*[[{]/.test(text);
  if (phrasing === 'json') return isJson ? intoObject(text, sentence, random) : undefined;
  return isJson || text.startsWith('Error') ? undefined : betweenSentences(text, sentence, random);
};

export const intoProse: Inserter = (text, sentence, phrasing, random) =>
  betweenSentences(text, phrasing === 'json' ? `{${sentence}}` : sentence, random);

/** On a line of its own: a constant, a member, or a comment. */
export const intoCode: Inserter = (text, sentence, phrasing, random) => {
  const line = phrasing === 'json' ? `  ${sentence},` : `// ${sentence}`;
  return onOwnLine(text, line, random);
};

function betweenSentences(text: string, sentence: string, random: Random): string {
  const borders = [...text.matchAll(/(?<=[.!?。！？]["”’]?)\s|(?<=[。！？][”’]?)(?![”’])|\n/gu)].map(
    (match) => match.index,
  );
  const at = random.pick([0, ...borders, text.length]);
  const han = /\p{Script=Han}/u.test(sentence);
  const gap = sentence.includes(' = ') || /^[\w ]+: /.test(sentence) ? '\n' : han ? '' : ' ';
  return `${text.slice(0, at)}${at === 0 ? '' : gap}${sentence}${gap}${text.slice(at)}`;
}

export function onOwnLine(text: string, line: string, random: Random): string {
  const lines = text.split('\n');
  lines.splice(random.below(lines.length + 1), 0, line);
  return lines.join('\n');
}

function intoObject(text: string, member: string, random: Random): string | undefined {
  const openings = [...text.matchAll(/\{(?=")/g)].map((match) => match.index + 1);
  if (openings.length === 0) return undefined;
  const at = random.pick(openings);
  return `${text.slice(0, at)}${member}, ${text.slice(at)}`;
}
