import { describe, expect, it } from 'vitest';
import { type Api, type Call, MODEL, startEmulator, TRANSPORTS, type Transport } from '../support/emulator.ts';

/** Those that tell the time of the machine. */
const TIMES = ['date', 'server-timing'];

const TOOLS = [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object' } } }];
const talk = (text: string) => ({
  role: 'user',
  content: `${text} The harbour log says that the ship came in. `.repeat(30),
});

describe.each(TRANSPORTS)('two runs with one seed %s', (transport) => {
  it('answer the same, byte for byte: headers, bodies, streams and errors', async () => {
    const first = await run(transport, 'one');
    expect(first.length).toBeGreaterThan(40);
    expect(await run(transport, 'one')).toEqual(first);
    const other = await run(transport, 'two');
    expect(other.map(({ status }) => status)).toEqual(first.map(({ status }) => status));
    expect(other).not.toEqual(first);
  });

  it('with a reset to the baseline between them answer the same in one process', async () => {
    const api = await startEmulator(transport, { seed: 'one' });
    const seen: Seen[] = [];
    await everything(recorder(api, seen));
    api.emulator.state.saveBaseline();
    const rounds: Seen[][] = [];
    for (let round = 0; round < 2; round += 1) {
      const heard: Seen[] = [];
      await everything(recorder(api, heard));
      rounds.push(heard);
      api.emulator.state.reset();
    }
    // The journal numbers requests over the life of the process.
    for (const { headers } of rounds.flat()) delete headers['kimi-emulator-hint'];
    expect(rounds[1]).toEqual(rounds[0]);
    expect(rounds[0]).not.toEqual(seen);
  });
});

interface Seen {
  status: number;
  headers: Record<string, string>;
  text: string;
}

type Ask = (method: string, path: string, body?: unknown, call?: Call) => Promise<Record<string, string>>;

async function run(transport: Transport, seed: string): Promise<Seen[]> {
  const api = await startEmulator(transport, { seed, limits: { sessions: 3 } });
  const seen: Seen[] = [];
  await everything(recorder(api, seen));
  return seen;
}

function recorder(api: Api, seen: Seen[]): Ask {
  return async (method, path, body, call = {}) => {
    const text = typeof body === 'string' ? body : body && JSON.stringify(body);
    const headers = { 'Content-Type': 'application/json', ...call.headers };
    const reply = await api.send<Record<string, string>>(method, path, text as string | undefined, {
      ...call,
      headers,
    });
    const kept = Object.fromEntries([...reply.headers].filter(([name]) => !TIMES.includes(name)));
    seen.push({ status: reply.status, headers: kept, text: reply.text });
    return reply.body ?? {};
  };
}

/** Every operation at least once, and refusals of each kind. */
async function everything(ask: Ask): Promise<void> {
  const other = { key: 'sk-other' };
  await ask('GET', '/v1/models');
  await ask('POST', '/v1/tokenizers/estimate-token-count', { model: MODEL, messages: [talk('Count me.')] });
  const { id } = await ask('POST', '/v1/sessions', { title: 'Log', tools: TOOLS, messages: [talk('Begin.')] });
  const path = `/v1/sessions/${id}`;
  const messages = `${path}/messages`;
  await ask('POST', messages, talk('The password is 42.'), { headers: { 'Idempotency-Key': 'k' } });
  await ask('POST', messages, talk('The password is 42.'), { headers: { 'Idempotency-Key': 'k' } });
  await ask('POST', messages, talk('Another.'), { headers: { 'Idempotency-Key': 'k' } });
  const lines = [talk('One.'), { role: 'assistant', content: 'Two.' }]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
  await ask('POST', messages, lines, { headers: { 'Content-Type': 'application/x-ndjson' } });
  for (const stream of [false, true]) {
    const asked = { model: MODEL, messages: [{ role: 'user', content: 'What is the password?' }], stream };
    await ask('POST', '/v1/chat/completions', {
      ...asked,
      stream_options: stream ? { include_usage: true } : undefined,
    });
    await ask('POST', '/v1/chat/completions', { ...asked, session_id: id });
    await ask('POST', '/v1/chat/completions', { ...asked, session_id: id, tool_choice: 'required', tools: TOOLS });
    await ask('POST', messages, {
      role: 'tool',
      tool_call_id: `functions.look_up:${stream ? 1 : 0}`,
      content: 'It is 42.',
    });
  }
  const { id: snapshot } = await ask('POST', `${path}/snapshots`, { preserve_len: 4_096, name: 'before' });
  await ask('POST', `${path}/truncate`, { preserve_len: 4_096 });
  await ask('POST', `${path}/compress`, { ratio: 2, dry_run: true });
  await ask('POST', `${path}/compress`, { ratio: 2, format: 'json' });
  await ask('POST', `${path}/rollback`, { snapshot_id: snapshot, preserve_len: 'all' });
  const fork = await ask('POST', '/v1/sessions', { snapshot_id: snapshot });
  const shared = await ask('POST', `/v1/snapshots/${snapshot}/share`, { expires_in: 60 });
  const share = (shared.share as unknown as { share_id: string }).share_id;
  const taken = await ask('POST', '/v1/sessions', { share_id: share }, other);
  await ask('GET', `/v1/shares/${share}`, undefined, other);
  await ask('POST', '/_emulator/clock', { advance: 61 });
  await ask('GET', `/v1/shares/${share}`, undefined, other);
  await ask('POST', path, { title: 'Log, later' });
  for (const read of ['', '/messages', '/snapshots']) await ask('GET', path + read);
  await ask('GET', `/v1/snapshots/${snapshot}/messages?scope=archived&query=password`);
  await ask('POST', messages, { role: 'tool', tool_call_id: 'functions.none:0', content: 'orphan' });
  await ask('POST', messages, { role: 'user', content: 'much '.repeat(9_000) });
  await ask('POST', `${path}/truncate`, { preserve_len: 1 });
  await ask('POST', messages, 'no JSON');
  await ask('POST', messages, talk('Stale.'), { headers: { 'If-Match': '"1"' } });
  await ask('GET', '/v1/sessions/sess_none');
  await ask('GET', '/v1/nothing');
  await ask('GET', '/v1/sessions', undefined, { headers: { Authorization: '' } });
  await ask('DELETE', `/v1/snapshots/${snapshot}/share`);
  await ask('DELETE', `/v1/snapshots/${snapshot}`);
  await ask('DELETE', `/v1/sessions/${fork.id}`);
  await ask('DELETE', `/v1/sessions/${taken.id}`, undefined, other);
  await ask('GET', '/v1/sessions');
}
