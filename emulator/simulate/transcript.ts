import { type ChatMessage, contentText, type Tool } from '../../contract/messages.ts';

/** A message of a history, and when it was written in milliseconds since the Unix epoch, where that is known. */
export type RecordedMessage = ChatMessage & { readonly at?: number | undefined };

/** Something that a transcript says, and the words of the answer to a question about it. */
export interface Fact {
  readonly question: string;
  readonly words: readonly string[];
}

/** A history to be replayed. */
export interface Transcript {
  readonly name: string;
  readonly messages: readonly RecordedMessage[];
  readonly tools?: readonly Tool[];
  /** What the history is known to say. Without it facts are looked for. */
  readonly facts?: readonly Fact[];
}

/** A file that holds no transcript that can be read; the message is one line that names it. */
export class TranscriptError extends Error {
  override readonly name = 'TranscriptError';
}

/** All that a message says: its text, and the names and arguments of its calls. */
export function textOf({ content, tool_calls }: Pick<ChatMessage, 'content' | 'tool_calls'>): string {
  const text = contentText(content);
  if (!tool_calls) return text;
  return [text, ...tool_calls.map(({ function: call }) => `${call.name} ${call.arguments}`)].join('\n');
}

/** One request and its answer. */
export interface Round {
  readonly input: readonly ChatMessage[];
  readonly answer: ChatMessage;
  /** Milliseconds after the first round, where the transcript has times. */
  readonly at: number | undefined;
}

/** A transcript as rounds that a server accepts. */
export interface Dialogue {
  readonly name: string;
  /** System messages at the head: pinned, as the client has them. */
  readonly instructions: readonly ChatMessage[];
  readonly tools: readonly Tool[];
  readonly rounds: readonly Round[];
  /** What had to be changed, in words. */
  readonly notes: readonly string[];
}

const NO_RESULT = '[no result was recorded]';
const EMPTY = '[empty]';

/**
 * Makes rounds of messages: every answer ends one. Calls get ids in order, each with its result behind it; what no server accepts
 * is left out and noted.
 * @throws TranscriptError where no round is left
 */
export function toDialogue({ name, messages, tools = [] }: Transcript): Dialogue {
  const first = messages.findIndex(({ role }) => role !== 'system');
  const instructions = messages.slice(0, Math.max(0, first)).filter((message) => contentText(message.content) !== '');
  const rounds: Round[] = [];
  const counts = { orphans: 0, unanswered: 0, silent: 0 };
  let open = new Map<string, string>();
  let calls = 0;
  let input: RecordedMessage[] = [];
  let results: RecordedMessage[] = [];
  let thoughts = '';
  let start: number | undefined;
  for (const message of messages.slice(instructions.length === 0 ? 0 : first)) {
    if (message.role === 'tool') {
      const id = open.get(message.tool_call_id ?? '');
      if (id === undefined) counts.orphans += 1;
      else results.push({ ...message, content: orEmpty(message), tool_call_id: id });
      open.delete(message.tool_call_id ?? '');
    } else if (message.role !== 'assistant') {
      if (contentText(message.content) === '') counts.silent += 1;
      else input.push(message);
    } else if (contentText(message.content) === '' && !message.tool_calls) {
      thoughts += message.reasoning_content ?? '';
    } else {
      counts.unanswered += open.size;
      for (const id of open.values()) results.push({ role: 'tool', content: NO_RESULT, tool_call_id: id });
      const sent = [...results, ...input];
      const ids = (message.tool_calls ?? []).map(({ id }) => [id, `call_${calls++}`] as const);
      if (sent.length === 0 && rounds.length === 0 && instructions.length === 0) counts.silent += 1;
      else {
        const at = sent.findLast((one) => one.at !== undefined)?.at ?? message.at;
        start ??= at;
        const since = at === undefined || start === undefined ? undefined : Math.max(0, at - start);
        rounds.push({ input: sent.map(toBody), answer: toAnswer(message, thoughts, ids), at: since });
        open = new Map(ids);
      }
      [input, results, thoughts] = [[], [], ''];
    }
  }
  if (rounds.length === 0) throw new TranscriptError(`${name}: holds no question with an answer`);
  const left = input.length + results.length;
  const notes = [
    ...note(
      counts.orphans,
      'result of a tool without its call left out',
      'results of tools without their calls left out',
    ),
    ...note(counts.unanswered, 'call got the result of none', 'calls got the result of none'),
    ...note(counts.silent, 'message without text left out', 'messages without text left out'),
    ...note(left, 'message behind the last answer left out', 'messages behind the last answer left out'),
  ];
  return { name, instructions: instructions.map(toBody), tools, rounds, notes };
}

function note(count: number, one: string, many: string): string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
}

function orEmpty({ content }: ChatMessage): ChatMessage['content'] {
  return contentText(content) === '' ? EMPTY : content;
}

/** A message without what is not part of a prompt. Pictures are their place only. */
function toBody({ role, name, content, tool_call_id }: RecordedMessage): ChatMessage {
  return {
    role,
    ...(name !== undefined && { name }),
    content: contentText(content),
    ...(tool_call_id !== undefined && { tool_call_id }),
  };
}

function toAnswer(
  message: RecordedMessage,
  thoughts: string,
  ids: readonly (readonly [string, string])[],
): ChatMessage {
  const reasoning = thoughts + (message.reasoning_content ?? '');
  return {
    role: 'assistant',
    content: contentText(message.content),
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(ids.length > 0 && {
      tool_calls: (message.tool_calls ?? []).map(({ function: called }, place) => ({
        id: ids[place]?.[1] ?? '',
        type: 'function' as const,
        function: called,
      })),
    }),
  };
}
