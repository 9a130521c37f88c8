import type { Capability } from '../../../contract/capabilities.ts';
import type { SessionMessage } from '../../../contract/sessions.ts';
import type { CaseContext } from '../../core/case.ts';
import { expectEqual, expectTrue } from '../../core/expect.ts';
import type { Turn } from '../../tables/turns.ts';
import { FORECAST_NAME, FORECAST_REQUEST } from '../../wire/chat.ts';
import { promptOverhead } from '../../wire/model.ts';
import { type Message, type State, toolCall, toolResult, user } from '../../wire/sessions.ts';
import { asWritten, estimateTokens, OTHER_TOOL, TOOL } from '../../wire/windows.ts';
import { asListed, listedFields } from '../append/shape-cases.ts';
import type { WireRuleId } from '../rules.ts';
import { LONG_ANSWER, ordering } from './case-support.ts';

/** Turns with every feature of a chat: what each stores, and what it counts. */

export const { messages: ASKING, tools: FORECAST } = FORECAST_REQUEST;
export const MUST_CALL = { tool_choice: 'required', max_tokens: 64 };

const NOTE = {
  type: 'function',
  function: {
    name: 'save_note',
    description: 'Saves a note word for word.',
    parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  },
};

/** The second begins before the last of the first, as no other text of these cases does. */
const BEGINNING = 'The code word of the project is';

export interface Feature {
  rule: WireRuleId;
  needs?: readonly Capability[];
  /** The session before the turn. */
  fields?: object;
  messages: readonly object[];
  more?: object;
  /** Whether the model has done what the feature is about; asked again where not. */
  met?: (turn: Turn) => boolean;
  /** What may not be said. */
  never?: string;
  /** What of the answer is stored: all of it, or nothing. */
  stores?: 'nothing';
  /** What stands before the answer in the message that is stored. */
  begins?: string;
  /** The tools of the session afterwards. */
  tools?: readonly object[];
}

const says = (text: string) => (turn: Turn) => turn.content.includes(text);

export const FEATURES: Readonly<Record<string, Feature>> = {
  text: { rule: 'turn.stored', messages: [ordering('All is well on every river.')], met: says('All is well') },
  several: {
    rule: 'turn.stored',
    messages: [
      { role: 'system', content: 'Be brief. 简短回答。', name: 'house' },
      { ...user('First.'), name: 'ann', pinned: true },
      { role: 'assistant', content: 'Second.', name: 'kim' },
      ordering('All is well.'),
    ],
  },
  'no-messages': { rule: 'turn.no-messages', messages: [] },
  'one-choice': { rule: 'turn.one-choice', messages: [ordering('Yes.')], more: { n: 1 } },
  'null-choices': { rule: 'turn.one-choice', messages: [ordering('Yes.')], more: { n: null, stop: null } },
  results: {
    rule: 'turn.tool-results',
    fields: { messages: [user('Look it up.'), toolCall('call_a', 'call_b')] },
    messages: [toolResult('call_b', 'second'), { ...toolResult('call_a', 'first'), name: 'look_up' }],
    more: { tool_choice: 'none' },
  },
  'session-tools': {
    rule: 'turn.session-tools',
    fields: { tools: [TOOL] },
    messages: [ordering('Yes.')],
    more: { tool_choice: 'none' },
    tools: [TOOL],
  },
  'same-tools': {
    rule: 'turn.new-tools',
    fields: { tools: [TOOL] },
    messages: [ordering('Yes.')],
    more: { tools: [TOOL], tool_choice: 'none' },
    tools: [TOOL],
  },
  'other-tools': {
    rule: 'turn.new-tools',
    fields: { tools: [TOOL] },
    messages: [ordering('Yes.')],
    more: { tools: [OTHER_TOOL, TOOL], tool_choice: 'none' },
    tools: [OTHER_TOOL, TOOL],
  },
  'no-tools': {
    rule: 'turn.new-tools',
    fields: { tools: [TOOL] },
    messages: [ordering('Yes.')],
    more: { tools: [] },
    tools: [],
  },
  'null-tools': {
    rule: 'turn.session-tools',
    fields: { tools: [TOOL] },
    messages: [ordering('Yes.')],
    more: { tools: null, tool_choice: 'none' },
    tools: [TOOL],
  },
  partial: {
    rule: 'turn.partial',
    needs: ['chat.partial'],
    fields: { messages: [user('The code word of the project is RIVER42.')] },
    messages: [user('What is the code word of the project?'), { role: 'assistant', content: BEGINNING, partial: true }],
    begins: BEGINNING,
    met: ({ content }) => content !== '',
  },
  'partial-named': {
    rule: 'turn.partial',
    needs: ['chat.partial'],
    fields: { messages: [user('The code word of the project is RIVER42.')] },
    messages: [
      user('What is the code word of the project?'),
      { role: 'assistant', content: BEGINNING, name: 'kim', partial: true },
    ],
    begins: BEGINNING,
    met: ({ content }) => content !== '',
  },
  stop: {
    rule: 'turn.stored',
    messages: [ordering('river BREAK stone')],
    more: { stop: 'BREAK' },
    met: says('river'),
    never: 'BREAK',
  },
  'stop-list': {
    rule: 'turn.stored',
    messages: [ordering('river BREAK stone')],
    more: { stop: ['HALT', 'BREAK'] },
    met: says('river'),
    never: 'BREAK',
  },
  empty: {
    rule: 'turn.empty-answer',
    messages: [ordering('BREAK')],
    more: { stop: ['BREAK', 'B'] },
    met: ({ content }) => content === '',
    stores: 'nothing',
  },
  cut: {
    rule: 'turn.cut-text',
    messages: [ordering(LONG_ANSWER)],
    more: { max_tokens: 12 },
    met: ({ finish }) => finish === 'length',
  },
  'cut-by-new-name': {
    rule: 'turn.cut-text',
    messages: [ordering(LONG_ANSWER)],
    more: { max_tokens: undefined, max_completion_tokens: 12 },
    met: ({ finish }) => finish === 'length',
  },
  json: {
    rule: 'turn.stored',
    needs: ['chat.json'],
    messages: [user('The name is Jason. Reply with a JSON object that has the name.')],
    more: { response_format: { type: 'json_object' }, max_tokens: 64 },
  },
  call: {
    rule: 'turn.stored',
    needs: ['chat.tools'],
    fields: { tools: FORECAST },
    messages: ASKING,
    more: MUST_CALL,
    met: ({ calls }) => calls[0]?.function.name === FORECAST_NAME,
    tools: FORECAST,
  },
  'call-of-new-tool': {
    rule: 'turn.new-tools',
    needs: ['chat.tools'],
    messages: ASKING,
    more: { ...MUST_CALL, tools: FORECAST },
    met: ({ calls }) => calls[0]?.function.name === FORECAST_NAME,
    tools: FORECAST,
  },
  'cut-call': {
    rule: 'turn.cut-call',
    needs: ['chat.tools'],
    fields: { tools: [NOTE] },
    messages: [user(`Call save_note with the text "${LONG_ANSWER}".`)],
    more: { tool_choice: 'required', max_tokens: 24 },
    met: ({ finish }) => finish === 'length',
    stores: 'nothing',
    tools: [NOTE],
  },
};

/** The reply as it has to be listed. */
function replyOf({ content, calls }: Turn, { begins = '', messages }: Feature): object {
  const last = messages.at(-1) as { name?: string; partial?: boolean } | undefined;
  const name = last?.partial ? last.name : undefined;
  return {
    ...asListed({ role: 'assistant', content: begins + content }),
    ...(name !== undefined && { name }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** A message of calls may have no text or an empty one. */
function shown(message: SessionMessage): object {
  return listedFields({ ...message, content: message.tool_calls ? (message.content ?? '') : message.content });
}

export async function judgeStored(turn: Turn, feature: Feature, before: State, after: State): Promise<void> {
  const { messages, begins, stores, never, tools = [] } = feature;
  if (never !== undefined) expectTrue(!turn.content.includes(never), `the answer goes on behind ${never}`);
  const added = after.messages.slice(before.messages.length);
  expectEqual(after.messages.slice(0, before.messages.length), before.messages, 'the messages that stood there before');
  const sent = (begins === undefined ? messages : messages.slice(0, -1)) as Message[];
  const due = [...sent.map(asListed), ...(stores === 'nothing' ? [] : [replyOf(turn, feature)])];
  expectEqual(added.map(shown), due, 'what the turn adds to the window');
  expectEqual(after.session.tools, tools, 'the tools of the session');
  const { title, metadata, model } = before.session;
  expectEqual(
    { title, metadata, model },
    { title: after.session.title, metadata: after.session.metadata, model: after.session.model },
    'title, metadata and model',
  );
}

export function judgeSession(turn: Turn, before: State, after: State): void {
  const { version, usage, updated_at } = after.session;
  expectEqual(turn.session, { id: before.session.id, version, usage }, 'the session that the answer names');
  expectEqual(version, before.session.version + 1, 'the version after the turn');
  expectTrue(updated_at >= before.session.updated_at, 'the time of the last change');
}

export async function judgeCounted(
  context: CaseContext<string>,
  turn: Turn,
  feature: Feature,
  before: State,
  after: State,
): Promise<void> {
  const { messages, more = {}, stores, begins } = feature;
  const { usage } = after.session;
  const { prompt_tokens, completion_tokens, total_tokens } = turn.usage;
  expectEqual(total_tokens, prompt_tokens + completion_tokens, 'total_tokens of the turn');
  const written = before.session.usage.total_tokens - before.session.usage.tools_tokens;
  const { overhead } = context.texts;
  const window = before.messages.map(asWritten);
  const count = (all: readonly object[]) =>
    all.length > 0 ? estimateTokens(context, { messages: all }) : overhead.estimate;
  // Some templates write into a result which call it answers.
  const added = (await count([...window, ...messages])) - (await count(window));
  const assistants = [...window, ...messages].filter((message) => (message as Message).role === 'assistant').length;
  const around = promptOverhead(overhead, more, assistants);
  if (begins === undefined) {
    const due = written + usage.tools_tokens + added + around;
    expectEqual(prompt_tokens, due, 'the prompt: the tools, the window and the new messages');
  }
  const complete = begins === undefined ? overhead.reply : overhead.begunReply;
  const reply = turn.finish === 'length' ? overhead.cutReply : complete;
  const stored = prompt_tokens - around + (stores === 'nothing' ? 0 : completion_tokens + reply);
  expectEqual(usage.total_tokens, stored, 'the usage of the session after the turn');
  const sum = after.messages.reduce((tokens, message) => tokens + message.tokens, usage.tools_tokens);
  expectEqual(usage.total_tokens, sum, 'the usage, against the listed messages');
  expectEqual(usage.messages, after.messages.length, 'the messages that are counted');
  if (stores !== 'nothing' && begins === undefined) {
    expectEqual(after.messages.at(-1)?.tokens, completion_tokens + reply, 'the tokens of the stored reply');
  }
}
