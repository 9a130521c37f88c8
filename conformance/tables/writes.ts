import type { Capability } from '../../contract/capabilities.ts';
import { ERRORS, type ErrorCode } from '../../contract/errors.ts';
import { Session, type SessionMessage } from '../../contract/sessions.ts';
import type { CaseContext } from '../core/case.ts';
import { expectBody, expectError, expectSuccess, expectTrue } from '../core/expect.ts';
import type { Api, SendOptions } from '../wire/api.ts';
import { Reply } from '../wire/reply.ts';
import { type Message, user } from '../wire/sessions.ts';

/** Every way in which messages come into a window. */
export interface WriteMode {
  readonly name: string;
  readonly needs: readonly Capability[];
  /** Where it is the tokens of one message that count, and not those of all. */
  readonly single?: true;
  /** It makes a session of its own instead of writing into one. */
  readonly creates?: true;
  /** A model answers, so that it costs tokens. */
  readonly chats?: true;
  /** What it writes before the messages that it is given. */
  readonly before?: number;
  send(context: CaseContext<string>, id: string, messages: readonly Message[], send?: SendOptions): Promise<Reply>;
}

export const NDJSON = 'application/x-ndjson';
const ANSWER_TOKENS = 16;

export function toLines(lines: readonly (Message | string)[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
}

/** One streamed write. */
export function sendLines(
  api: Api,
  id: string,
  lines: readonly (Message | string)[] | ReadableStream<Uint8Array>,
  { headers = {}, ...send }: SendOptions = {},
): Promise<Reply> {
  const raw = lines instanceof ReadableStream ? lines : toLines(lines);
  return api.post(`/sessions/${id}/messages`, undefined, {
    ...send,
    raw,
    headers: { 'Content-Type': NDJSON, ...headers },
  });
}

/** A stream that a later line ended, as the refusal that this line got; any other stream as it came. */
export function refusalOfStream(reply: Reply): Reply {
  const last = reply.lines.at(-1) as { error?: { code?: string; type?: string } } | undefined;
  if (reply.status >= 300 || !last?.error) return reply;
  const row = Object.entries(ERRORS).find(([code]) => code === last.error?.code)?.[1];
  return new Reply(`${reply.what}: the last line`, {
    status: row?.status ?? 400,
    headers: reply.headers,
    text: JSON.stringify(last),
  });
}

function turn(stream: boolean) {
  return (
    { api, target, texts }: CaseContext<string>,
    session_id: string,
    messages: readonly Message[],
    send?: SendOptions,
  ) => {
    const max_tokens = ANSWER_TOKENS + texts.overhead.answer;
    const body = { model: target.model, session_id, messages, max_tokens, tool_choice: 'none', stream };
    return api.post('/chat/completions', body, send);
  };
}

export const WRITE_MODES: readonly WriteMode[] = [
  {
    name: 'single',
    needs: ['sessions.append'],
    single: true,
    async send({ api }, id, messages, send) {
      let reply: Reply | undefined;
      for (const message of messages) {
        reply = await api.post(`/sessions/${id}/messages`, message, send);
        if (reply.status >= 300) break;
      }
      return reply ?? api.post(`/sessions/${id}/messages`, {}, send);
    },
  },
  {
    name: 'list',
    needs: ['sessions.append'],
    send: ({ api }, id, messages, send) => api.post(`/sessions/${id}/messages`, { messages }, send),
  },
  {
    name: 'ndjson',
    needs: ['sessions.append', 'sessions.append.stream'],
    single: true,
    send: async ({ api }, id, messages, send) => refusalOfStream(await sendLines(api, id, messages, send)),
  },
  {
    name: 'ndjson-later',
    needs: ['sessions.append', 'sessions.append.stream'],
    single: true,
    before: 1,
    send: async ({ api }, id, messages, send) =>
      refusalOfStream(await sendLines(api, id, [user('Before.'), ...messages], send)),
  },
  {
    name: 'create',
    needs: [],
    creates: true,
    send: ({ api }, _, messages, send) => api.post('/sessions', { metadata: api.mark, messages }, send),
  },
  { name: 'turn', needs: ['chat'], chats: true, send: turn(false) },
  { name: 'streamed-turn', needs: ['chat', 'chat.stream'], chats: true, send: turn(true) },
];

/** What a write has left. */
interface Written {
  id: string;
  reply: Reply;
  /** The messages of the write, as they are listed. */
  messages: SessionMessage[];
}

/** A write that is accepted. @throws Mismatch, Inconclusive */
export async function written(
  context: CaseContext<string>,
  mode: WriteMode,
  id: string,
  messages: readonly Message[],
): Promise<Written> {
  const { api } = context;
  const from = mode.creates ? 0 : (await api.windowOf(id)).length + (mode.before ?? 0);
  const reply = expectSuccess(await mode.send(context, id, messages));
  const at = mode.creates ? expectBody(reply, Session).id : id;
  return { id: at, reply, messages: (await api.windowOf(at)).slice(from, from + messages.length) };
}

/** A refusal in whichever way the write was sent; it names all of `named` and none of `unnamed`. @throws Mismatch */
export function expectRefusal(
  reply: Reply,
  code: ErrorCode,
  { named = [], unnamed = [] }: { named?: readonly (string | number)[]; unnamed?: readonly string[] } = {},
): string {
  const message = expectError(reply, code);
  const words = message.split(/[^\w.:é-]+/).map((word) => word.replace(/[.:]+$/, ''));
  const missing = named.filter((name) => !words.includes(String(name)));
  expectTrue(missing.length === 0, `the refusal names ${missing.join(', ')}: ${message}`);
  const wrong = unnamed.filter((name) => words.includes(name));
  expectTrue(wrong.length === 0, `the refusal does not name ${wrong.join(', ')}: ${message}`);
  return message;
}
