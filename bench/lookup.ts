import { existsSync, readFileSync } from 'node:fs';
import type { ChatMessage } from '../contract/messages.ts';
import type { ModelRequest } from '../emulator/models/model.ts';
import { lookupModel } from '../emulator/models/scriptable.ts';

/*
 * What the default model takes to its first delta on a full window, and how long it holds the event loop meanwhile, beside
 * reading the same messages from JSON, which any server must do first. Run: npx tsx bench/lookup.ts
 */
const RUNS = 15;
const data = new URL('../../shared/data/', import.meta.url);

function readData(name: string): string | undefined {
  const file = new URL(name, data);
  if (existsSync(file)) return readFileSync(file, 'utf8');
  console.warn(`${name} is absent: its rows are left out`);
  return undefined;
}

function dialogueWindow(jsonl: string, units: number): ChatMessage[] {
  const messages: ChatMessage[] = [];
  let size = 0;
  for (const line of jsonl.split('\n')) {
    if (line === '' || size > units) continue;
    const dialogue: { messages: ChatMessage[] } = JSON.parse(line);
    for (const message of dialogue.messages) {
      messages.push(message);
      size += JSON.stringify(message).length;
    }
  }
  return messages;
}

const user = (content: string): ChatMessage => ({ role: 'user', content });
const chunks = (text: string, units: number): string[] => text.match(new RegExp(`[\\s\\S]{1,${units}}`, 'g')) ?? [];

interface Case {
  name: string;
  messages: ChatMessage[];
}

function cases(): Case[] {
  const found: Case[] = [];
  const add = (name: string, context: ChatMessage[], question: string): void => {
    found.push({ name, messages: [...context, user(question)] });
  };
  const jsonl = readData('tau-airline.jsonl');
  if (jsonl !== undefined) {
    const window = dialogueWindow(jsonl, 1_000_000);
    add('dialogues, fact at the head', [user('The vault code is 7391.'), ...window], 'What is the vault code?');
    add('dialogues, no such fact', window, 'What is the colour of the unicorn?');
    add('dialogues, sentence', window, 'Which passengers must fly the same flights in the same cabin?');
    add(
      'dialogues, common words',
      window,
      'What are the flight number, the user id, the date and the price of the reservation in economy?',
    );
  }
  const novel = readData('story-of-the-stone.txt');
  if (novel !== undefined) {
    const pages = chunks(novel, 800).map(user);
    add('novel, fact at the head', [user('金库的密码是7391。'), ...pages], '金库的密码是多少？');
    add('novel, sentence', pages, '贾雨村和甄士隐在什么地方相遇？');
  }
  const words = 'The quick brown fox jumps over the lazy dog near the river bank at dawn';
  add(
    '50,000 tiny messages',
    Array.from({ length: 50_000 }, (_, index) => user(`note ${index}: fine`)),
    'What is the vault code?',
  );
  add('one line of 1 MB', [user(`${words} `.repeat(14_000))], 'Where does the brown fox jump at dawn?');
  add('1 MB of "k: k: "', [user('k: '.repeat(350_000))], 'What is the k?');
  add('1 MB of "code is "', [user('code is '.repeat(125_000))], 'What is the vault code?');
  add('1 MB of one letter', [user('a'.repeat(1_000_000))], 'What is the vault code?');
  add('1 MB of `":`', [user('"code":'.repeat(140_000))], 'What is the vault code?');
  return found;
}

const requestOf = (messages: ChatMessage[]): ModelRequest => ({
  model: 'kimi-k2-0905-preview',
  messages,
  tools: [],
  partial: false,
  toolChoice: 'auto',
  responseFormat: { type: 'text' },
  maxTokens: 1024,
  temperature: 0.6,
  signal: new AbortController().signal,
});

/** Longest time between two turns of the event loop while the work runs, in milliseconds. */
async function longestHold(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let running = true;
  let last = performance.now();
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  longest = Math.max(longest, performance.now() - last);
  running = false;
  return longest;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

async function firstDelta(request: ModelRequest): Promise<number> {
  const start = performance.now();
  for await (const _ of lookupModel().complete(request)) break;
  return performance.now() - start;
}

function parseTime(json: string): number {
  const start = performance.now();
  JSON.parse(json);
  return performance.now() - start;
}

const rows: Record<string, Record<string, string>> = {};
for (const { name, messages } of cases()) {
  const json = JSON.stringify(messages);
  const cold = await firstDelta(requestOf(JSON.parse(json)));
  const times: number[] = [];
  const holds: number[] = [];
  const parses: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    // Parsed anew each time: strings as a server gets them.
    parses.push(parseTime(json));
    const request = requestOf(JSON.parse(json));
    holds.push(await longestHold(async () => void times.push(await firstDelta(request))));
  }
  rows[name] = {
    'MB of JSON': (json.length / 1e6).toFixed(2),
    messages: String(messages.length),
    'first ms': cold.toFixed(1),
    'median ms': median(times).toFixed(1),
    'longest hold ms': Math.max(...holds).toFixed(1),
    '× JSON.parse': (median(times) / median(parses)).toFixed(1),
  };
}
console.table(rows);
