import type { ChatCompletion } from '../contract/chat.ts';
import { exponentOf } from './fit.ts';
import { startServer } from './processes.ts';
import { Clients } from './rounds.ts';
import { printTable, type Row } from './table.ts';

/**
 * An agent with a tool, once in a session and once as a stateless client that sends its whole history with each request: what
 * it sends and how long it waits, as its rounds grow. A round is an order, a call, its result of 1,000 characters and an answer.
 */
const ROUNDS = [50, 100, 200, 400];
const MODEL = 'kimi-k3';
const RESULT = 'The harbour office writes down which ship lies where, and for how long. '.repeat(14).slice(0, 1_000);
const parameters = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const TOOLS = [{ type: 'function', function: { name: 'read_file', description: 'Reads a file', parameters } }];

/** A message of a request or of an answer. */
type Message = Readonly<Record<string, unknown>>;

/** One way to hold the conversation, with what it has cost so far. */
class Agent {
  sentBytes = 0;
  waitedMs = 0;
  readonly #requestFor: (added: readonly Message[]) => object;
  readonly #onAnswer: (answer: Message) => void;

  constructor(requestFor: (added: readonly Message[]) => object, onAnswer: (answer: Message) => void = () => {}) {
    this.#requestFor = requestFor;
    this.#onAnswer = onAnswer;
  }

  async round(count: number): Promise<void> {
    const order = `Call read_file with path "src/file-${count}.ts".`;
    const called = await this.#ask([{ role: 'user', content: order }]);
    const [call] = called.tool_calls ?? [];
    if (!call) throw new Error(`round ${count}: no call, but ${JSON.stringify(called)}`);
    await this.#ask([{ role: 'tool', tool_call_id: call.id, content: `${count}: ${RESULT}` }]);
  }

  async #ask(added: readonly Message[]): Promise<ChatCompletion['choices'][number]['message']> {
    const body = JSON.stringify(this.#requestFor(added));
    this.sentBytes += Buffer.byteLength(body);
    const asked = performance.now();
    const text = await clients.ask(server.port, { path: '/v1/chat/completions', body });
    this.waitedMs += performance.now() - asked;
    const [choice] = (JSON.parse(text) as ChatCompletion).choices;
    if (!choice) throw new Error(text);
    this.#onAnswer({ ...choice.message });
    return choice.message;
  }
}

const clients = new Clients(1);
const server = await startServer(['dist/emulator/cli/main.js', '--json', '--port', '0', '--memory']);
const created = await clients.ask(server.port, {
  path: '/v1/sessions',
  body: JSON.stringify({ model: MODEL, tools: TOOLS }),
});
const { id } = JSON.parse(created) as { id: string };
const history: Message[] = [];
const inSession = new Agent((messages) => ({ model: MODEL, session_id: id, messages }));
const resending = new Agent(
  (added) => {
    history.push(...added);
    return { model: MODEL, tools: TOOLS, messages: history };
  },
  (answer) => history.push(answer),
);

const seen: { rounds: number; bytes: [number, number]; ms: [number, number] }[] = [];
for (let count = 1; count <= Math.max(...ROUNDS); count += 1) {
  // In turn, so that a change of the machine's load meets both alike.
  await inSession.round(count);
  await resending.round(count);
  if (!ROUNDS.includes(count)) continue;
  seen.push({
    rounds: count,
    bytes: [inSession.sentBytes, resending.sentBytes],
    ms: [inSession.waitedMs, resending.waitedMs],
  });
}
clients.close();
await server.stop();

const show = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 1 });
const rows: Row[] = seen.flatMap(({ rounds, bytes, ms }) => [
  {
    name: `${rounds} rounds: KB sent, resending and in a session`,
    value: bytes
      .toReversed()
      .map((count) => show(count / 1_000))
      .join('; '),
    ratio: bytes[1] / bytes[0],
  },
  {
    name: `${rounds} rounds: ms waited`,
    value: ms.toReversed().map(show).join('; '),
    ratio: ms[1] / ms[0],
  },
]);
for (const [place, name] of ['in a session', 'resending'].entries()) {
  const exponent = exponentOf(seen.map(({ rounds, bytes }) => [rounds, bytes[place === 0 ? 0 : 1]]));
  const isMet = place === 0 ? exponent <= 1.1 : exponent >= 1.8;
  rows.push({
    name: `exponent of the bytes sent ${name}`,
    value: exponent,
    target: place === 0 ? '<= 1.1' : '>= 1.8',
    ok: isMet,
  });
}
printTable(`an agent with a tool, ${ROUNDS[0]} to ${ROUNDS.at(-1)} rounds, resending against a session`, rows);
if (rows.some(({ ok }) => ok === false)) process.exitCode = 1;
