import {
  choiceOf,
  editEachChunk,
  editEachEvent,
  editJson,
  type Forward,
  type Handler,
  isEvents,
  isJson,
  type Json,
  json,
  on,
  type Passing,
  withChoice,
} from './proxy.ts';

const CHAT = '/v1/chat/completions';
const ESTIMATE = '/v1/tokenizers/estimate-token-count';

export type Message = Json & { role: string };
export type Choice = Json & { index: number; message: Json & { content: string; tool_calls?: Call[] } };
export type Call = Json & { id: string; function: Json & { name: string; arguments: string } };
type Usage = { prompt_tokens: number; completion_tokens: number; total_tokens: number };

/** Handles chats whose body is an object. */
export function onChat(handle: (body: Json, forward: Forward, request: Passing) => Promise<Response>): Handler {
  return on('POST', CHAT, (request, forward) =>
    typeof request.body === 'object' && request.body !== null
      ? handle(request.body as Json, forward, request)
      : forward(),
  );
}

/** Changes every chat before it is answered. */
export function editRequest(edit: (body: Json) => Json): Handler {
  return onChat((body, forward) => forward({ body: edit(body) }));
}

/** Changes one field of every chat that has it; undefined takes it away. */
export function editField(field: string, edit: (value: never, body: Json) => unknown): Handler {
  return editRequest((body) => (body[field] == null ? body : { ...body, [field]: edit(body[field] as never, body) }));
}

/** Changes the messages of every chat. */
function editMessages(edit: (messages: Message[], body: Json) => Message[]): Handler {
  return editField('messages', (messages: Message[], body) =>
    Array.isArray(messages) ? edit(messages, body) : messages,
  );
}

/** Changes every prompt that is to be counted. */
export function editEstimateRequest(edit: (body: Json) => Json): Handler {
  return on('POST', ESTIMATE, ({ body }, forward) =>
    typeof body === 'object' && body !== null ? forward({ body: edit(body as Json) }) : forward(),
  );
}

/** Changes every estimate. */
function editEstimate(edit: (tokens: number, body: Json) => number): Handler {
  return on('POST', ESTIMATE, async ({ body }, forward) => {
    const response = await forward();
    if (!response.ok) return response;
    return editJson(response, ({ data }: { data: { total_tokens: number } }) => ({
      data: { total_tokens: edit(data.total_tokens, body as Json) },
    }));
  });
}

/** Changes every answer that is not streamed. */
function editAnswer(edit: (answer: Json, body: Json) => Json): Handler {
  return onChat(async (body, forward) => {
    const response = await forward();
    return response.ok && isJson(response) ? editJson(response, (answer: Json) => edit(answer, body)) : response;
  });
}

/** Changes every choice of every answer that is not streamed. */
function editChoices(edit: (choice: Choice, body: Json) => Json): Handler {
  return editAnswer((answer, body) => ({
    ...answer,
    choices: (answer.choices as Choice[]).map((choice) => edit(choice, body)),
  }));
}

/** Changes the calls of every message that calls. */
export function editCalls(edit: (call: Call) => unknown): Handler {
  return editChoices((choice) => {
    const { tool_calls } = choice.message;
    return tool_calls ? { ...choice, message: { ...choice.message, tool_calls: tool_calls.map(edit) } } : choice;
  });
}

/** The calls of all messages. */
export function callsIn(messages: readonly Message[]): Call[] {
  return messages.flatMap(({ tool_calls }) => (tool_calls ?? []) as Call[]);
}

/** Changes the usage of every answer that is not streamed. */
function editUsage(edit: (usage: Usage, answer: Json) => object): Handler {
  return editAnswer((answer) => ({ ...answer, usage: edit(answer.usage as Usage, answer) }));
}

/** Changes the chunks of every stream; a list stands for several, an empty one for none. */
export function editChunks(edit: (chunk: Json) => Json[]): Handler {
  return editEachChunk(edit);
}

/** Changes the finish chunk of every stream. */
export function editFinishChunk(edit: (chunk: Json, usage: Usage) => Json[]): Handler {
  return editChunks((chunk) => {
    const choice = choiceOf(chunk);
    return choice && choice.finish_reason !== null ? edit(chunk, choice.usage as Usage) : [chunk];
  });
}

/** Changes the data of all events of a stream at once. */
export function editEvents(edit: (data: Json[], heading: Json) => Json[]): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (!isEvents(response)) return response;
    const data: Json[] = [];
    const text = response.clone();
    await editEachEvent((event) => {
      if (event !== '[DONE]') data.push(JSON.parse(event));
      return [];
    })(request, () => Promise.resolve(text));
    const changed = edit(data, data[0] ?? {}).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
    return new Response(`${changed.join('')}data: [DONE]\n\n`, { headers: response.headers });
  };
}

/** Text of a chunk; undefined where it has none. */
export function pieceOf(chunk: Json): string | undefined {
  const content = choiceOf(chunk)?.delta.content;
  return typeof content === 'string' && content !== '' ? content : undefined;
}

/** A chunk of text. */
export function piece(heading: Json, content: string): Json {
  return withChoice(heading, { delta: { content }, finish_reason: null });
}

/** Changes every error. */
export function editErrors(edit: (error: Json, request: Passing) => Json): Handler {
  return async (request, forward) => {
    const response = await forward();
    if (response.ok) return response;
    return editJson(response, (body: Json) =>
      typeof body.error === 'object' && body.error !== null
        ? { ...body, error: edit(body.error as Json, request) }
        : body,
    );
  };
}

/** Changes the message of every error. */
export function editErrorText(edit: (message: string) => string): Handler {
  return editErrors((error) => ({ ...error, message: edit(error.message as string) }));
}

/** A refusal as of the live wire. */
export function refuse(message = 'Invalid request: not understood', status = 400): Promise<Response> {
  const type = status === 403 ? 'permission_denied_error' : 'invalid_request_error';
  return Promise.resolve(json({ error: { message, type } }, status, { 'x-should-retry': 'false' }));
}

export const CHAT_WAYS = {
  onChat,
  editRequest,
  editField,
  editMessages,
  editEstimateRequest,
  editEstimate,
  editAnswer,
  editChoices,
  editCalls,
  editUsage,
  editChunks,
  editFinishChunk,
  editEvents,
  editErrors,
  editErrorText,
};
