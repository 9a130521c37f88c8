import { contentText } from '../../contract/messages.ts';
import {
  extend,
  heldBy,
  isObject,
  type Read,
  type RecordReader,
  ROLES,
  readParts,
  timeOf,
  toCall,
  toMessage,
  type Value,
} from './messages.ts';
import { type RecordedMessage, TranscriptError } from './transcript.ts';

/** Kinds of records of Claude Code that are not messages. */
const TREE_TYPES: readonly unknown[] = [
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
const TREE_VERSIONS = /^[12]\./;
/** Records without a message through which the branch is followed: so many of the newest at least, as a record names one just before. */
const KEPT_STEPS = 65_536;

/** A record that says something. */
interface Said {
  /** The one before it on its branch. */
  readonly before: Said | undefined;
  readonly message: RecordedMessage | undefined;
  readonly results: readonly RecordedMessage[];
  /** The API's id of an answer, which is written in several records. */
  readonly answer: string | undefined;
}

export function isTreeLog({ type, message }: Value): boolean {
  return typeof type === 'string' && (isObject(message) || TREE_TYPES.includes(type));
}

/**
 * Claude Code: a tree of records, of which the branch counts that ends last. An answer stands in several records; results hang on
 * any of them. What its own compaction has replaced is read as it was, without its summary. A file that begins with a sub-agent
 * is that sub-agent's own.
 */
export function treeReader(): RecordReader {
  const said: Said[] = [];
  /** By the id of a record: what was said up to there. */
  const bySaid = new Map<string, Said>();
  let steps = new Map<string, Said | undefined>();
  let olderSteps = steps;
  let isSidechainLog: boolean | undefined;
  const whatCameBefore = ({ parentUuid, logicalParentUuid, subtype }: Value) => {
    const parent = logicalParentUuid ?? parentUuid;
    if (parent === null && subtype !== 'compact_boundary') return undefined;
    if (typeof parent === 'string')
      for (const known of [bySaid, steps, olderSteps]) if (known.has(parent)) return known.get(parent);
    // A compaction may name a record that comes later or was removed: then it follows what stands before it.
    return said.at(-1);
  };
  return {
    add(record) {
      const { version, type, message, timestamp, isCompactSummary, isApiErrorMessage } = record;
      if (typeof version === 'string' && !TREE_VERSIONS.test(version))
        throw new TranscriptError(`was written by Claude Code ${version}; versions 1 and 2 are known`);
      const isMessage = (type === 'user' || type === 'assistant') && isObject(message);
      if (isMessage) isSidechainLog ??= record.isSidechain === true;
      if (record.isSidechain === true && isSidechainLog === false) return 0;
      const uuid = typeof record.uuid === 'string' ? record.uuid : '';
      const before = whatCameBefore(record);
      const read =
        isMessage && !isCompactSummary && !isApiErrorMessage ? readTreeMessage(message, timestamp) : undefined;
      if (!read?.message && !read?.results.length) {
        if (uuid !== '') steps.set(uuid, before);
        if (steps.size >= KEPT_STEPS) [steps, olderSteps] = [new Map(), steps];
        return 0;
      }
      const answer = isMessage && type === 'assistant' && typeof message.id === 'string' ? message.id : undefined;
      const one = { before, answer, ...read };
      said.push(one);
      if (uuid !== '') bySaid.set(uuid, one);
      const held = [read.message, ...read.results].map((part) => (part ? heldBy(part) : 0));
      return held.reduce((sum, size) => sum + size, 0);
    },
    finish: () => [{ messages: mergeAnswers(lastBranch(said)) }],
  };
}

function readTreeMessage({ role, content }: Value, timestamp: unknown): Pick<Said, 'message' | 'results'> {
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
      ...(calls.length > 0 && { tool_calls: calls.map(({ id, name, input }) => toCall(id, name, input)) }),
      ...time,
    },
  };
}

/** The branch that ends last, with all parts of its answers and all results of its calls. */
function lastBranch(said: readonly Said[]): Said[] {
  const branch = new Set<Said>();
  for (let one = said.at(-1); one; one = one.before) branch.add(one);
  const answers = new Set([...branch].flatMap(({ answer }) => answer ?? []));
  const isOnBranch = (one: Said) => branch.has(one) || (one.answer !== undefined && answers.has(one.answer));
  const calls = new Set(
    said.filter(isOnBranch).flatMap(({ message }) => message?.tool_calls?.map(({ id }) => id) ?? []),
  );
  return said.filter((one) => isOnBranch(one) || one.results.some(({ tool_call_id: id }) => calls.has(id ?? '')));
}

function mergeAnswers(said: readonly Said[]): RecordedMessage[] {
  const messages: RecordedMessage[] = [];
  const answers = new Map<string, RecordedMessage>();
  for (const { message, answer, results } of said) {
    messages.push(...results);
    const begun = answer === undefined ? undefined : answers.get(answer);
    if (message && begun) extend(begun, message);
    else if (message) {
      messages.push(message);
      if (answer !== undefined) answers.set(answer, message);
    }
  }
  return messages;
}

/** Puts answers together that a log writes in parts. */
class Answers {
  messages: RecordedMessage[] = [];
  /** The answer that a next part belongs to. */
  #open: RecordedMessage | undefined;

  /** @returns characters that it holds */
  part(message: Omit<RecordedMessage, 'role' | 'content'> & { content?: RecordedMessage['content'] }): number {
    const part: RecordedMessage = { content: '', ...message, role: 'assistant' };
    if (this.#open) extend(this.#open, part);
    else this.messages.push(part);
    this.#open ??= part;
    return heldBy(part);
  }

  /** @param ends whether what was answered so far is ended by it @returns characters that it holds */
  other(message: RecordedMessage, ends = true): number {
    this.messages.push(message);
    if (ends) this.#open = undefined;
    return heldBy(message);
  }

  /** An answer that is told whole. One that its parts have told already is the same. */
  whole(message: RecordedMessage): number {
    const last = this.messages.at(-1);
    const isSame =
      last?.role === 'assistant' &&
      contentText(last.content) === contentText(message.content) &&
      (last.tool_calls?.length ?? 0) === (message.tool_calls?.length ?? 0);
    return isSame ? 0 : this.part(message);
  }

  /** A prompt that is set anew before anything is said replaces the one before; later the window keeps its first. */
  instruct(message: RecordedMessage): number {
    if (this.messages.some(({ role }) => role !== 'system')) return 0;
    this.messages = [message];
    return heldBy(message);
  }

  end(): void {
    this.#open = undefined;
  }

  /** Takes back all from a place on. */
  cutFrom(place: number): void {
    this.messages.length = Math.min(this.messages.length, place);
    this.#open = undefined;
  }
}

const CODEX_VERSIONS = /^0\./;

/**
 * Codex: `{timestamp, type, payload}`. What its compaction has replaced is read as it was. The `instructions` of its head are the
 * user's, which the log has once more as a message.
 */
export function codexReader(): RecordReader {
  const answers = new Answers();
  let instructed = false;
  return {
    add({ type, payload, timestamp }) {
      const item = isObject(payload) ? payload : {};
      const time = timeOf(timestamp);
      if (type === 'response_item') return addCodexItem(answers, item, time);
      if (type !== 'session_meta') return 0;
      const { cli_version: version, base_instructions: base } = item;
      if (typeof version === 'string' && !CODEX_VERSIONS.test(version))
        throw new TranscriptError(`was written by Codex ${version}; versions 0.x are known`);
      const text = isObject(base) ? base.text : base;
      // A session that was forked has the head of the other behind its own.
      if (instructed || typeof text !== 'string' || text === '') return 0;
      instructed = true;
      return answers.other({ role: 'system', content: text, ...time });
    },
    finish: () => [{ messages: answers.messages }],
  };
}

function addCodexItem(answers: Answers, item: Value, time: { at?: number }): number {
  const id = String(item.call_id ?? item.id ?? '');
  switch (item.type) {
    case 'message': {
      const { text } = readParts(item.content);
      const role = ROLES[String(item.role)];
      if (text === '' || !role) return 0;
      if (role === 'assistant') return answers.part({ content: text, ...time });
      return answers.other({ role: role === 'system' ? 'system' : 'user', content: text, ...time });
    }
    case 'reasoning': {
      const parts = [item.summary, item.content].flatMap((list) => (Array.isArray(list) ? list : []));
      const { text } = readParts(parts);
      return text === '' ? 0 : answers.part({ reasoning_content: text, ...time });
    }
    case 'function_call':
    case 'custom_tool_call':
    case 'local_shell_call': {
      const args = item.arguments ?? (item.input === undefined ? item.action : { input: item.input });
      return answers.part({ tool_calls: [toCall(id, item.name ?? 'shell', args)], ...time });
    }
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const { output } = item;
      const inner = isObject(output) ? (output.content ?? output.body ?? output) : output;
      return answers.other({ role: 'tool', content: outputText(inner), tool_call_id: id, ...time });
    }
    default:
      return 0;
  }
}

function outputText(output: unknown): string {
  if (output === undefined || output === null) return '';
  return typeof output === 'string' || Array.isArray(output) ? readParts(output).text : JSON.stringify(output);
}

/** Newest version of kimi-code's log that is known [kimi-code 2.1.0]. */
const KIMI_CODE_MINOR = 5;

/**
 * kimi-code: whole messages, and the events of its loop. What its compaction has replaced is read as it was; what was undone is left
 * out, and after a clear another transcript begins.
 */
export function kimiCodeReader(version: string): RecordReader {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (major !== '1' || Number(minor) > KIMI_CODE_MINOR)
    throw new TranscriptError(`is a log of kimi-code in version ${version}; known are 1.0 to 1.${KIMI_CODE_MINOR}`);
  const cleared: Read[] = [];
  const answers = new Answers();
  /** Where the user's own prompts stand: an undo counts these. */
  let prompts: number[] = [];
  return {
    add(record) {
      const { type, message, event, systemPrompt, count } = record;
      const time = timeOf(record.time);
      switch (type) {
        case 'profile.bind':
        case 'config.update':
          return typeof systemPrompt === 'string'
            ? answers.instruct({ role: 'system', content: systemPrompt, ...time })
            : 0;
        case 'context.append_loop_event':
          return isObject(event) ? addLoopEvent(answers, event, time) : 0;
        case 'context.undo': {
          const from = typeof count === 'number' && count > 0 ? prompts.at(-count) : undefined;
          answers.cutFrom(from ?? Number.POSITIVE_INFINITY);
          prompts = prompts.filter((place) => place < answers.messages.length);
          return 0;
        }
        case 'context.clear':
          if (prompts.length > 0) cleared.push({ messages: answers.messages });
          answers.messages = answers.messages.filter(({ role }) => role === 'system').slice(0, 1);
          answers.end();
          prompts = [];
          return 0;
        case 'context.append_message': {
          if (!isObject(message)) return 0;
          const read = toMessage({ tool_calls: message.toolCalls, ...message, time: record.time }, 'message');
          if (!read) return 0;
          if (read.role === 'assistant') return answers.whole(read);
          if (read.role === 'user' && isPrompt(message.origin)) prompts.push(answers.messages.length);
          return answers.other(read);
        }
        default:
          return 0;
      }
    },
    finish: () => [...cleared, { messages: answers.messages }],
  };
}

/** What the user wrote, or called by a slash; not what kimi-code adds to it. */
function isPrompt(origin: unknown): boolean {
  if (!isObject(origin)) return true;
  if (origin.inTurn === true) return false;
  const { kind, trigger } = origin;
  return kind === 'user' || ((kind === 'skill_activation' || kind === 'plugin_command') && trigger === 'user-slash');
}

function addLoopEvent(answers: Answers, event: Value, time: { at?: number }): number {
  const { type, part, toolCallId, name, args, result } = event;
  switch (type) {
    case 'step.begin':
    case 'step.end':
      answers.end();
      return 0;
    case 'content.part': {
      const { text, thoughts } = readParts([part]);
      return answers.part({ content: text, ...(thoughts !== '' && { reasoning_content: thoughts }), ...time });
    }
    case 'tool.call':
      return answers.part({ tool_calls: [toCall(toolCallId, name, args)], ...time });
    case 'tool.result': {
      const content = outputText(isObject(result) ? result.output : result);
      // A step goes on until its end: the results of its first calls come before its last ones.
      return answers.other({ role: 'tool', content, tool_call_id: String(toolCallId ?? ''), ...time }, false);
    }
    default:
      return 0;
  }
}
