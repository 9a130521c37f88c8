import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { createEmulator } from '../../emulator/index.ts';
import { temporaryFolder } from '../store/files.ts';
import { Api, MODEL, readEvents } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { createSession, O200K } from '../support/session.ts';

it('a chat that streams while the server closes is finished and stored', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const model = new HeldModel();
  const emulator = createEmulator({ database: path, model, tokenizer: O200K });
  await emulator.listen();
  const api = new Api(emulator, 'over HTTP');
  const session = await createSession(api);
  const body = { model: MODEL, session_id: session.id, stream: true, messages: [{ role: 'user', content: 'hello' }] };
  const headers = { 'Content-Type': 'application/json' };
  const turn = api.open('POST', '/v1/chat/completions', JSON.stringify(body), { headers });
  const asked = await model.asked();
  asked.say('At ');
  const response = await turn;
  const closed = emulator.close();
  asked.say('last.');
  asked.end();
  expect(readEvents(await response.text())).toMatchObject({ done: true });
  await closed;
  expect(readdirSync(dirname(path))).toEqual(['state.db']);

  const restarted = createEmulator({ database: path, tokenizer: O200K });
  const { body: list } = await new Api(restarted, 'in process').get(`${session.path}/messages`);
  expect(list).toMatchObject({ data: [{ content: 'hello' }, { content: 'At last.' }] });
  await restarted.close();
});
