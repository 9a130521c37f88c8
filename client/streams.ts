import OpenAI, { APIError } from 'openai';
import type { ErrorBody } from '../contract/errors.ts';
import type { InputMessage } from '../contract/messages.ts';
import type { AppendAcknowledgement, AppendEnd } from '../contract/sessions.ts';

/** Messages in any order of arrival: a list, a generator, a stream. */
export type MessageSource = Source<InputMessage>;

type Line = AppendAcknowledgement | AppendEnd | (ErrorBody & { index: number });

/** Sends one message a line and reads one acknowledgement a line. */
export async function* appendStream(
  client: OpenAI,
  path: string,
  messages: MessageSource,
  options: OpenAI.RequestOptions = {},
): AsyncGenerator<AppendAcknowledgement, AppendEnd> {
  const response = await client
    .post(path, {
      ...options,
      body: encode(messages),
      headers: { ...toRecord(options.headers), 'Content-Type': 'application/x-ndjson' },
    })
    .asResponse();
  for await (const line of readLines(response)) {
    if ('error' in line) throw new APIError(undefined, line.error, undefined, response.headers);
    if ('done' in line) return line;
    yield line;
  }
  throw new OpenAI.APIConnectionError({ message: 'The answer to a streamed append ended before its last line.' });
}

function encode(messages: MessageSource): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const iterator = iterate(messages);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await iterator.next();
        if (step.done) controller.close();
        else controller.enqueue(encoder.encode(`${JSON.stringify(step.value)}\n`));
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* readLines(response: Response): AsyncGenerator<Line> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of iterate<Uint8Array>(response.body)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as Line;
  }
  if (rest !== '') yield JSON.parse(rest) as Line;
}

type HeadersOption = OpenAI.RequestOptions['headers'];

/** Headers in one of the forms that the SDK takes, as an object that another can be laid over. */
function toRecord(headers: HeadersOption): Record<string, string | null | undefined> {
  if (!headers) return {};
  if (headers instanceof Headers) return Object.fromEntries(headers.entries());
  if (Array.isArray(headers)) return Object.fromEntries(headers);
  return headers as Record<string, string | null | undefined>;
}

/** Items that come one after another, at once or over time. */
export type Source<Item> = Iterable<Item> | AsyncIterable<Item> | ReadableStream<Item>;

/** The items of any source. Not every runtime iterates a stream, so that its reader is used. */
export function iterate<Item>(source: Source<Item>): AsyncIterableIterator<Item, void> {
  return 'getReader' in source ? readStream(source.getReader()) : each(source);
}

async function* each<Item>(source: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item, void> {
  yield* source;
}

/** Not a generator: `return()` of one waits for the item that it waits for, while a stream is cancelled at once. */
function readStream<Item>(reader: ReadableStreamDefaultReader<Item>): AsyncIterableIterator<Item, void> {
  return {
    async next() {
      const step = await reader.read();
      return step.done ? { done: true, value: undefined } : step;
    },
    async return() {
      await reader.cancel().catch(() => undefined);
      reader.releaseLock();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
