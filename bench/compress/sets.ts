import type { ChatMessage } from '../../contract/messages.ts';
import { contentText } from '../../contract/messages.ts';
import { jsonMembers } from '../../emulator/engines/compression/json-members.ts';
import { Random } from '../../emulator/simulate/random.ts';
import { hanFacts, latinFacts, type PlantedFact } from './facts.ts';
import type { Case } from './measure.ts';
import { otherFacts } from './other-facts.ts';
import { intoCode, intoDialogue, intoProse, onOwnLine, type Probe, plant } from './plant.ts';
import { dialogues, logs, novel, sources } from './windows.ts';

/** Windows of one kind, with facts to ask for. */
export interface ProbeSet {
  readonly name: string;
  readonly cases: Case[];
  /** What is aimed at for keys and evidence at 4:1, where anything is. */
  readonly aim?: { readonly keys: number; readonly evidence: number };
}

const AIM = { keys: 0.95, evidence: 0.85 };

/** All sets whose data is present; another seed plants other facts in other places. */
export function probeSets(seed: number): ProbeSet[] {
  const random = new Random(seed);
  const sets: ProbeSet[] = [];
  const talks = dialogues();
  if (talks !== undefined) {
    sets.push({ name: 'dialogues, one a window', aim: AIM, cases: eachWindow(talks, 2, random) });
    sets.push({ name: 'dialogues, in other words', cases: otherWords(talks, seed) });
    const fives = Array.from({ length: talks.length / 5 }, (_, at) => talks.slice(at * 5, at * 5 + 5).flat());
    sets.push({ name: 'dialogues, 5 in a window', aim: AIM, cases: eachWindow(fives, 10, random) });
    sets.push({
      name: 'dialogues, 80 in a window',
      aim: AIM,
      cases: [plant(talks.flat(), mixedFacts(120, seed), intoDialogue, random)],
    });
    sets.push({ name: 'dialogues, their own facts', cases: talks.map(ownFacts) });
  }
  const pages = novel();
  if (pages !== undefined)
    sets.push({ name: 'Chinese novel', cases: [plant(pages, hanFacts(100, seed), intoProse, random)] });
  sets.push({ name: 'source code', cases: [plant(sources(400_000), latinFacts(100, seed), intoCode, random)] });
  sets.push({ name: 'logs with rare errors', cases: [rareErrors(logs(4_000, seed), random)] });
  return sets;
}

function mixedFacts(count: number, seed: number): PlantedFact[] {
  const latin = latinFacts(count / 2, seed);
  return hanFacts(count / 2, seed).flatMap((fact, at) => [fact, latin[at] ?? fact]);
}

function eachWindow(windows: readonly ChatMessage[][], facts: number, random: Random): Case[] {
  const all = random.shuffled(mixedFacts(facts * windows.length, random.below(2 ** 31)));
  return windows.map((window, at) => plant(window, all.slice(at * facts, (at + 1) * facts), intoDialogue, random));
}

/** Two facts a window that the engine's weights were not chosen on. */
function otherWords(windows: readonly ChatMessage[][], seed: number): Case[] {
  const random = new Random(seed);
  const all = otherFacts(2 * windows.length, seed);
  return windows.map((window, at) => plant(window, all.slice(at * 2, at * 2 + 2), intoDialogue, random));
}

/** Facts that stand in a dialogue already: members of tool results whose key has one value in the whole of it. */
function ownFacts(messages: ChatMessage[]): Case {
  const found = new Map<string, Set<string>>();
  const depth = new Map<string, number>();
  for (const [at, message] of messages.entries()) {
    if (message.role !== 'tool') continue;
    for (const member of jsonMembers(contentText(message.content))) {
      if (member?.kind !== 'member' || member.value.length < 3) continue;
      const { key, value } = member;
      found.set(key, (found.get(key) ?? new Set()).add(value));
      depth.set(key, at / messages.length);
    }
  }
  const probes: Probe[] = [];
  for (const [key, values] of found) {
    const [value] = values;
    const name = key.replace(/[._]/g, ' ');
    if (values.size !== 1 || value === undefined || /\d{4}/.test(key)) continue;
    const last = key.split('.').at(-1) ?? key;
    probes.push({
      question: `What is the ${name}?`,
      value,
      evidence: `${last}: ${value}`,
      phrasing: 'own',
      depth: depth.get(key) ?? 0,
    });
  }
  return { messages, probes };
}

const PARTS = [
  'invoice export',
  'token refresh',
  'image resize',
  'ledger sync',
  'mail relay',
  'geo lookup',
  'tax rounding',
  'pdf render',
];
const CAUSES = ['certificate expired', 'quota used up', 'checksum mismatch', 'lock never released', 'disk nearly full'];

function rareErrors(window: readonly ChatMessage[], random: Random): Case {
  const messages = window.map((message) => ({ ...message }));
  const probes: Probe[] = [];
  const names = PARTS.flatMap((part) => ['primary', 'standby', 'nightly', 'canary'].map((kind) => `${kind} ${part}`));
  for (const [number, name] of names.entries()) {
    const at = Math.floor(((number + random.next()) / names.length) * messages.length);
    const message = messages[at];
    if (message === undefined) continue;
    const text = contentText(message.content);
    const code = `${random.pick(['E', 'ORA', 'SVC'])}-${1_000 + random.below(9_000)}`;
    const cause = random.pick(CAUSES);
    const isError = number % 4 !== 3;
    const time = text.slice(0, 24);
    const line = isError
      ? `${time} ERROR ${name} failed: ${cause} code=${code}`
      : `${time} INFO ${name} now runs with release=${code}`;
    message.content = onOwnLine(text, line, random);
    const question = `What happened to the ${name}?`;
    probes.push({
      question,
      value: code,
      evidence: line,
      phrasing: isError ? 'error' : 'notice',
      depth: at / messages.length,
    });
  }
  return { messages, probes };
}
