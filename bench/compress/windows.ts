import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChatMessage } from '../../contract/messages.ts';
import { Random } from '../../emulator/simulate/random.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DATA = join(ROOT, '..', 'shared', 'data');

/** Tool-using dialogues without their system prompt, which a compress keeps; undefined where the data is absent. */
export function dialogues(): ChatMessage[][] | undefined {
  const file = join(DATA, 'tau-airline.jsonl');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { messages: ChatMessage[] }).messages.slice(1));
}

/** A question about a dialogue, and the words of its answer. */
export interface SaidFact {
  readonly question: string;
  readonly keywords: readonly string[];
  /** The messages that it was said in, from … to. */
  readonly message_start: number;
  readonly message_end: number;
}

/** A chat of 805 messages with facts said in passing, none of them ours; undefined where the data is absent. */
export function longDialogue(): { messages: ChatMessage[]; facts: SaidFact[] } | undefined {
  const file = join(DATA, 'long-dialogue.json');
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as { messages: ChatMessage[]; facts: SaidFact[] };
}

/** A Chinese novel, handed over in pages; undefined where the data is absent. */
export function novel(): ChatMessage[] | undefined {
  const file = join(DATA, 'story-of-the-stone.txt');
  if (!existsSync(file)) return undefined;
  return pages(readFileSync(file, 'utf8'), 4_000).map((content) => ({ role: 'user', content }));
}

const PACKAGES = ['hono/dist', 'zod/v4/core', 'zod/v4/classic', 'openai/resources'];

/** Source code of installed packages, as a tool that reads files would return it. */
export function sources(characters: number): ChatMessage[] {
  const messages: ChatMessage[] = [];
  let sum = 0;
  for (const folder of PACKAGES) {
    const root = join(ROOT, 'node_modules', folder);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:js|mjs)$/.test(name) && !name.includes('cjs/'))
      .sort();
    for (const name of files) {
      const content = readFileSync(join(root, name), 'utf8');
      if (content.length < 400 || content.length > 24_000) continue;
      if (sum + content.length > characters) return messages;
      sum += content.length;
      const id = `call_${messages.length}`;
      const call = {
        id,
        type: 'function' as const,
        function: { name: 'read_file', arguments: JSON.stringify({ path: `${folder}/${name}` }) },
      };
      messages.push(
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: id, content },
      );
    }
  }
  return messages;
}

const ROUTES = ['/v1/orders', '/v1/users', '/v1/carts', '/health', '/v1/search'];
const USERS = ['alice', 'bo', 'chen', 'dara', 'emeka', 'farid', 'grete', 'hiro', 'ines', 'jun'];

/** Log lines of a service, handed over in chunks of 100 lines. */
export function logs(lines: number, seed: number): ChatMessage[] {
  const random = new Random(seed);
  const written = Array.from(
    { length: lines },
    (_, at) => `${new Date(1_795_000_000_000 + at * 1_700).toISOString()} ${logLine(random)}`,
  );
  const messages: ChatMessage[] = [];
  for (let at = 0; at < written.length; at += 100) {
    messages.push({ role: 'user', content: written.slice(at, at + 100).join('\n') });
  }
  return messages;
}

function logLine(random: Random): string {
  const n = random.below(20);
  if (n < 10)
    return `INFO http[${random.below(8)}] GET ${random.pick(ROUTES)}/${random.below(99_999)} 200 ${random.below(900)}ms`;
  if (n < 14)
    return `INFO auth user ${random.pick(USERS)} logged in from 10.${random.below(255)}.${random.below(255)}.7`;
  if (n < 17)
    return `DEBUG cache shard=${random.below(4)} evicted ${random.below(5_000)} keys in ${random.below(90)}ms`;
  if (n < 19)
    return `INFO worker-${random.below(6)} job ${random.below(1_000_000)} finished queue=${random.pick(['mail', 'thumbs', 'billing'])}`;
  return `WARN db slow query took ${200 + random.below(3_000)}ms on replica-${random.below(3)}`;
}

/** The text in pieces of about `size` characters that end at a line's end. */
function pages(text: string, size: number): string[] {
  const found: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start + size);
    const stop = end === -1 ? text.length : end;
    found.push(text.slice(start, stop).trim());
    start = stop;
  }
  return found.filter((page) => page !== '');
}
