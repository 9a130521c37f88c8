import { codexReader, isTreeLog, kimiCodeReader, treeReader } from './agent-logs.ts';
import { heldBy, isDefined, isObject, type Read, type RecordReader, toMessage, type Value } from './messages.ts';
import { type RecordedMessage, TranscriptError } from './transcript.ts';

/** Formats by the first record of a file. @throws TranscriptError for one that is not known */
export function chooseReader(record: Value): RecordReader {
  const { type, role, messages, payload, protocol_version } = record;
  if (type === 'metadata' && typeof protocol_version === 'string') return kimiCodeReader(protocol_version);
  if (typeof type === 'string' && isObject(payload)) return codexReader();
  if (typeof role === 'string') return messageReader();
  if (Array.isArray(messages)) return chatReader();
  if (isTreeLog(record)) return treeReader();
  if (typeof record.id === 'string' && 'instructions' in record)
    throw new TranscriptError('is a log of Codex before 0.32, which is not known here');
  throw new TranscriptError(
    'is not a transcript: known are messages in JSON or JSONL, a state of the emulator, and logs of kimi-code, kimi-cli, Claude Code and Codex',
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
  return [{ messages: readMessages(list) }];
}

function readMessages(list: readonly unknown[]): RecordedMessage[] {
  return list.map((item, place) => toMessage(item, `messages[${place}]`)).filter(isDefined);
}

/** `{messages, tools}`, one history a record. */
function chatReader(): RecordReader {
  const found: Read[] = [];
  return {
    add({ messages, tools }) {
      if (!Array.isArray(messages)) throw new TranscriptError('messages must be a list');
      const read = readMessages(messages);
      if (read.length > 0)
        found.push({ messages: read, ...(Array.isArray(tools) && { tools: tools as NonNullable<Read['tools']> }) });
      return read.reduce((sum, message) => sum + heldBy(message), 0);
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
      return message ? heldBy(message) : 0;
    },
    finish: () => [{ messages }],
  };
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
