import { contentText, type ToolCall } from '../../contract/messages.ts';
import { type RecordedMessage, type Transcript, TranscriptError } from './transcript.ts';

type Value = Record<string, unknown>;
type Read = Omit<Transcript, 'name'>;

/** What the records of one file become. */
export interface RecordReader {
  /** @throws TranscriptError without the file's name, where a record cannot be what the format has */
  add(record: Value): void;
  finish(): Read[];
}

/** Formats by the first record of a file. @throws TranscriptError for one that is not known */
export function chooseReader(record: Value): RecordReader {
  const { type, role, messages, payload, message, protocol_version } = record;
  if (type === 'metadata' && typeof protocol_version === 'string') return kimiCodeReader(protocol_version);
  if (typeof type === 'string' && isObject(payload)) return codexReader();
  if (typeof role === 'string') return messageReader();
  if (Array.isArray(messages)) return chatReader();
  if (typeof type === 'string' && (isObject(message) || CLAUDE_CODE_TYPES.includes(type))) return claudeCodeReader();
  if (typeof record.id === 'string' && 'instructions' in record)
    throw new TranscriptError('is a log of Codex before 0.32, which is not known here');
  throw new TranscriptError(
    'is not a transcript: known are messages in JSON or JSONL, a state of the emulator, and logs of kimi-code, Claude Code and Codex',
  );
}

/** A file that is one JSON value. @throws TranscriptError */
export function readWholeDocument(text: string): Read[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const isCut = /end of JSON|Unterminated/i.test((error as Error).message);
    throw new TranscriptError(isCut ? 'the JSON ends too early: is it cut off?' : 'is neither JSON nor JSONL');
  }
  if (Array.isArray(value)) return readMessageList(value);
  if (!isObject(value)) throw new TranscriptError('is not a transcript: neither an object nor a list of messages');
  if ('state' in value) return readState(value);
  const reader = chooseReader(value);
  reader.add(value);
  return reader.finish();
}

function readMessageList(list: readonly unknown[]): Read[] {
  if (list.every((item) => isObject(item) && Array.isArray(item.messages))) {
    const chats = chatReader();
    for (const item of list) chats.add(item as Value);
    return chats.finish();
  }
  return [{ messages: list.map((item, place) => toMessage(item, `messages[${place}]`)).filter(isDefined) }];
}

/** `{messages, tools}`, one history a record. */
function chatReader(): RecordReader {
  const found: Read[] = [];
  return {
    add({ messages, tools }) {
      if (!Array.isArray(messages)) throw new TranscriptError('messages must be a list');
      const read = messages.map((item, place) => toMessage(item, `messages[${place}]`)).filter(isDefined);
      found.push({ messages: read, ...(Array.isArray(tools) && { tools: tools as NonNullable<Read['tools']> }) });
    },
    finish: () => found,
  };
}

/** One message a record, as of the OpenAI API; kimi-cli's contexts have others between them, whose roles begin with `_`. */
function messageReader(): RecordReader {
  const messages: RecordedMessage[] = [];
  return {
    add(record) {
      const message = toMessage(record, 'message');
      if (message) messages.push(message);
    },
    finish: () => [{ messages }],
  };
}

const ROLES: Readonly<Record<string, RecordedMessage['role']>> = {
  system: 'system',
  developer: 'system',
  _system_prompt: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
};

/** Undefined for what is not a message but stands among them. @throws TranscriptError naming the field */
function toMessage(item: unknown, path: string): RecordedMessage | undefined {
  if (!isObject(item) || typeof item.role !== 'string') throw new TranscriptError(`${path}.role is missing`);
  const role = ROLES[item.role];
  if (!role && item.role.startsWith('_')) return undefined;
  if (!role) throw new TranscriptError(`${path}.role must be one of system, user, assistant, tool, not ${item.role}`);
  const { tool_calls: calls, tool_call_id: id, reasoning_content: reasoning } = item;
  const { text, thoughts } = readParts(item.content, path);
  const thought = typeof reasoning === 'string' ? reasoning : thoughts;
  return {
    role,
    content: text,
    ...(role === 'assistant' && thought !== '' && { reasoning_content: thought }),
    ...(role === 'assistant' && Array.isArray(calls) && calls.length > 0 && { tool_calls: calls.map(toCall) }),
    ...(role === 'tool' && { tool_call_id: String(id ?? item.toolCallId ?? '') }),
    ...timeOf(item.timestamp ?? item.time),
  };
}

/** `{id, function: {name, arguments}}`, or `{id, name, arguments}`. */
function toCall(item: unknown): ToolCall {
  const call = isObject(item) ? item : {};
  const called = isObject(call.function) ? call.function : call;
  return toolCall(String(call.id ?? ''), String(called.name ?? 'tool'), called.arguments ?? called.args);
}

function toolCall(id: string, name: string, args: unknown): ToolCall {
  const text = typeof args === 'string' ? args : JSON.stringify(args ?? {});
  return { id, type: 'function', function: { name, arguments: text } };
}

/** A text, or parts: of a picture and of what is not known only its kind is left. */
function readParts(content: unknown, path = 'content'): { text: string; thoughts: string } {
  if (content === null || content === undefined) return { text: '', thoughts: '' };
  if (typeof content === 'string') return { text: content, thoughts: '' };
  if (!Array.isArray(content)) throw new TranscriptError(`${path}.content must be a text or a list of parts`);
  let text = '';
  let thoughts = '';
  for (const part of content.filter(isObject)) {
    const { type, think, thinking } = part;
    if (type === 'think' || type === 'thinking') thoughts += String(think ?? thinking ?? '');
    else if (typeof part.text === 'string') text += part.text;
    else text += contentText([{ type: 'text', text: `[${String(type ?? 'part')}]` }]);
  }
  return { text, thoughts };
}

function timeOf(value: unknown): { at?: number } {
  const ms = typeof value === 'number' ? (value < 1e12 ? value * 1_000 : value) : Date.parse(String(value));
  return Number.isFinite(ms) && value != null ? { at: ms } : {};
}

const CLAUDE_CODE_TYPES = [
  'user',
  'assistant',
  'system',
  'summary',
  'file-history-snapshot',
  'queue-operation',
  'progress',
  'attachment',
  'mode',
  'permission-mode',
  'custom-title',
  'agent-name',
  'last-prompt',
];
const CLAUDE_CODE_VERSIONS = /^[12]\./;

interface ClaudeRecord {
  message: RecordedMessage | undefined;
  uuid: string;
  parent: string | undefined;
  /** The API's id of an answer, which is written in several records. */
  answer: string | undefined;
  results: RecordedMessage[];
}

/**
 * Claude Code: a tree of records, of which the branch counts that ends last. An answer stands in several records; results hang on
 * any of them. What its own compaction has replaced is read as it was, without its summary.
 */
function claudeCodeReader(): RecordReader {
  const records: ClaudeRecord[] = [];
  return {
    add(record) {
      const { version, uuid, parentUuid, logicalParentUuid, isSidechain, isCompactSummary, isApiErrorMessage } = record;
      if (typeof version === 'string' && !CLAUDE_CODE_VERSIONS.test(version))
        throw new TranscriptError(`was written by Claude Code ${version}; versions 1 and 2 are known`);
      if (isSidechain === true && records.some(({ message }) => message)) return;
      const { type, message, timestamp } = record;
      const parent = logicalParentUuid ?? parentUuid;
      const isMessage = (type === 'user' || type === 'assistant') && isObject(message);
      const read = isMessage && !isCompactSummary && !isApiErrorMessage ? toClaude(message, timestamp) : undefined;
      records.push({
        uuid: typeof uuid === 'string' ? uuid : '',
        parent: typeof parent === 'string' ? parent : undefined,
        message: read?.message,
        answer: type === 'assistant' && isObject(message) && typeof message.id === 'string' ? message.id : undefined,
        results: read?.results ?? [],
      });
    },
    finish: () => [{ messages: mergeAnswers(activeRecords(records)) }],
  };
}

function toClaude(message: Value, timestamp: unknown): Pick<ClaudeRecord, 'message' | 'results'> {
  const { role, content } = message;
  const time = timeOf(timestamp);
  const blocks = Array.isArray(content) ? content.filter(isObject) : [];
  const results = blocks.flatMap((block): RecordedMessage[] => {
    if (block.type !== 'tool_result') return [];
    const { text } = readParts(block.content);
    return [{ role: 'tool', content: text, tool_call_id: String(block.tool_use_id ?? ''), ...time }];
  });
  const calls = blocks.filter(({ type }) => type === 'tool_use');
  const rest = blocks.filter(({ type }) => !['tool_use', 'tool_result', 'redacted_thinking'].includes(String(type)));
  const { text, thoughts } = readParts(Array.isArray(content) ? rest : content);
  if (role !== 'assistant')
    return { results, message: text === '' ? undefined : { role: 'user', content: text, ...time } };
  return {
    results,
    message: {
      role: 'assistant',
      content: text,
      ...(thoughts !== '' && { reasoning_content: thoughts }),
      ...(calls.length > 0 && {
        tool_calls: calls.map(({ id, name, input }) => toolCall(String(id), String(name), input)),
      }),
      ...time,
    },
  };
}

/** The branch that ends last, with what belongs to its answers. A parent that is not in the file ends the search: all before counts. */
function activeRecords(records: readonly ClaudeRecord[]): ClaudeRecord[] {
  const byId = new Map(records.map((record) => [record.uuid, record]));
  const active = new Set<ClaudeRecord>();
  let record = records.findLast(({ message, results, uuid }) => uuid !== '' && (message || results.length > 0));
  if (!record) return [...records];
  for (; record && !active.has(record); record = record.parent === undefined ? undefined : byId.get(record.parent))
    active.add(record);
  const answers = new Set([...active].flatMap(({ answer }) => answer ?? []));
  const isActive = (one: ClaudeRecord) =>
    active.has(one) || one.uuid === '' || (one.answer !== undefined && answers.has(one.answer));
  const calls = new Set(
    records.filter(isActive).flatMap(({ message }) => message?.tool_calls?.map(({ id }) => id) ?? []),
  );
  return records.filter((one) => isActive(one) || one.results.some(({ tool_call_id: id }) => calls.has(id ?? '')));
}

function mergeAnswers(records: readonly ClaudeRecord[]): RecordedMessage[] {
  const messages: RecordedMessage[] = [];
  const places = new Map<string, number>();
  for (const { message, answer, results } of records) {
    messages.push(...results);
    if (!message) continue;
    const place = answer === undefined ? undefined : places.get(answer);
    const before = place === undefined ? undefined : messages[place];
    if (place !== undefined && before) messages[place] = joined(before, message);
    else {
      if (answer !== undefined) places.set(answer, messages.length);
      messages.push(message);
    }
  }
  return messages;
}

/** Two parts of one answer. */
function joined(one: RecordedMessage, other: RecordedMessage): RecordedMessage {
  const thoughts = (one.reasoning_content ?? '') + (other.reasoning_content ?? '');
  const calls = [...(one.tool_calls ?? []), ...(other.tool_calls ?? [])];
  return {
    ...one,
    content: contentText(one.content) + contentText(other.content),
    ...(thoughts !== '' && { reasoning_content: thoughts }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** Puts answers together that a log writes in parts: until something else follows, they are one. */
class Answers {
  readonly messages: RecordedMessage[] = [];
  #open = false;

  part(message: Omit<RecordedMessage, 'role' | 'content'> & { content?: string }): void {
    const part: RecordedMessage = { content: '', ...message, role: 'assistant' };
    const last = this.messages.at(-1);
    if (this.#open && last) this.messages[this.messages.length - 1] = joined(last, part);
    else this.messages.push(part);
    this.#open = true;
  }

  other(message: RecordedMessage): void {
    this.messages.push(message);
    this.#open = false;
  }

  /** A prompt that is set anew before anything is said replaces the one before; later the window keeps its first. */
  instruct(message: RecordedMessage): void {
    if (this.messages.every(({ role }) => role === 'system'))
      this.messages.splice(0, Number.POSITIVE_INFINITY, message);
  }

  end(): void {
    this.#open = false;
  }
}

const CODEX_VERSIONS = /^0\./;

/** Codex: `{timestamp, type, payload}`. What its compaction has replaced is read as it was. */
function codexReader(): RecordReader {
  const answers = new Answers();
  let instructed = false;
  return {
    add({ type, payload, timestamp }) {
      const item = isObject(payload) ? payload : {};
      const time = timeOf(timestamp);
      if (type === 'session_meta') {
        const { cli_version: version, instructions, base_instructions: base } = item;
        if (typeof version === 'string' && !CODEX_VERSIONS.test(version))
          throw new TranscriptError(`was written by Codex ${version}; versions 0.x are known`);
        const text = isObject(base) ? base.text : instructions;
        if (typeof text === 'string' && text !== '' && !instructed)
          answers.other({ role: 'system', content: text, ...time });
        instructed = true;
      } else if (type === 'response_item') {
        addCodexItem(answers, item, time);
      }
    },
    finish: () => [{ messages: answers.messages }],
  };
}

function addCodexItem(answers: Answers, item: Value, time: { at?: number }): void {
  const id = String(item.call_id ?? item.id ?? '');
  switch (item.type) {
    case 'message': {
      const { text } = readParts(item.content);
      const role = ROLES[String(item.role)];
      if (text === '' || !role) return;
      if (role === 'assistant') answers.part({ content: text, ...time });
      else answers.other({ role: role === 'system' ? 'system' : 'user', content: text, ...time });
      return;
    }
    case 'reasoning': {
      const parts = [item.summary, item.content].flatMap((list) => (Array.isArray(list) ? list : []));
      const { text } = readParts(parts);
      if (text !== '') answers.part({ reasoning_content: text, ...time });
      return;
    }
    case 'function_call':
    case 'custom_tool_call':
    case 'local_shell_call': {
      const args = item.arguments ?? (item.input === undefined ? item.action : { input: item.input });
      answers.part({ tool_calls: [toolCall(id, String(item.name ?? 'shell'), args)], ...time });
      return;
    }
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const { output } = item;
      const inner = isObject(output) ? (output.content ?? output.body) : output;
      const text =
        typeof inner === 'string' || Array.isArray(inner) ? readParts(inner).text : JSON.stringify(output ?? '');
      answers.other({ role: 'tool', content: text, tool_call_id: id, ...time });
    }
  }
}

/** Newest version of kimi-code's log that is known [kimi-code 2.1.0]. */
const KIMI_CODE_MINOR = 5;

/** kimi-code: whole messages, and the events of its loop. What its compaction has replaced is read as it was. */
function kimiCodeReader(version: string): RecordReader {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (major !== '1' || Number(minor) > KIMI_CODE_MINOR)
    throw new TranscriptError(`is a log of kimi-code in version ${version}; known are 1.0 to 1.${KIMI_CODE_MINOR}`);
  const answers = new Answers();
  return {
    add(record) {
      const { type, message, event, systemPrompt } = record;
      const time = timeOf(record.time);
      const isSetting = type === 'profile.bind' || type === 'config.update';
      if (isSetting && typeof systemPrompt === 'string')
        answers.instruct({ role: 'system', content: systemPrompt, ...time });
      if (type === 'context.append_message' && isObject(message)) {
        const read = toMessage({ tool_calls: message.toolCalls, ...message, time: record.time }, 'message');
        if (read?.role === 'assistant') answers.part(read as Parameters<Answers['part']>[0]);
        else if (read) answers.other(read);
      }
      if (type === 'context.append_loop_event' && isObject(event)) addLoopEvent(answers, event, time);
    },
    finish: () => [{ messages: answers.messages }],
  };
}

function addLoopEvent(answers: Answers, event: Value, time: { at?: number }): void {
  const { type, part, toolCallId, name, args, result } = event;
  if (type === 'step.begin' || type === 'step.end') answers.end();
  if (type === 'content.part') {
    const { text, thoughts } = readParts([part]);
    answers.part({ content: text, ...(thoughts !== '' && { reasoning_content: thoughts }), ...time });
  }
  if (type === 'tool.call') answers.part({ tool_calls: [toolCall(String(toolCallId), String(name), args)], ...time });
  if (type !== 'tool.result' || !isObject(result)) return;
  const output = result.output ?? '';
  const text = typeof output === 'string' || Array.isArray(output) ? readParts(output).text : JSON.stringify(output);
  answers.other({ role: 'tool', content: text, tool_call_id: String(toolCallId), ...time });
}

interface StateFile {
  messages: { body: RecordedMessage; created_at: number; summary: boolean }[];
  segments: { parent: number | null; parent_seq: number; entries: { seq: number; message: number }[] }[];
  sessions: { id: string; window: { segment: number | null; head: number } }[];
}

const STATE_FORMAT = /^kimi-emulator-state\/1$/;

/** The emulator's own state: each session's whole history, as far as it was never rewritten. @throws TranscriptError */
function readState({ format, state }: Value): Read[] {
  if (!STATE_FORMAT.test(String(format)))
    throw new TranscriptError(`is a state in version ${String(format)}; known is kimi-emulator-state/1`);
  const { messages, segments, sessions } = (isObject(state) ? state : {}) as Partial<StateFile>;
  if (!Array.isArray(messages) || !Array.isArray(segments) || !Array.isArray(sessions))
    throw new TranscriptError('is a state without messages, segments or sessions');
  return sessions.map((session) => {
    const { window } = (isObject(session) ? session : {}) as Partial<StateFile['sessions'][number]>;
    if (!isObject(window)) throw new TranscriptError('is damaged: a session has no window');
    const read: RecordedMessage[] = [];
    let to = window.head;
    for (let place = window.segment; place !== null; ) {
      const segment = segments[place];
      if (!Array.isArray(segment?.entries)) throw new TranscriptError(`is damaged: segment ${place} is missing`);
      // A segment is written after the one that it goes on from, so that the walk ends.
      if (segment.parent !== null && !(segment.parent < place))
        throw new TranscriptError(`is damaged: segment ${place} goes on from segment ${segment.parent}`);
      const seen = segment.entries.filter(({ seq }) => seq <= to).toReversed();
      for (const { message } of seen) {
        const stored = messages[message];
        if (!stored) throw new TranscriptError(`is damaged: message ${message} is missing`);
        const body = toMessage(stored.body, `messages[${message}].body`);
        if (body && !stored.summary) read.push({ ...body, at: stored.created_at * 1_000 });
      }
      to = Math.min(to, segment.parent_seq);
      place = segment.parent;
    }
    return { messages: read.toReversed() };
  });
}

function isObject(value: unknown): value is Value {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDefined<Item>(item: Item | undefined): item is Item {
  return item !== undefined;
}
