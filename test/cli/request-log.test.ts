import { expect, it } from 'vitest';
import { logRequests } from '../../emulator/cli/request-log.ts';
import { createGateway } from '../../emulator/index.ts';
import { columns } from '../../emulator/terminal/text.ts';
import { MODEL, openApi, startEmulator } from '../support/emulator.ts';
import { HeldModel } from '../support/held-model.ts';
import { createSession, O200K, result, sized } from '../support/session.ts';
import { run, ServerProcess } from './server-process.ts';

const KEY = 'sk-secret-key-of-a-user';
const HEADERS = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };

const ESCAPE = '\u001b';
const COLOUR = new RegExp(`${ESCAPE}\\[\\d+m`, 'g');
const UNSEEN = new RegExp(`[${ESCAPE}\u202e]`);

interface Asked {
  stdout: string;
  session: string;
}

/** What a server prints that answers these: a session, a turn, a streamed turn, a refusal, a hostile path. */
async function printed(flags: readonly string[], env: Record<string, string> = {}): Promise<Asked> {
  const { server, ready } = await ServerProcess.listening(['--memory', ...flags], { env });
  const post = (path: string, body: object) =>
    fetch(ready.base_url + path, { method: 'POST', headers: HEADERS, body: JSON.stringify(body) }).then((answer) =>
      answer.text(),
    );
  const { id } = JSON.parse(await post('/sessions', { messages: [{ role: 'user', content: 'The code is 7.' }] }));
  const turn = { model: MODEL, session_id: id, messages: [{ role: 'user', content: 'What is the code?' }] };
  await post('/chat/completions', turn);
  await post('/chat/completions', { ...turn, stream: true });
  await post(`/sessions/${id}/messages`, result('functions.look:0'));
  await fetch(`${ready.base_url}/a%1b%5b31m%e2%80%ae?key=${KEY}`, { headers: HEADERS });
  await post('/../_emulator/faults', { operation: 'listModels', effect: 'hang' });
  const { stdout } = await server.signal('SIGTERM');
  return { stdout, session: id };
}

it('a server logs each request in a line, a refusal with its hint below, and at the end what it served', async () => {
  const { stdout, session } = await printed(['--log', 'text'], { FORCE_COLOR: '1' });
  const lines = stdout.split('\n').slice(1);
  const expected = [
    /^\d\d:\d\d:\d\d {4}#1 POST {3}sessions sess_\w+ +201 +\d+ms$/,
    new RegExp(`^\\S+ +#2 POST +chat/completions ${session} +200 +\\d+/\\d+ +\\d+% +\\d+ms (?:\\$0|<\\$)\\.0\\d+$`),
    new RegExp(
      `^\\S+ +#3 POST +chat/completions ${session} +200 +\\d+/\\d+ +\\d+% +\\d+/\\d+ms (?:\\$0|<\\$)\\.0\\d+$`,
    ),
    new RegExp(`^\\S+ +#4 POST +sessions/${session}/messages +400 +\\d+ms$`),
    /^ {14}tool_result_orphan: Invalid request: tool_call_id functions\.look:0 answers no open call$/,
    /^ {14}hint: nothing that the journal knows issued call functions\.look:0 in this session/,
    /^\S+ +#5 GET +a\\u\{1b\}\[31m\\u\{202e\} +404/,
    /^ {14}url\.not_found$/,
    /^ {14}hint: no such route/,
    /^$/,
    /^ {2}served {5}5 requests in \d+ s: 3 2xx, 2 4xx$/,
    /^ {2}tokens {5}\d+ prompt \(\d+ cached\), \d+ completion$/,
    /^ {2}cost {7}0\.0\d+ USD$/,
    /^ {2}sessions {3}1$/,
    /^ {2}unused {5}fault hang on listModels: 1 of 1 left$/,
    /^$/,
  ];
  expect(lines.length, stdout).toBe(expected.length);
  for (const [place, pattern] of expected.entries()) expect(lines[place]).toMatch(pattern);
  expect(stdout).not.toContain(KEY);
  expect(stdout).not.toMatch(UNSEEN);
});

it('a server logs in lines of JSON, which begin with the one that says that it is ready', async () => {
  const { stdout, session } = await printed(['--log', 'json']);
  const [ready, ...lines] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(ready).toMatchObject({ event: 'ready' });
  expect(lines.map(({ event }) => event)).toEqual([...Array(5).fill('request'), 'served']);
  const usage = { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) };
  const turn = {
    session,
    status: 200,
    operation: 'createChatCompletion',
    usage,
    cost: expect.any(Number),
    currency: 'USD',
  };
  expect(lines[1]).toMatchObject({
    ...turn,
    n: 2,
    method: 'POST',
    path: '/v1/chat/completions',
    ms: expect.any(Number),
  });
  expect(lines[1]).not.toHaveProperty('request');
  expect(lines[1]).not.toHaveProperty('first_byte_ms');
  expect(lines[2]).toMatchObject({ ...turn, streamed: { ended: 'whole' }, first_byte_ms: expect.any(Number) });
  expect(lines[2].first_byte_ms).toBeLessThanOrEqual(lines[2].ms);
  expect(lines[3]).toMatchObject({
    status: 400,
    code: 'tool_result_orphan',
    hint: expect.any(String),
    message: expect.any(String),
  });
  expect(new Date(lines[0].time).getTime()).toBeGreaterThan(Date.now() - 600_000);
  expect(lines[5]).toMatchObject({
    requests: 5,
    statuses: { '2xx': 3, '4xx': 2 },
    sessions: 1,
    unused_faults: ['hang on listModels: 1 of 1 left'],
  });
  expect(Number(lines[5].cost.USD)).toBeCloseTo(lines[1].cost + lines[2].cost, 10);
  expect(stdout).not.toContain(KEY);
});

it.each([[[]], [['--log', 'off']]])(
  'a server with --json %j prints nothing but the line that says that it is ready',
  async (flags) => {
    const { stdout } = await printed(flags);
    expect(JSON.parse(stdout)).toMatchObject({ event: 'ready' });
  },
);

it('--quiet prints neither banner nor log, and --log takes text, json or off', async () => {
  const server = new ServerProcess(['--port', '0', '--memory', '--quiet']);
  const refused = await run(['--log', 'loud']);
  expect(refused).toMatchObject({
    code: 2,
    stderr: 'kimi-emulator: --log is one of text, json, off, not loud (see --help)\n',
  });
  expect((await server.signal('SIGTERM')).stdout).toBe('');
});

/** The lines of an emulator of this process, on a terminal of so many columns. */
async function onTerminal(api: Awaited<ReturnType<typeof startEmulator>>, width: number, env: NodeJS.ProcessEnv = {}) {
  const said = { out: '' };
  const stdout = { write: (text: string) => (said.out += text), isTTY: true, columns: width };
  const sayServed = logRequests(api.emulator, 'text', { stdout, stderr: stdout, env });
  return { said, sayServed };
}

it('on a terminal the lines are coloured and fit, whatever a request says; NO_COLOR is honoured', async () => {
  for (const [width, env] of [
    [80, {}],
    [120, {}],
    [80, { NO_COLOR: '1' }],
  ] as const) {
    const api = await startEmulator('in process', { tokenizer: O200K });
    const { said, sayServed } = await onTerminal(api, width, env);
    const session = await createSession(api);
    await session.chat([sized(8_000)]);
    await session.chat([sized(100)], { stream: true });
    await session.post('/messages/msg_0123456789abcdef01234567', { pinned: true });
    await session.append(result('査'.repeat(300)));
    await api.get(`/v1/${'x'.repeat(300)}`);
    await api.post(`/v1/files/${encodeURIComponent('\u202e\u001b[2J')}`, {});
    sayServed();
    const plain = said.out.replaceAll(COLOUR, '');
    for (const line of plain.split('\n')) expect(columns(line), line).toBeLessThanOrEqual(width);
    expect(plain).not.toMatch(UNSEEN);
    expect(said.out === plain).toBe('NO_COLOR' in env);
    expect(plain).toContain(
      width === 120 ? `chat/completions ${session.id}` : `chat/completions ${session.id.slice(5, 9)}…`,
    );
    expect(plain).toMatch(width === 120 ? / 8003\/\d+ / : / 8\.0k\/\d+ /);
  }
});

it('a stream is logged when it ends, and one that its client leaves says so', async () => {
  const model = new HeldModel();
  const api = await startEmulator('over HTTP', { tokenizer: O200K, model });
  const { said } = await onTerminal(api, 80, { NO_COLOR: '1' });
  const body = JSON.stringify({ model: MODEL, stream: true, messages: [sized(10)] });
  const stop = new AbortController();
  const call = { headers: { 'Content-Type': 'application/json' }, signal: stop.signal };
  const opening = api.open('POST', '/v1/chat/completions', body, call);
  const asked = await model.asked();
  asked.say('Once upon a time');
  await (await opening).body?.getReader().read();
  expect(said.out).toBe('');
  stop.abort();
  await expect.poll(() => said.out).toContain('the client left before the end');
  expect(said.out).toMatch(/#1 POST +chat\/completions +200 +\d+\/\d+ms/);
  asked.end();
});

it('a fault, a lost answer and a repeated key are told below their request', async () => {
  const api = await startEmulator('in process', { tokenizer: O200K });
  const { said } = await onTerminal(api, 80, { NO_COLOR: '1' });
  const session = await createSession(api);
  await session.append(sized(10), { 'Idempotency-Key': 'once' });
  await session.append(sized(10), { 'Idempotency-Key': 'once' });
  api.emulator.faults.add({ operation: 'listModels', effect: 'error', code: 'rpm_limit', times: 1 });
  await api.get('/v1/models');
  api.emulator.faults.add({ operation: 'listModels', effect: 'lose_answer', times: 1 });
  await api.get('/v1/models').catch(() => undefined);
  const lines = `${JSON.stringify(sized(10))}\n${JSON.stringify(result('functions.look:0'))}\n`;
  const headers = { 'Content-Type': 'application/x-ndjson' };
  await api.send('POST', `${session.path}/messages`, lines, { headers });
  expect(said.out).toMatch(/#6 POST [^\n]* 200[^\n]*\n {14}ended with an error: tool_result_orphan\n/);
  expect(said.out).toMatch(/#3 [^\n]*\n {14}the stored answer of an earlier request with this Idempotency-Key\n/);
  expect(said.out).toMatch(/#4 GET +models +429[^\n]*\n {14}rpm_limit: Your account[^#]*by the fault error\n/);
  expect(said.out).toMatch(
    /#5 GET +models +200[^\n]*\n {14}by the fault lose_answer\n {14}the connection was dropped\n/,
  );
});

it('a gateway logs what it hands on, with the tokens of its upstream and what they cost', async () => {
  const upstream = await startEmulator('in process', { tokenizer: O200K, stateless: true });
  const { baseURL, fetch } = upstream.emulator;
  for (const transport of ['in process', 'over HTTP'] as const) {
    const api = await openApi(createGateway({ upstream: baseURL, fetch, tokenizer: O200K }), transport);
    const { said } = await onTerminal(api, 120, { NO_COLOR: '1' });
    for (const stream of [false, true]) {
      await api.post('/v1/chat/completions', {
        model: 'kimi-k3',
        messages: [sized(100)],
        stream,
        stream_options: { include_usage: true },
      });
    }
    await expect.poll(() => said.out.split('\n')).toHaveLength(3);
    expect(said.out).toMatch(/#1 POST +chat\/completions +200 +\d{3}\/\d+ +\d+% +\d+\/\d+ms \$0\.0/);
    expect(said.out).toMatch(/#2 POST +chat\/completions +200 +\d{3}\/\d+ +\d+% +\d+\/\d+ms \$0\.0/);
  }
});

it('with --log json alone the first line is JSON too', async () => {
  const server = new ServerProcess(['--port', '0', '--memory', '--log', 'json']);
  expect(JSON.parse((await server.nextLine()) ?? '')).toMatchObject({ event: 'ready' });
});

it.each([
  [['\u001b[31mserve'], 2],
  [['journal', '\u001b[31mx'], 3],
])('what a command line holds cannot steer a terminal: %j', async (args, code) => {
  const ended = await run(args);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).not.toContain('\u001b');
});
