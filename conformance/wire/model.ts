import { findProfile } from '../../contract/models/profiles.ts';

/** What a prompt and an answer count besides their texts, by the chat template of the model. */
export interface Overhead {
  /** Of an estimate: what opens the answer, and what the template puts before the messages. */
  readonly estimate: number;
  /** The same of a prompt that is charged, as the kit asks. */
  readonly prompt: number;
  /** Of a message by the user: its markers and the name of its role. */
  readonly message: number;
  /** What a stored reply counts besides the completion tokens of its answer. */
  readonly reply: number;
  /** The same of an answer that was cut, so that the model has not written its end. */
  readonly cutReply: number;
  /** The same of an answer that goes on from a beginning, which stands in the prompt. */
  readonly begunReply: number;
  /** Of a message by the assistant. */
  readonly assistant: number;
  /** What an answer spends of its budget besides its text. */
  readonly answer: number;
  /** What an assistant's message counts in a window and not in the prompt of a chat without thinking. */
  readonly thinkBlock: number;
  /** The message that tells the model of a `tool_choice`. */
  readonly toolChoice: Readonly<Record<string, number>>;
  /** The message that tells the model of a response format. */
  readonly responseFormat: Readonly<Record<string, number>>;
}

/** What the kit has to know of the model that it tests. */
interface ModelUnderTest {
  readonly family: 'k2' | 'k2.5' | 'k3';
  /** The model of new sessions; absent where it is that of the dialect, which sessions have by themselves. */
  readonly sessionFields: object;
  /** What each chat carries, so that an answer of a few tokens is one: without it the budget goes into reasoning. */
  readonly chatFields: object;
  /** What makes it call a function: where it thinks, some models refuse to be forced. */
  readonly mustCall: 'required' | 'auto';
  readonly overhead: Overhead;
}

const PLAIN = { answer: 0, thinkBlock: 0, toolChoice: {}, responseFormat: {} };

/**
 * K2: contract/limits.ts. K2.5 to K2.7: the same, with an empty think block of two tokens in each assistant message and behind the
 * prompt [assumed], and a reasoning token in an answer without thinking [vercel/ai, recorded 2026-08-24]. K3: the parts of its
 * template [ai-dynamo kimi_k3 renderer, 2026-08; Kimi-Vendor-Verifier 3dad65a]; the message that names the effort is 67 tokens, and
 * stands in an estimate, while the chats of the kit turn thinking off.
 */
const OVERHEAD: Readonly<Record<ModelUnderTest['family'], Overhead>> = {
  k2: { ...PLAIN, estimate: 3, prompt: 3, message: 4, assistant: 4, reply: 4, cutReply: 4, begunReply: 4 },
  'k2.5': {
    ...PLAIN,
    estimate: 4,
    prompt: 5,
    message: 4,
    assistant: 6,
    reply: 5,
    cutReply: 5,
    begunReply: 6,
    answer: 1,
  },
  k3: {
    estimate: 74,
    prompt: 7,
    message: 11,
    assistant: 23,
    reply: 13,
    cutReply: 20,
    begunReply: 7,
    answer: 12,
    thinkBlock: 6,
    toolChoice: { required: 36, none: 38 },
    responseFormat: { json_object: 47 },
  },
};

/** Of K2.7, which cannot be told not to think: the budget of an answer has to hold that too, and its reply keeps it. */
const ALWAYS_THINKS = { prompt: 4, begunReply: 5, answer: 100 };

/** What is known of a model by its name. One that is not known is asked as K2 is. */
export function modelUnderTest(name: string): ModelUnderTest {
  const profile = findProfile(name);
  const family = profile?.template.value ?? 'k2';
  const thinking = profile?.thinking.byDefault.value === true ? profile.thinking.disabled.value : undefined;
  return {
    family,
    sessionFields: family === 'k2' ? {} : { model: name },
    chatFields: thinking === 'obeyed' ? { thinking: { type: 'disabled' } } : {},
    mustCall: thinking === 'refused' && profile?.tools.requiredWhileThinking.value === 'refused' ? 'auto' : 'required',
    overhead: { ...OVERHEAD[family], ...(thinking === 'refused' && ALWAYS_THINKS) },
  };
}

interface PromptFields {
  readonly tool_choice?: unknown;
  readonly response_format?: unknown;
}

/** What the prompt of a chat counts besides its tools and messages, of which so many are the assistant's. */
export function promptOverhead(overhead: Overhead, body: PromptFields, assistants: number): number {
  const { tool_choice, response_format } = body;
  const format = (response_format as { type?: string } | undefined)?.type;
  return (
    overhead.prompt -
    assistants * overhead.thinkBlock +
    (overhead.toolChoice[String(tool_choice)] ?? 0) +
    (overhead.responseFormat[String(format)] ?? 0)
  );
}

/** What a window must hold for a turn besides its tools, its messages and the most tokens of its answer. */
export function turnRoom(overhead: Overhead, body: PromptFields, assistants: number): number {
  // One more: the end of the answer. An answer of the most tokens is a cut one.
  return Math.max(promptOverhead(overhead, body, assistants) + 1, overhead.cutReply);
}
