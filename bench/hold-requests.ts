import { createEmulator } from '../emulator/index.ts';

const HEADERS = { Authorization: 'Bearer sk-bench', 'Content-Type': 'application/json' };
const K2 = 'kimi-k2.6';
/** As many as fit a window of 262,144 tokens. */
const WORDS = 52_000;
const WORDS_A_WRITE = 2_000;

type Work = () => Promise<unknown>;
const MOST_MS = 50;
/** What JSON.parse takes of an object with so many members, which nothing can cut. */
const PARSING_MS = 150;

/** Requests whose work grows with the number of things in them, not with their length. */
export async function manyThings(): Promise<{ rows: [name: string, most: number, work: Work][]; close: Work }> {
  const emulator = createEmulator({ limits: { append_tokens: 262_144 } });
  /** A request whose body is written before, and whose answer is not parsed: what the client does is not counted. */
  const request = (method: string, path: string, body?: object): (() => Promise<Response>) => {
    const init = { method, headers: HEADERS, ...(body && { body: JSON.stringify(body) }) };
    return async () => {
      const response = await emulator.fetch(`${emulator.baseURL}${path}`, init);
      return new Response(await response.arrayBuffer());
    };
  };
  const send = async (path: string, body: object) => (await request('POST', path, body)()).json();
  const user = (content: string) => ({ role: 'user', content });
  const pairs = (count: number, value: unknown) =>
    Object.fromEntries(Array.from({ length: count }, (_, place) => [`field_${place}`, value]));
  const properties = pairs(8, { type: 'string', description: 'one of its parameters '.repeat(3) });
  const tools = Array.from({ length: 60 }, (_, place) => ({
    type: 'function',
    function: {
      name: `tool_${place}`,
      description: 'does things '.repeat(16),
      parameters: { type: 'object', properties },
    },
  }));
  for (let made = 0; made < 99; made += 1) await send('/sessions', { model: K2, tools });
  const { id } = (await send('/sessions', { model: K2 })) as { id: string };
  for (let written = 0; written < WORDS; written += WORDS_A_WRITE) {
    const messages = Array.from({ length: WORDS_A_WRITE }, (_, place) => user(`w${place % 10}`));
    await send(`/sessions/${id}/messages`, { messages });
  }
  const chat = { model: K2, messages: [user('What is w1?')] };
  const journal = createEmulator();
  const base = journal.baseURL.replace(/\/v1$/, '');
  // Keys that begin alike, in texts full of their beginning.
  for (let asked = 0; asked < 1_000; asked += 1) {
    const headers = { ...HEADERS, Authorization: `Bearer ${'wxyz'.repeat(3 + asked / 2)}Z` };
    const body = JSON.stringify(user('wxyz '.repeat(1_600)));
    await (await journal.fetch(`${base}/v1/sessions/none/messages`, { method: 'POST', headers, body })).text();
  }
  return {
    rows: [
      [
        'a journal of 1,000 requests with 1,000 keys, 8 MB',
        MOST_MS,
        async () => (await journal.fetch(`${base}/_emulator/journal`)).arrayBuffer(),
      ],
      ['a list of 100 sessions, 99 with 60 tools', MOST_MS, request('GET', '/sessions?limit=100')],
      ['90,000 unknown fields', PARSING_MS, request('POST', '/chat/completions', { ...chat, ...pairs(90_000, 1) })],
      [
        '45,000 pairs of metadata',
        PARSING_MS,
        request('POST', '/sessions', { metadata: pairs(45_000, 'x'.repeat(50)) }),
      ],
      [
        `${WORDS} messages of one word: a turn`,
        MOST_MS,
        request('POST', '/chat/completions', { ...chat, session_id: id }),
      ],
      [
        `${WORDS} messages of one word: compress`,
        MOST_MS,
        request('POST', `/sessions/${id}/compress`, { dry_run: true }),
      ],
    ],
    close: async () => {
      await Promise.all([emulator.close(), journal.close()]);
    },
  };
}
