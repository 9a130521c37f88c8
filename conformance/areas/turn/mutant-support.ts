import { onChat } from '../../proof/chats.ts';
import type { Json } from '../../proof/proxy.ts';
import { answer, chain, editJson, type Forward, type Handler, json, on, type Passing } from '../../proof/proxy.ts';
import { ask, type Message, windowAt } from '../../proof/sessions.ts';
import { SMALL_LIMITS } from '../../targets/emulator.ts';

/** The body of a chat in a session. */
export type Asked = Json & { session_id: string; messages: Message[]; stream?: boolean };

type Reply = Json & { content: string; tool_calls?: object[] };

type Answer = Json & {
  choices: { message: Reply; finish_reason: string }[];
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
};

/** Chats in sessions only. */
export function onTurn(handle: (body: Asked, forward: Forward, request: Passing) => Promise<Response>): Handler {
  return onChat((body, forward, request) =>
    typeof body.session_id === 'string' ? handle(body as Asked, forward, request) : forward(),
  );
}

/** Changes every turn before it is answered. */
export function askedOf(edit: (body: Asked) => Json): Handler {
  return onTurn((body, forward) => forward({ body: edit(body) }));
}

/** Changes the answer to every turn that is not streamed. */
export function answered(edit: (answer: Answer, body: Asked, forward: Forward) => Json | Promise<Json>): Handler {
  return onTurn(async (body, forward) => {
    const response = await forward();
    if (!response.ok || body.stream) return response;
    return json(await edit((await response.json()) as Answer, body, forward));
  });
}

/** How a server goes about a turn that it puts together from single steps. */
interface Steps {
  /** What the model reads, of what stands in the window and what is new. */
  read?: (window: Message[], added: Message[], forward: Forward) => Message[] | Promise<Message[]>;
  /** What is written of what is new and the reply. */
  store?: (added: Message[], reply: Message, answer: Answer) => Message[];
  /** Whether the new messages are written before the model is asked. */
  early?: boolean;
}

/**
 * A turn made of single requests: the window is read, the model asked outside of the session, and what came of it appended. Nothing
 * holds it together, which is the mistake in some mutants; in others it is what one of the steps leaves out.
 */
export function pieced(steps: Steps): Handler {
  return onTurn((body, forward) => piece(body, forward, steps));
}

async function piece({ session_id: id, ...body }: Asked, forward: Forward, steps: Steps): Promise<Response> {
  const { read = (window, added) => [...window, ...added], store = (added, reply) => [...added, reply], early } = steps;
  const window = ((await windowAt(forward, id)) as unknown as Message[]).map(plain);
  if (early) await write(forward, id, body.messages);
  const { tools = body.tools } = (await ask(forward, 'GET', `/v1/sessions/${id}`)).body;
  const asked = {
    ...body,
    stream: false,
    tools: body.tools ?? tools,
    messages: await read(window, body.messages, forward),
  };
  const response = await forward({
    body: (asked.tools as unknown[]).length > 0 ? asked : { ...asked, tools: undefined },
  });
  if (!response.ok) return response;
  const completion = (await response.json()) as Answer;
  const [choice] = completion.choices;
  const reply = { ...choice?.message, role: 'assistant' } as Message;
  await write(forward, id, early ? [reply] : store(body.messages, reply, completion));
  const { body: session } = await ask(forward, 'GET', `/v1/sessions/${id}`);
  const { version, usage } = session;
  return body.stream
    ? events(completion, { id, version, usage })
    : json({ ...completion, session: { id, version, usage } });
}

async function write(forward: Forward, id: string, messages: readonly Message[]): Promise<void> {
  if (messages.length > 0) await forward({ path: `/v1/sessions/${id}/messages`, body: { messages } });
}

function plain({ role, content, name, tool_calls, tool_call_id }: Message): Message {
  return { role, content, name, tool_calls, tool_call_id };
}

/** A whole answer as a stream. */
function events({ choices: [choice], usage, ...heading }: Answer, session: Json): Response {
  const chunk = (delta: Json, more: Json = {}) => {
    const { finish_reason = null, usage: used, ...rest } = more;
    const entry = { index: 0, delta, finish_reason, ...(used !== undefined && { usage: used }) };
    return { ...heading, object: 'chat.completion.chunk', choices: [entry], ...rest };
  };
  const data = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: choice?.message.content }),
    chunk({}, { finish_reason: choice?.finish_reason, usage, session }),
  ];
  const text = `${data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')}data: [DONE]\n\n`;
  return answer(new Response(null, { headers: { 'Content-Type': 'text/event-stream' } }), text, 200);
}

/** The same answer, and word of how it went. */
export function followed(response: Response, on: { ended: () => unknown; left: () => unknown }): Response {
  const reader = response.body?.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await reader?.read();
        if (step && !step.done) return controller.enqueue(step.value);
        await on.ended();
        controller.close();
      },
      async cancel(reason) {
        await reader?.cancel(reason);
        await on.left();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status: response.status, headers: response.headers });
}

/** Changes what is read of sessions: each by itself, and their windows. */
export function reads(edit: (id: string, what: 'session' | 'window', body: Json, search: string) => Json): Handler {
  return chain(
    on('GET', '/v1/sessions/:id', async ({ ids: [id = ''], search }, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, (body: Json) => edit(id, 'session', body, search)) : response;
    }),
    on('GET', '/v1/sessions/:id/messages', async ({ ids: [id = ''], search }, forward) => {
      const response = await forward();
      return response.ok ? editJson(response, (body: Json) => edit(id, 'window', body, search)) : response;
    }),
  );
}

export const { append_tokens: limit, window_tokens: window } = SMALL_LIMITS;
