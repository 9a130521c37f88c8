import { expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import type { EmulatorOptions } from '../../emulator/index.ts';
import { type Api, MODEL, type Reply, startEmulator } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { jpeg } from '../support/pictures.ts';
import { SMALL_LIMITS } from '../support/provoked.ts';
import { called, createSession, O200K, result, sized, tool, words } from '../support/session.ts';
import { hintOf } from './hinted.ts';

interface Cause {
  options?: EmulatorOptions;
  /** Asks for what is refused. */
  make(api: Api): Promise<Reply<unknown>>;
  says: RegExp;
}

const CALL = 'functions.look:0';
const picture = (padding: number) =>
  `data:image/jpeg;base64,${Buffer.from(jpeg(640 + padding, 480)).toString('base64')}`;
const LONG_REASONING = { role: 'assistant', content: 'a', reasoning_content: words(450) };
const manyCalls = called(...Array.from({ length: 100 }, (_, index) => `functions.look:${index}`));
const chat = (api: Api, more: object) =>
  api.post('/v1/chat/completions', { model: MODEL, messages: [sized(10)], ...more });
const raw = (api: Api, body: string | ReadableStream<Uint8Array>, headers: Record<string, string> = {}) =>
  api.send('POST', '/v1/sessions', body, { headers: { 'Content-Type': 'application/json', ...headers } });

/** Causes that are told apart from others of the same code, each by what is true of it alone. */
const CAUSES: Record<string, Cause> = {
  'a fault': {
    async make(api) {
      api.emulator.faults.add({ operation: 'listSessions', effect: 'error', code: 'session_not_found', times: 1 });
      return api.get('/v1/sessions');
    },
    says: /^the fault error caused this, no earlier request$/,
  },
  'a script': {
    async make(api) {
      await api.emulator.script([{ reply: { error: 'context_window_exceeded' } }]);
      return chat(api, {});
    },
    says: /^a rule of the script caused this, no earlier request$/,
  },

  'two results for one call in one write': {
    make: async (api) =>
      (await createSession(api)).append({ messages: [called(CALL), result(CALL), result(CALL, 'again')] }),
    says: /^messages\[1\] of this request answers call functions\.look:0 already: a call takes one result$/,
  },
  'two results for a call that waited': {
    async make(api) {
      const session = await createSession(api);
      await session.append(called(CALL));
      return session.append({ messages: [result(CALL), result(CALL, 'again')] });
    },
    says: /^messages\[0\] of this request answers call functions\.look:0 already: a call takes one result$/,
  },
  'two results for one call without a session': {
    make: (api) => chat(api, { messages: [sized(10), called(CALL), result(CALL), result(CALL, 'again')] }),
    says: /^messages\[3\] answers call functions\.look:0, which messages\[2\] has answered already: .*leave one of the two out$/,
  },
  'a result far behind the one that answered its call': {
    make: (api) => chat(api, { messages: [sized(10), called(CALL), result(CALL), sized(10), result(CALL), sized(10)] }),
    says: /^messages\[4\] answers call .*, which messages\[2\] has answered already/,
  },
  'a result without the id of its call': {
    make: (api) => chat(api, { messages: [sized(10), called(CALL), { role: 'tool', content: 'found' }] }),
    says: /^messages\[2\] has no tool_call_id: send back the id of the call that it answers$/,
  },
  'a call id that stands twice in a message': {
    make: (api) => chat(api, { messages: [sized(10), called(CALL, CALL), result(CALL)] }),
    says: /^messages\[1\]\.tool_calls uses the id functions\.look:0 twice: each call needs its own$/,
  },
  'a call id that stands twice in a message of a session': {
    make: async (api) => (await createSession(api)).append(called(CALL, CALL)),
    says: /^give every call of a message an id of its own$/,
  },
  'calls that the messages end with': {
    make: (api) => chat(api, { messages: [sized(10), called(CALL)] }),
    says: /^call functions\.look:0 has no tool message before the messages end/,
  },
  'several calls that wait': {
    async make(api) {
      const session = await createSession(api);
      await session.append(called('functions.look:0', 'functions.look:1'));
      return session.append(sized(10));
    },
    says: /^calls functions\.look:0, functions\.look:1, issued by request #2 .* wait for their results: append \{"role":"tool"/,
  },
  'a result for a turn that was not read to its end': {
    options: { streamChunkSize: 1 },
    async make(api) {
      const session = await createSession(api, { tools: [tool('look')] });
      await api.emulator.script([{ reply: { text: words(50), tool_calls: [{ name: 'look', arguments: {} }] } }]);
      const body = { model: MODEL, session_id: session.id, messages: [sized(10)], stream: true };
      const headers = { 'Content-Type': 'application/json' };
      const stream = await api.open('POST', '/v1/chat/completions', JSON.stringify(body), { headers });
      await stream.body?.cancel();
      return session.append(result(CALL));
    },
    says: /^nothing in this session issued call functions\.look:0; the stream of request #2 .* was not read to its end/,
  },

  'a text that is too long by itself': {
    options: { limits: SMALL_LIMITS },
    make: async (api) => (await createSession(api)).append(sized(450)),
    says: /one message alone takes 450; split its text over several messages and writes$/,
  },
  'a hundred calls in one message': {
    options: { limits: { append_tokens: 400 } },
    make: async (api) => (await createSession(api)).append({ messages: [manyCalls] }),
    says: /most of them its tool_calls: put the calls into several assistant messages, each followed by the results/,
  },
  'a result that is too long by itself': {
    options: { limits: SMALL_LIMITS },
    async make(api) {
      const session = await createSession(api);
      await session.append(called(CALL));
      return session.append(result(CALL, words(450)));
    },
    says: /: a call takes one result, which cannot be split; shorten it$/,
  },
  'reasoning that is too long by itself': {
    options: { limits: SMALL_LIMITS },
    make: async (api) => (await createSession(api, { model: 'kimi-k3' })).post('/messages', LONG_REASONING),
    says: /most of them its reasoning_content: leave that out$/,
  },
  'pictures that are too much in one message': {
    options: { limits: SMALL_LIMITS },
    make: async (api) =>
      (await createSession(api, { model: 'kimi-k3' })).append({
        role: 'user',
        content: [0, 28, 56, 84].map((padding) => ({ type: 'image_url', image_url: { url: picture(padding) } })),
      }),
    says: /most of them pictures or video: send smaller ones, or fewer in one message$/,
  },
  'a write of a chat that is too long': {
    options: { limits: SMALL_LIMITS },
    make: async (api) => (await createSession(api)).chat([sized(250), sized(250)]),
    says: /100 are too many: append all but the last message before .*, then chat$/,
  },
  'messages of a new session that are too long': {
    options: { limits: SMALL_LIMITS },
    make: (api) => api.post('/v1/sessions', { messages: [sized(250), sized(250)] }),
    says: /100 are too many: create the session without messages, then append; split it, or stream it/,
  },
  'a prompt beyond the window': {
    options: { limits: { window_tokens: 1_000 } },
    make: (api) => chat(api, { messages: [sized(900)], max_tokens: 200 }),
    says: /^the prompt takes 903 of 1,000 tokens and its answer may take 200: 103 too many; drop old messages/,
  },
  'a turn that fits no window': {
    options: { limits: { window_tokens: 1_000 } },
    make: async (api) => (await createSession(api)).chat([sized(600)], { max_tokens: 500 }),
    says: /^this adds 603 tokens and its answer may take 501, more than the 1,000 of an empty window: send less of it, or ask for fewer max_tokens$/,
  },
  'a turn that truncate makes room for': {
    options: { limits: { window_tokens: 1_000 } },
    async make(api) {
      const session = await createSession(api);
      await session.append(sized(800));
      return session.chat([sized(50)], { max_tokens: 400 });
    },
    says: /^the window holds 800 of 1,000 tokens, this adds 53 and its answer may take 401: .* snapshot first .*, or ask for fewer max_tokens \(never cut since request #1 .*, in 1 writes and turns\)$/,
  },
  'tools beyond the window': {
    options: { limits: { window_tokens: 1_000 } },
    make: async (api) => (await createSession(api)).post('', { tools: [tool('look', words(1_000))] }),
    says: /^tools and messages take 1,\d+ of 1,000 tokens: send fewer or shorter tools$/,
  },
  'a pin that leaves nothing to cut': {
    options: { limits: SMALL_LIMITS },
    async make(api) {
      const session = await createSession(api);
      const { body } = await session.append(sized(100));
      await session.post(`/messages/${body.data[0]?.id}`, { pinned: true });
      await session.append(sized(20));
      return session.truncate(64);
    },
    says: /unpin, or give the session fewer tools; request #3 \(pinMessage, 2 requests ago\) was the last to pin or unpin$/,
  },
  'a compression that pins forbid': {
    async make(api) {
      const session = await createSession(api);
      await session.append({ ...sized(8_000), pinned: true });
      await session.append(sized(64));
      return session.compress({ ratio: 20 });
    },
    says: /are never summarised: unpin messages or truncate instead, or lower preserve_len$/,
  },
  'a compression without room for its snapshot': {
    options: { limits: { ...SMALL_LIMITS, window_tokens: 4_000 } },
    async make(api) {
      const session = await createSession(api);
      for (let write = 0; write < 4; write += 1) await session.append(sized(300));
      await session.snapshot();
      return session.compress({ ratio: 2 });
    },
    says: /holds 1 snapshots: compress takes one of the state before; the journal knows 1 that were created/,
  },
  'a function that is named while it thinks': {
    make: (api) =>
      chat(api, {
        model: 'kimi-k2.6',
        tools: [tool('look')],
        tool_choice: { type: 'function', function: { name: 'look' } },
      }),
    says: /this model chooses the function itself/,
  },

  'a body without its type': {
    make: (api) => raw(api, '{}', { 'Content-Type': 'text/plain' }),
    says: /^send Content-Type: application\/json with a JSON body/,
  },
  'a compressed body': {
    make: (api) => raw(api, '\x1f\x8b', { 'Content-Encoding': 'gzip' }),
    says: /^send the body uncompressed/,
  },
  'a key that is too long': {
    make: (api) => raw(api, '{}', { 'Idempotency-Key': 'x'.repeat(300) }),
    says: /^use a new key for each write, such as a UUID/,
  },
  'a version that is not quoted': {
    options: { journal: { entries: 0 } },
    make: async (api) => (await createSession(api)).append(sized(10), { 'If-Match': '1' }),
    says: /^If-Match takes the ETag of the session as it came, quotes included, such as "7"$/,
  },
  'a version that is yet to come': {
    make: async (api) => (await createSession(api)).append(sized(10), { 'If-Match': '"7"' }),
    says: /^the session has yet to reach version 7: it is at 1;/,
  },
  'a reset that takes a session from under a request': {
    make: (api) => appendAcrossReset(api),
    says: /^sess_\w+ existed at request #1 \(createSession, the request before\), but a reset has restored the state since/,
  },
  'a reset that restores a session under a request': {
    make: (api) => appendAcrossReset(api, () => api.emulator.state.saveBaseline()),
    says: /^a reset has restored the state meanwhile: create a session anew$/,
  },
  'Hosted Agents': {
    make: (api) => raw(api, '{}', { 'kimi-api-version': '2026-09-01' }),
    says: /^leave out the header kimi-api-version: SDKs send it for Hosted Agents/,
  },
  'a body that is not JSON': { make: (api) => raw(api, '{'), says: /^the body is not JSON: make it with/ },
  'half a surrogate pair': {
    make: (api) => raw(api, '{"title":"\\ud83d"}'),
    says: /^send UTF-8, and cut texts between characters/,
  },
  'a body that breaks off': {
    make: (api) => raw(api, new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })),
    says: /^the connection ended before the body did/,
  },
  'a body nested too deeply': {
    options: { limits: { json_depth: 8 } },
    make: (api) => raw(api, `{"metadata":${'['.repeat(20)}${']'.repeat(20)}}`),
    says: /^a body nested that deep, or with that many values, is refused/,
  },
  'no messages': { make: (api) => chat(api, { messages: [] }), says: /^send at least one message/ },
  'two choices in a session': {
    make: async (api) => (await createSession(api)).chat([sized(10)], { n: 2 }),
    says: /^ask for one choice per request: a turn of a session has one answer/,
  },
  'a body that is a list': {
    make: (api) => raw(api, '[]'),
    says: /^the message says what the body of createSession takes/,
  },
  'a field that is missing among others': {
    make: async (api) => (await createSession(api)).post('/truncate', { color: 'red' }),
    says: /^preserve_len is missing from the body, which has color$/,
  },
  'a form without a purpose': {
    make(api) {
      const form = new FormData();
      form.append('file', new Blob(['text']), 'a.txt');
      return api.send('POST', '/v1/files', form);
    },
    says: /^the form has no field purpose: send one of file-extract/,
  },
  'files that are too many bytes together': {
    options: { limits: { files_bytes: 4_096 } },
    async make(api) {
      await api.upload('x'.repeat(4_000));
      return api.upload('x'.repeat(4_000));
    },
    says: /^this account may hold 4,096 bytes of files \(files_bytes\)/,
  },
  'the role of old clients': {
    make: (api) => chat(api, { messages: [{ role: 'function', name: 'look', content: 'done' }] }),
    says: /roles are system, user, assistant, tool: send it as tool$/,
  },
  'a chat that is too large': {
    options: { limits: SMALL_LIMITS },
    make: (api) => chat(api, { messages: [{ role: 'user', content: 'x'.repeat(9_000) }] }),
    says: /^a chat is one request: send fewer or shorter messages, or keep them in a session/,
  },
  'a session that is too large': {
    options: { limits: SMALL_LIMITS },
    make: (api) => api.post('/v1/sessions', { messages: [{ role: 'user', content: 'x'.repeat(9_000) }] }),
    says: /^send it in several requests; --limit body_bytes=N/,
  },
  'a state that is too large': {
    make: (api) =>
      api.send('POST', '/_emulator/import', '{}', {
        headers: { 'Content-Type': 'application/json', 'Content-Length': '300000000' },
      }),
    says: /^a file of state has at most 268,435,456 bytes: export and import its sessions one by one$/,
  },

  'a share that has ended': {
    async make(api) {
      const session = await createSession(api);
      const path = `/v1/snapshots/${((await session.snapshot()).body as Snapshot).id}/share`;
      await api.post(path);
      await api.delete(path);
      return api.delete(path);
    },
    says: /^this snapshot is not shared any more: request #4 \(unshareSnapshot, the request before\) ended it/,
  },
  'a share of somebody else that has ended': {
    async make(api) {
      const session = await createSession(api);
      const path = `/v1/snapshots/${((await session.snapshot()).body as Snapshot).id}/share`;
      const share = (await api.post<Snapshot>(path)).body.share?.share_id;
      const read = () => api.get(`/v1/shares/${share}`, { key: 'sk-guest' });
      await read();
      await api.delete(path);
      return read();
    },
    says: /^share shr_\w+ existed at request #4 .* and has ended since: ask its owner/,
  },
  'a fault that is not there': {
    make: (api) => api.delete('/_emulator/faults/fault_0'),
    says: /^GET \/_emulator\/faults lists the faults/,
  },
  'a model that has retired': {
    options: { models: 'live' },
    make: (api) => chat(api, { model: MODEL }),
    says: /^the live API has kimi-k2-0905-preview no longer, since 2026-05-25; this emulator answers for /,
  },
  'a turn that nobody has journaled': {
    options: { journal: { entries: 0 } },
    make: (api) => whileHeld(api, (session) => session.append(sized(10))),
    says: /^a turn or a compression runs in this session: read its stream to the end/,
  },
  'a key in use that nobody has journaled': {
    options: { journal: { entries: 0 } },
    make: (api) => whileHeld(api, (session) => session.chat([sized(10)], {}, KEYED)),
    says: /^another request has the same Idempotency-Key and is not finished/,
  },
  'a used key that nobody has journaled': {
    options: { journal: { entries: 0 } },
    async make(api) {
      const session = await createSession(api);
      await session.append(sized(10), KEYED.headers);
      return session.append(sized(20), KEYED.headers);
    },
    says: /^the key once was used for another method, path or body/,
  },

  'a control route that is misspelt': {
    make: (api) => api.get('/_emulator/jornal'),
    says: /^no such control route; did you mean \/_emulator\/journal\?$/,
  },
  'a control route by another method': {
    make: (api) => api.get('/_emulator/reset'),
    says: /^\/_emulator\/reset is served with POST, not with GET$/,
  },
  'no control route at all': {
    make: (api) => api.get('/_emulator'),
    says: /^no such control route: GET \/ lists all of them$/,
  },
  'a session of an emulator that keeps none': {
    options: { stateless: true },
    make: (api) => api.post('/v1/sessions'),
    says: /^this emulator keeps no sessions \(--stateless\), as the live API/,
  },
};

/** A streamed append whose first line comes after a reset. */
async function appendAcrossReset(api: Api, before = (): void => undefined): Promise<Reply<unknown>> {
  const { path } = await createSession(api);
  before();
  let send: (line: Uint8Array) => void = () => undefined;
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const line = new Promise<Uint8Array>((resolve) => {
    send = resolve;
  });
  const source = {
    async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      begin();
      controller.enqueue(await line);
      controller.close();
    },
  };
  const body = new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
  const asked = api.send('POST', `${path}/messages`, body, { headers: { 'Content-Type': 'application/x-ndjson' } });
  await begun;
  api.emulator.state.reset();
  send(Buffer.from('{"role":"user","content":"hi"}\n'));
  return asked;
}

const KEYED = { headers: { 'Idempotency-Key': 'once' } };

const held = new WeakMap<Api, HeldModel>();

/** Asks while a turn of the session waits for the model. */
async function whileHeld(
  api: Api,
  ask: (session: Awaited<ReturnType<typeof createSession>>) => Promise<Reply<unknown>>,
): Promise<Reply<unknown>> {
  const session = await createSession(api);
  const turn = session.chat([sized(10)], {}, KEYED);
  const asked = await held.get(api)?.asked();
  const reply = await ask(session);
  asked?.end();
  await turn;
  return reply;
}

it.each(Object.entries(CAUSES))('the hint tells %s from all else', async (name, { options = {}, make, says }) => {
  const model = new HeldModel();
  const isHeld = name.endsWith('in use that nobody has journaled') || name.startsWith('a turn that nobody');
  const api = await startEmulator('in process', { tokenizer: O200K, ...(isHeld && { model }), ...options });
  held.set(api, model);
  const reply = await make(api);
  expect(reply.status, reply.text).toBeGreaterThanOrEqual(400);
  expect(hintOf(reply)).toMatch(says);
});
