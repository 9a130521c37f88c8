import { join } from 'node:path';
import { startServer } from './processes.ts';
import { type Asked, Clients, compare, inTurn, ROUNDS_TEXT, type Subject } from './rounds.ts';
import { printTable, type Row } from './table.ts';

const CLIENTS = 8;
const CLI = join('dist', 'emulator', 'cli', 'main.js');
const FLAGS = ['--json', '--port', '0', '--memory', '--tokenizer', 'o200k_base'];
const MODEL = 'kimi-k2-0905-preview';
const PROSE = 'The agent has read the report and lists what is left to do, one thing a line. '.repeat(8).slice(0, 480);
const MIXED = '会议记录：第三季度的预算已经通过；other teams will hear of it on Monday, and reply by Friday at 17:00. '
  .repeat(8)
  .slice(0, 480);
const TOOLS = Array.from({ length: 8 }, (_, index) => ({
  type: 'function',
  function: {
    name: `tool_${index}`,
    description: 'Does one thing that an agent needs.',
    parameters: { type: 'object', properties: { path: { type: 'string' }, line: { type: 'integer' } } },
  },
}));
const BERTH = [
  { role: 'system', content: 'The berth of the Ada is B-14.' },
  { role: 'user', content: 'What is the berth of the Ada?' },
];

/**
 * Chats by throughput and processor time: against aimock with equal text, against the least that Node needs for the same bytes, and,
 * where a folder with another built checkout of this project is the argument, against that. Then turns in a session.
 */
const [other] = process.argv.slice(2);
const clients = new Clients(CLIENTS);
const chat = (text: string, more: object = {}): Asked => ({
  path: '/v1/chat/completions',
  body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: `Reply with only: ${text}` }], ...more }),
});
const emulator = await startServer([CLI, ...FLAGS]);
const before = other === undefined ? undefined : await startServer([join(other, CLI), ...FLAGS]);
const rows: Row[] = [];
const TARGETS = { least: 1.25, most: 0.8 };

/** A program that serves an emulator with another size of chunks, which is an option of the API only. */
const inChunksOf = (size: number): string => `
  import { createEmulator } from './dist/emulator/index.js';
  const emulator = createEmulator({ streamChunkSize: ${size}, tokenizer: 'o200k_base' });
  const { port } = await emulator.listen();
  console.log(JSON.stringify({ port }));`;

async function againstMock(name: string, text: string, more: object, targets: object, size = 16): Promise<void> {
  const own = size === 16 ? emulator : await startServer(['--input-type=module', '-e', inChunksOf(size)]);
  const aimock = await startServer(['bench/rivals/aimock.mjs', text, String(size)]);
  const floor = await startServer(['bench/rivals/floor.mjs', text]);
  const make = () => chat(text, more);
  const subjects: Record<string, Subject> = {
    emulator: { server: own, make },
    aimock: { server: aimock, make },
    floor: { server: floor, make },
    ...(before && { before: { server: before, make } }),
  };
  const seen = await inTurn(clients, subjects);
  rows.push(...compare(`${name}, × aimock`, [seen('emulator'), seen('aimock')], targets));
  const [floorTime] = compare(`${name}, × the least in Node`, [seen('emulator'), seen('floor')]);
  const [mockTime] = compare(`${name}: aimock, × the least in Node`, [seen('aimock'), seen('floor')]);
  rows.push(...[floorTime, mockTime].filter((row) => row !== undefined));
  if (before) rows.push(...compare(`${name}, × ${other}`, [seen('emulator'), seen('before')]));
  await Promise.all([aimock, floor, ...(own === emulator ? [] : [own])].map((server) => server.stop()));
}

await againstMock('plain', PROSE, {}, TARGETS);
await againstMock('33 events streamed', PROSE, { stream: true }, TARGETS);
await againstMock('plain, a second text', MIXED, {}, {});
await againstMock('streamed, chunks of 64', PROSE, { stream: true }, {}, 64);
await againstMock('plain, eight tools', PROSE, { tools: TOOLS }, {});
await againstMock('plain, n: 2', PROSE, { n: 2 }, {});

if (before) {
  const make = () => ({ path: '/v1/chat/completions', body: JSON.stringify({ model: MODEL, messages: BERTH }) });
  const seen = await inTurn(clients, { now: { server: emulator, make }, before: { server: before, make } });
  rows.push(...compare(`a question of kimi-k2-0905, × ${other}`, [seen('now'), seen('before')], { most: 1.03 }));
}

/** A session for each client, with a window of about so many tokens; each turn is cut back to the same snapshot between rounds. */
async function windows(tokens: number): Promise<Subject> {
  const post = async (path: string, body: object) =>
    JSON.parse(await clients.ask(emulator.port, { path, body: JSON.stringify(body) })) as { id: string };
  const sessions = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const { id } = await post('/v1/sessions', {});
      // Appended in parts, as one message may hold no more.
      for (let left = tokens; left > 0; left -= 4_000) {
        await post(`/v1/sessions/${id}/messages`, { role: 'user', content: 'a '.repeat(Math.min(left, 4_000) - 8) });
      }
      const snapshot = await post(`/v1/sessions/${id}/snapshots`, {});
      return { id, snapshot: snapshot.id };
    }),
  );
  const turns = sessions.map(({ id }) => chat('Noted.', { session_id: id, max_tokens: 8 }));
  return {
    server: emulator,
    make: (client) => turns[client] ?? chat('Noted.'),
    before: async () => {
      for (const { id, snapshot } of sessions) await post(`/v1/sessions/${id}/rollback`, { snapshot_id: snapshot });
    },
  };
}
/** So few that the turns of a round do not fill a window. */
const TURNS = 400;
const short = await inTurn(
  clients,
  {
    stateless: { server: emulator, make: () => chat('Noted.', { max_tokens: 8 }) },
    small: await windows(4_000),
    large: await windows(240_000),
  },
  TURNS,
);
rows.push(
  ...compare('session turn, 4K window, × stateless', [short('small'), short('stateless')], { most: 1.6 }),
  ...compare('session turn, 240K window, × 4K', [short('large'), short('small')], { most: 3 }),
);
clients.close();
await Promise.all([emulator, before].map((server) => server?.stop()));
printTable(`chats, ${CLIENTS} clients, ${ROUNDS_TEXT}`, rows);
if (rows.some(({ ok }) => ok === false)) process.exitCode = 1;
