import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ChatCompletion } from '../../contract/chat.ts';
import type { Model, ModelRequest } from '../../emulator/index.ts';
import { openDatabase } from '../../emulator/store/database.ts';
import { fingerprint, temporaryFolder } from '../store/files.ts';
import { type Api, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { createSession, expectRefusal, O200K, tool, words } from '../support/session.ts';

const call = { id: 'look_0', type: 'function' as const, function: { name: 'look', arguments: '{"at": 1}' } };
const WINDOW = [
  { role: 'user' as const, content: 'Where is it?' },
  { role: 'assistant' as const, content: null, reasoning_content: 'Look first.', tool_calls: [call] },
  { role: 'tool' as const, tool_call_id: 'look_0', content: 'In the harbour.' },
  { role: 'assistant' as const, content: 'In the harbour.', reasoning_content: 'It says so.' },
];

/** A model that keeps what it was asked. */
function noting(): Model & { asked: ModelRequest[] } {
  const asked: ModelRequest[] = [];
  return {
    name: 'noting',
    asked,
    async *complete(request) {
      asked.push(request);
      yield { type: 'text', text: 'There.' };
    },
  };
}

/** Tokens of a window of its own that holds just these messages, for a model. */
async function countFor(api: Api, model: string, messages: object[], tools: object[]): Promise<number> {
  const { body } = await api.post<{ usage: { total_tokens: number } }>('/v1/sessions', { model, messages, tools });
  return body.usage.total_tokens;
}

describe.each(TRANSPORTS)('a session %s', (transport) => {
  it('has the window of its model, unless the limit was set', async () => {
    const windows = async (options: object) => {
      const api = await startEmulator(transport, { tokenizer: O200K, ...options });
      const models = ['kimi-k3', 'kimi-k2.6', 'kimi-k2-0905'];
      const sessions = await Promise.all(models.map((model) => createSession(api, { model })));
      const shown = await Promise.all(sessions.map((session) => session.show()));
      return shown.map(({ body }) => [body.limits.window_tokens, body.usage.remaining_tokens]);
    };
    expect(await windows({})).toEqual([
      [1_048_576, 1_048_576],
      [262_144, 262_144],
      [262_144, 262_144],
    ]);
    expect(await windows({ limits: { window_tokens: 5_000 } })).toEqual(Array(3).fill([5_000, 5_000]));
  });

  it.for([
    ['kimi-k2-0905', 'kimi-k3'],
    ['kimi-k3', 'kimi-k2.6'],
    ['kimi-k2.6', 'kimi-k2-0905'],
  ] as const)('of %s that %s answers is counted for that one from then on, and its text stays', async ([from, to]) => {
    const model = noting();
    const tools = [tool('look', 'Looks somewhere.')];
    const api = await startEmulator(transport, { tokenizer: O200K, model, limits: { min_preserve_tokens: 16 } });
    const session = await createSession(api, { model: from, messages: WINDOW, tools });
    const snapshot = (await session.snapshot()).body;
    const before = (await session.show()).body;
    const turn = await session.chat<ChatCompletion>([{ role: 'user', content: 'Sure?' }], { model: to });
    expect(turn.status, turn.text).toBe(200);
    expect(model.asked[0]?.messages.map(({ content }) => content)).toEqual([
      ...WINDOW.map(({ content }) => content),
      'Sure?',
    ]);
    const after = (await session.show()).body;
    const messages = await session.messages();
    const bodies = messages.map(({ role, content, tool_calls, tool_call_id, reasoning_content }) => {
      return { role, content, tool_calls, tool_call_id, reasoning_content };
    });
    expect(after).toMatchObject({ model: to, version: before.version + 1 });
    expect(after.usage.total_tokens).toBe(await countFor(api, to, bodies, tools));
    expect(bodies.slice(0, 4)).toMatchObject(WINDOW);
    expect(turn.body.session?.usage).toEqual(after.usage);

    await session.rollback(snapshot.id);
    expect((await session.show()).body).toMatchObject({ model: from, usage: before.usage });
  });

  it('is as before where the other model cannot hold its window', async () => {
    const api = await startEmulator(transport, { tokenizer: O200K, limits: { append_tokens: 400_000 } });
    const session = await createSession(api, {
      model: 'kimi-k3',
      messages: [{ role: 'user', content: words(270_000) }],
    });
    const before = (await session.show()).body;
    const refused = await session.chat([{ role: 'user', content: 'Hello' }], { model: 'kimi-k2.6' });
    expectRefusal(refused, 'context_window_exceeded');
    expect(refused.text).toContain('262144');
    expect((await session.show()).body).toEqual(before);
  });
});

it.each([
  [{}, 'kimi-k2-0905-preview'],
  [{ models: 'live' }, 'kimi-k3'],
  [{ models: ['kimi-k3.1-pro', 'kimi-k3'] }, 'kimi-k3'],
  [{ models: ['kimi-k2.7-code', 'kimi-k2.6'] }, 'kimi-k2.7-code'],
] as const)('a session that names no model has one that answers, with the options %j', async (options, model) => {
  const api = await startEmulator('in process', { tokenizer: O200K, ...options });
  expect((await api.post<{ model: string }>('/v1/sessions', {})).body.model).toBe(model);
});

it.each(['sessions', 'snapshots'])(
  'a database with %s of a model that is not known is refused in one line, and stays as it is',
  async (table) => {
    const folder = temporaryFolder();
    const database = join(folder, 'state.db');
    const first = await startEmulator('in process', { tokenizer: O200K, database });
    const session = await createSession(first, { model: 'kimi-k3', messages: WINDOW });
    await session.post('/snapshots', {});
    await first.emulator.close();
    const rename = (from: string, to: string) => {
      const rows = openDatabase(database);
      rows.prepare(`UPDATE ${table} SET model = ? WHERE model = ?`).run(to, from);
      rows.close();
    };
    rename('kimi-k3', 'kimi-k9');
    const before = fingerprint(folder);
    await expect(startEmulator('in process', { tokenizer: O200K, database })).rejects.toThrow(
      /^[^\n]+state\.db holds sessions of kimi-k9, a model that this kimi-emulator does not know: [^\n]+$/,
    );
    expect(fingerprint(folder)).toEqual(before);
    rename('kimi-k9', 'kimi-k3');
    const again = await startEmulator('in process', { tokenizer: O200K, database });
    expect((await again.get(session.path)).status).toBe(200);
  },
);

it('a window of kimi-k3 takes 1,048,576 tokens and not one more, and then cuts, forks and restores them', async () => {
  const limits = { append_tokens: 2_000_000 };
  const api = await startEmulator('in process', { tokenizer: O200K, limits });
  const session = await createSession(api, { model: 'kimi-k3' });
  const frame = (await session.append({ role: 'user', content: ' a' })).body.tokens - 1;
  const rest = 1_048_576 - 2 * frame - 1;
  const refused = await session.append({ role: 'user', content: words(rest + 1) });
  expectRefusal(refused, 'context_window_exceeded');
  expect(refused.text).toContain('1048576 (requested: 1048577)');
  expect((await session.append({ role: 'user', content: words(rest) })).body.usage).toMatchObject({
    total_tokens: 1_048_576,
    remaining_tokens: 0,
  });
  const { id } = (await session.snapshot({ preserve_len: 4_096 })).body;
  const forked = await createSession(api, { snapshot_id: id });
  expect((await forked.show()).body.usage.total_tokens).toBe(4_096);
  expect((await session.truncate(500_000)).body.after.total_tokens).toBe(500_000);
  await session.rollback(id, { preserve_len: 'all' });
  expect((await session.show()).body.usage).toMatchObject({ total_tokens: 1_048_576, messages: 2 });
});
