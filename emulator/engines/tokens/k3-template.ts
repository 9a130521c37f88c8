import type { ChatMessage, ContentPart, Tool } from '../../../contract/messages.ts';
import {
  type AnsweredCall,
  type ChatTemplate,
  K3_SIGHT,
  marker,
  mediaTokens,
  type Piece,
  type PromptSettings,
  UNMEASURED,
} from './prompt.ts';
import { compareCodePoints } from './tool-declarations.ts';

/**
 * The prompt of K3, in its markup XTML [encoding_k3.py of the checkpoint of 2026-07-27, as three public ports render it; counts
 * confirmed against live captures of 2026-08]. Every piece is encoded by itself, so a count is a sum over pieces, and text
 * that a user writes never becomes markup.
 */

/** What of a request stands in the prompt beside its messages. */
export interface K3Settings extends Partial<PromptSettings> {
  /** False where thinking is disabled: then no think block and no effort message stand in the prompt. */
  readonly thinking: boolean;
  readonly effort: PromptSettings['effort'];
  readonly tools?: readonly Tool[];
}

/** A message as K3 reads it. */
export interface K3Message extends Omit<ChatMessage, 'content' | 'tools' | 'reasoning_content'> {
  content: string | readonly ContentPart[] | null;
  reasoning_content?: string | null | undefined;
  /** Tools that a system message adds. */
  tools?: readonly Tool[] | undefined;
  /** The last message, which the answer goes on from. */
  partial?: boolean | undefined;
}

/** A message, in three runs of pieces: the middle one is there only while the model thinks. */
interface RenderedMessage {
  opening: Piece[];
  thinking: Piece[];
  rest: Piece[];
}

type Attribute = readonly [name: string, value: string | number];

/**
 * The whole prompt, up to the assistant's opening tag.
 * @example
 * const settings = { thinking: false, effort: 'max' } as const;
 * countPieces(tokenizer, renderK3Prompt([{ role: 'user', content: 'Reply exactly OK' }], settings)); // 21
 */
export function renderK3Prompt(messages: readonly K3Message[], settings: K3Settings): Piece[] {
  const partial = messages.at(-1)?.partial ? messages.at(-1) : undefined;
  const history = inCallOrder(partial ? messages.slice(0, -1) : messages);
  return [
    ...renderK3Opening(settings),
    ...history.flatMap(({ message, result }) => {
      const { opening, thinking, rest } = renderK3Message(message, result);
      return settings.thinking ? [...opening, ...thinking, ...rest] : [...opening, ...rest];
    }),
    ...renderK3Closing(settings, partial),
  ];
}

/** What stands ahead of the messages: the tools and how much to think. */
export function renderK3Opening({ tools = [], thinking, effort }: K3Settings): Piece[] {
  const declared = tools.length > 0 ? internal('tool-declare', `${DECLARED}${fenced(tools)}`) : [];
  return thinking ? [...declared, ...internal('thinking-effort', effortText(effort))] : declared;
}

/** What stands behind the messages: what this request asks for, and the opening of the answer. */
export function renderK3Closing(
  settings: K3Settings,
  partial?: Pick<K3Message, 'content' | 'reasoning_content' | 'name'>,
): Piece[] {
  return [
    ...askedFor(settings),
    ...open('message', [['role', 'assistant'], ...named(partial?.name)]),
    ...(partial && settings.thinking ? think(partial.reasoning_content) : []),
    ...(partial ? [...open('response'), ...contentPieces(partial.content)] : []),
  ];
}

/** What to call, and in which form to answer. */
function askedFor({ toolChoice, responseFormat }: Partial<PromptSettings>): Piece[] {
  const choice = choiceText(toolChoice);
  const format = formatText(responseFormat);
  return [
    ...(choice === undefined ? [] : internal('tool-choice', choice)),
    ...(format === undefined ? [] : internal('response-format', format)),
  ];
}

function renderK3Message(message: K3Message, result?: AnsweredCall): RenderedMessage {
  const { role, name, content, tools } = message;
  if (tools) return { opening: internal('tool-declare', `${ADDED}${fenced(tools)}`), thinking: [], rest: [] };
  const attributes = role === 'tool' ? resultAttributes(result, name) : named(name);
  const opening = open('message', [['role', role], ...attributes]);
  if (role !== 'assistant') return { opening, thinking: [], rest: [...contentPieces(content), ...END] };
  const rest = [...response(content), ...callPieces(message.tool_calls), ...END];
  return { opening, thinking: think(message.reasoning_content), rest };
}

/** What the model writes: counted as `completion_tokens`, which are the raw markup. */
export function renderK3Answer(
  answer: Pick<K3Message, 'reasoning_content' | 'content' | 'tool_calls'>,
  thinking: boolean,
): Piece[] {
  return [
    ...(thinking ? think(answer.reasoning_content) : []),
    ...response(answer.content),
    ...callPieces(answer.tool_calls),
    ...END,
  ];
}

const OPEN = marker('<|open|>');
const CLOSE = marker('<|close|>');
const SEPARATOR = marker('<|sep|>');
const END: readonly Piece[] = [...close('message'), marker('<|end_of_msg|>')];

const DECLARED = '# Tools\nHere are the available tools, described in JSONSchema.\n\n';
const ADDED =
  '## New Tools Available\nThe system dynamically extends the toolset via lazy-loading.\nYou have access to all existing and extended tools.\nHere are the specs for the extended tools.\n\n';

export const K3_TEMPLATE: ChatTemplate = {
  namesAnsweredCalls: true,
  tools: (tools) => renderK3Opening({ tools, thinking: false, effort: 'max' }),
  message(message, answered) {
    const { opening, thinking, rest } = renderK3Message(message, answered);
    return { body: [...opening, ...rest], reasoning: thinking };
  },
  request(settings, begun) {
    const opening = renderK3Opening({ thinking: settings.thinking, effort: settings.effort });
    const asked = [...opening, ...askedFor(settings)];
    return begun ? asked : [...asked, ...open('message', [['role', 'assistant']])];
  },
  ending: [...close('response'), ...END],
  calls: callPieces,
  answer: (thinking, begun) => ({
    beforeReasoning: thinking && !begun ? open('think') : [],
    afterReasoning: thinking && !begun ? close('think') : [],
    beforeText: begun ? [] : open('response'),
    afterText: close('response'),
    end: END,
  }),
};

function open(tag: string, attributes: readonly Attribute[] = []): Piece[] {
  return [OPEN, tag, ...attributes.flatMap(attributePieces), SEPARATOR];
}

function close(tag: string): Piece[] {
  return [CLOSE, tag, SEPARATOR];
}

/** Angle brackets stay as they are: the markup's own are tokens, not characters. */
function attributePieces([name, value]: Attribute): Piece[] {
  const escaped = String(value).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return [` ${name}`, '="', ...(escaped === '' ? [] : [escaped]), '"'];
}

function named(name: string | undefined): Attribute[] {
  return name === undefined || name === '' ? [] : [['name', name]];
}

function resultAttributes(result: AnsweredCall | undefined, name: string | undefined): Attribute[] {
  if (!result) return [['tool', name ?? 'tool']];
  return [
    ['tool', result.tool],
    ['index', result.index],
  ];
}

/** A message of the system that the server writes. */
function internal(type: string, text: string): Piece[] {
  return [
    ...open('message', [
      ['role', 'system'],
      ['type', type],
    ]),
    text,
    ...END,
  ];
}

/** Always there while the model thinks, also around nothing. */
function think(reasoning: string | null | undefined): Piece[] {
  const text = reasoning == null || reasoning.trim() === '' ? [] : [reasoning];
  return [...open('think'), ...text, ...close('think')];
}

function response(content: K3Message['content']): Piece[] {
  return [...open('response'), ...contentPieces(content), ...close('response')];
}

function contentPieces(content: K3Message['content']): Piece[] {
  if (content === null || content === '') return [];
  if (typeof content === 'string') return [content];
  return content.flatMap((part): Piece[] => {
    if (part.type === 'text') return part.text === '' ? [] : [part.text];
    const { type, media = UNMEASURED } = part;
    const size = `${type === 'image_url' ? 'image' : 'video'} ${media.width}x${media.height}`;
    const pads = marker('<|media_pad|>', mediaTokens(media, K3_SIGHT));
    return [marker('<|media_begin|>'), size, marker('<|media_content|>'), pads, marker('<|media_end|>')];
  });
}

function callPieces(calls: K3Message['tool_calls']): Piece[] {
  if (!calls || calls.length === 0) return [];
  const each = calls.flatMap(({ function: called }, place) => [
    ...open('call', [
      ['tool', called.name],
      ['index', place + 1],
    ]),
    ...argumentPieces(called.arguments),
    ...close('call'),
  ]);
  return [...open('tools'), ...each, ...close('tools')];
}

/** Arguments by name. What is not a JSON object stands as it was written, so that a model sees its own mistake. */
function argumentPieces(text: string): Piece[] {
  if (text.trim() === '') return [];
  const values = parseObject(text);
  if (!values) return [...open('json', [['type', 'object']]), text, ...close('json')];
  return Object.entries(values).flatMap(([key, value]) => {
    const written = typeof value === 'string' ? value : spacedJson(value);
    return [
      ...open('argument', [
        ['key', key],
        ['type', typeName(value)],
      ]),
      ...(written === '' ? [] : [written]),
      ...close('argument'),
    ];
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function effortText(effort: PromptSettings['effort']): string {
  return `\`thinking_effort\` guides on how much to think in your thinking channel (not including the response channel), supported values include \`low\`, \`medium\`, \`high\`, and \`max\`.\nNow the system is invoked with \`thinking_effort=${effort}\`.`;
}

function choiceText(choice: K3Settings['toolChoice']): string | undefined {
  if (choice === undefined || choice === 'auto') return undefined;
  const name = typeof choice === 'string' ? choice : 'specified';
  const order = {
    required: 'You MUST call tools in the next message.',
    none: 'You MUST NOT call any tools in the next message.',
    specified: `You MUST call the tool \`${typeof choice === 'string' ? '' : choice.name}\` in the next message.`,
  }[name];
  return `The system is invoked with \`tool_choice=${name}\`.\n${order}`;
}

function formatText(format: K3Settings['responseFormat']): string | undefined {
  if (format === undefined || format.type === 'text') return undefined;
  const head = `The system is invoked with \`response_format=${format.type}\`.\nYour response must be raw JSON data without markdown code blocks (\`\`\`json) or any additional formatting.`;
  if (format.type === 'json_object') return head;
  return `${head}\nThe JSON data must match the following schema:\n${fenced(format.schema)}`;
}

/** JSON without spaces and with sorted keys, between fences. */
function fenced(value: unknown): string {
  return `\`\`\`json\n${sortedJson(value)}\n\`\`\``;
}

/** Keys by code point, as Python sorts them; those that look like numbers too, which JavaScript would put first. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([name, member]) => `${JSON.stringify(name)}:${sortedJson(member)}`);
  return `{${members.join(',')}}`;
}

/** JSON with a space behind each comma and colon, in the order in which it was written. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${spacedJson(member)}`);
  return `{${members.join(', ')}}`;
}

/** Results stand in the order of the calls that they answer, whatever order they were sent in. */
function inCallOrder(messages: readonly K3Message[]): { message: K3Message; result?: AnsweredCall }[] {
  const ordered: { message: K3Message; result?: AnsweredCall }[] = [];
  let calls: readonly { id: string; function: { name: string } }[] = [];
  let run: { message: K3Message; result: AnsweredCall }[] = [];
  const flush = (): void => {
    run.sort((a, b) => a.result.index - b.result.index);
    ordered.push(...run.map(({ message, result }, place) => ({ message, result: { ...result, index: place + 1 } })));
    run = [];
  };
  for (const message of messages) {
    if (message.role === 'tool') {
      const place = calls.findIndex(({ id }) => id === message.tool_call_id);
      const tool = calls[place]?.function.name ?? message.name ?? 'tool';
      run.push({ message, result: { tool, index: place === -1 ? calls.length : place } });
      continue;
    }
    flush();
    if (message.role === 'assistant') calls = message.tool_calls ?? [];
    ordered.push({ message });
  }
  flush();
  return ordered;
}
