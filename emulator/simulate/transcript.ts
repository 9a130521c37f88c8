import * as z from 'zod';
import { type ChatMessage, contentText, Tool } from '../../contract/messages.ts';
import { refuseOption } from '../bad-input.ts';

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

/** A part of a transcript as it must be, with what was found instead. */
function must(wanted: string) {
  return {
    error: ({ input }: { input?: unknown }) =>
      `must be ${wanted}, not ${JSON.stringify(input)?.slice(0, 80) ?? String(input)}`,
  };
}
const Text = z.string(must('a text'));
const Call = z.object(
  { id: Text, function: z.object({ name: Text, arguments: Text }, must('a name with arguments')) },
  must('a call'),
);
const Message = z.object(
  {
    role: z.enum(['system', 'user', 'assistant', 'tool'], must('one of system, user, assistant, tool')),
    content: z.union([z.string(), z.array(z.looseObject({}))], must('a text or a list of parts')).nullish(),
    name: Text.nullish(),
    tool_call_id: Text.nullish(),
    reasoning_content: Text.nullish(),
    tool_calls: z.array(Call, must('a list of calls')).nullish(),
    at: z.number(must('milliseconds since 1970')).optional(),
  },
  must('a message'),
);
const Words = z.array(Text.min(1, must('a word')), must('a list of words')).min(1, must('a list of one word at least'));
const Shape = z.object({
  messages: z.array(Message, must('a list of messages')).min(1, must('a list of one message at least')),
  tools: z.array(z.unknown().refine((tool) => Tool.safeParse(tool).success, must('a function with a name'))).optional(),
  facts: z.array(z.object({ question: Text, words: Words }, must('a question with words'))).optional(),
});

/** What is wrong with a transcript, naming the field: `messages[3].role must be …`. Undefined where nothing is. */
export function faultOf(transcript: unknown): string | undefined {
  const [issue] = Shape.safeParse(transcript).error?.issues ?? [];
  if (!issue) return undefined;
  const path = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return `${path.slice(1)} ${issue.message}`;
}

/** Transcripts as an option: each with a name of its own. @throws RangeError in one line that names the field */
export function checkTranscripts(transcripts: readonly Transcript[]): Transcript[] {
  if (!Array.isArray(transcripts) || transcripts.length === 0)
    refuseOption('transcripts', 'a list of one transcript at least', transcripts);
  const names = new Set<string>();
  return transcripts.map((transcript: Transcript | undefined, place) => {
    const path = `transcripts[${place}]`;
    if (typeof transcript !== 'object' || transcript === null) refuseOption(path, 'a transcript', transcript);
    if (typeof transcript.name !== 'string' || transcript.name === '')
      refuseOption(`${path}.name`, 'a text', transcript.name);
    const fault = faultOf(transcript);
    if (fault !== undefined) throw new RangeError(`option ${path}.${fault}`);
    let { name } = transcript;
    for (let count = 2; names.has(name); count += 1) name = `${transcript.name} (${count})`;
    names.add(name);
    return name === transcript.name ? transcript : { ...transcript, name };
  });
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
