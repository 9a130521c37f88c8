import { type ChatMessage, contentText, type Tool } from '../../../contract/messages.ts';
import { endsSentence, type Span, sentences } from '../text/sentences.ts';
import { wordsOfName } from './keys.ts';

/** What the lookup model reads of a request: the prompt, and the form in which the answer is wanted. */
export interface LookupRequest {
  messages: readonly ChatMessage[];
  tools: readonly Tool[];
  /** True where the last message is an assistant's beginning that the answer continues. */
  partial: boolean;
  toolChoice: 'none' | 'auto' | 'required' | { name: string };
  responseFormat: ResponseFormat;
  signal: AbortSignal;
}

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; schema: Record<string, unknown> };

/** The whole text of the answer, or one whole tool call (`arguments` is JSON text). */
export type LookupDelta = { type: 'text'; text: string } | { type: 'tool_call'; name: string; arguments: string };

/** What is asked, and how much of the asking message may itself serve as evidence. */
export interface Question {
  /** Index of the message that asks; -1 where nobody does. */
  message: number;
  /** That message as it stands. */
  whole: string;
  /** Its last part, in which tools are named and what to call them with. */
  order: string;
  /** The sentences that ask. */
  text: string;
  /** The asking begins here: sentences before it are evidence. */
  start: number;
  /** From here on the message is evidence again: a long text may follow the question about it. */
  after: number;
  /** Facts before here are evidence: "the code is 7, so what is the code?" tells before it asks. */
  factsEnd: number;
}

/** Units at the end of a message in which the question is looked for. */
const TAIL = 4_000;
/** What follows a question and is shorter belongs to it. */
const AFTERTHOUGHT = 400;

const ENGLISH_OPENING =
  /^["'(*\s-]*(?:(?:and|so|now|also|please|ok|okay|then|next|finally|but|hi|hello|hey)[,:]?\s+)*(?:what|which|who|whose|whom|where|when|why|how|tell|remind|give|show|can you|could you|would you|will you|do you|does|did|recall|repeat|quote|state|report|extract|reply|respond|answer|return|output|print|summari[sz]e|explain|describe|call|use the|invoke|fill|find|look up|i (?:wonder|forgot|(?:need|want|would like) to know|don['’]t (?:know|remember)))(?:['’]s)?\b(?!\s*[:=])/i;
const CHINESE_QUESTION =
  /什么|多少|哪[里个些位儿天年]|[是由给和]谁|谁[是的在把]|怎[么样]|如何|为何|几[个点号月天岁位次]|[吗呢]\s*[？?]?\s*$/;
const CHINESE_OPENING = /^[\s“"]*(?:请问|请?告诉|请?回答|请?给出|请?说出|请?列出|请?只|仅|请用|请以|调用|使用)/;

/** A question mark, and what may stand behind it. */
const QUESTION_END = /[?？]["”’)\s*]*$/;
const HAN = /[\u4e00-\u9fff]/;

/** Whether a sentence asks or orders instead of telling. */
export function asks(sentence: string): boolean {
  if (
    ENGLISH_OPENING.test(sentence) ||
    ((sentence.includes('?') || sentence.includes('？')) && QUESTION_END.test(sentence))
  ) {
    return true;
  }
  // What is Chinese is looked for where there is any: most texts hold none of it, and every place of them would be tried.
  return HAN.test(sentence) && (CHINESE_OPENING.test(sentence) || CHINESE_QUESTION.test(sentence));
}

const ABOUT_FORM =
  /^\s*(?:please\s+)?(?:reply|respond|answer|return|output|say|use|give|write|do not|don['’]t|no |only|just|if |be |keep|请?只|仅|请用|请以|不要|如果|若)/i;

/** The question of a request: the last thing that a user said. */
export function readQuestion(request: LookupRequest): Question {
  const message = request.messages.findLastIndex(({ role }) => role === 'user');
  const whole = contentText(request.messages[message]?.content);
  const tail = spansOf(whole, Math.max(0, whole.length - TAIL), whole.length);
  let spans = tail;
  let last = spans.findLastIndex(asksIn(whole));
  if (whole.length - (tail[last]?.end ?? 0) > AFTERTHOUGHT) {
    // A question before a long text about which it asks.
    const head = whole.length <= TAIL ? tail : spansOf(whole, 0, TAIL);
    const headEnd = head.findIndex((span) => !asksIn(whole)(span)) - 1;
    if (headEnd >= 0) [spans, last] = [head, headEnd];
  }
  let first = last;
  while (first > 0 && asksIn(whole)(spans[first - 1] ?? NOWHERE)) first -= 1;
  if (last < 0) first = last = spans.length - 1;

  const asking = spans.slice(Math.max(0, first), last + 1);
  const start = asking[0]?.start ?? whole.length;
  const end = asking.at(-1)?.end ?? whole.length;
  const rest = whole.length - end;
  const core = asking.filter((span) => !ABOUT_FORM.test(whole.slice(span.start, span.end)));
  const parts = (core.length > 0 ? core : asking).map((span) => whole.slice(span.start, span.end));
  const after = rest > AFTERTHOUGHT ? end : whole.length;
  const afterthought = after === end ? [] : spans.slice(last + 1).map((span) => whole.slice(span.start, span.end));
  const text = [...parts, ...afterthought.filter((sentence) => !ABOUT_FORM.test(sentence))].join('\n');
  return {
    message,
    whole,
    order: whole.slice(-TAIL),
    text,
    start,
    after,
    factsEnd: start + clauseBeforeQuestion(whole.slice(start, end)),
  };
}

const NOWHERE: Span = { start: 0, end: 0 };

const spansOf = (text: string, from: number, to: number): Span[] =>
  sentences(text.slice(from, to)).map(({ start, end }) => ({ start: start + from, end: end + from }));

const asksIn =
  (text: string) =>
  ({ start, end }: Span): boolean =>
    asks(text.slice(start, end));

/** Units of the first sentence that tell before a comma, where what follows it asks. */
function clauseBeforeQuestion(asking: string): number {
  const commas = [...asking.slice(0, 500).matchAll(/[,，;；:：—]\s*/g)];
  for (const comma of commas.reverse()) {
    if (asks(asking.slice(comma.index + comma[0].length)) && !asks(asking.slice(0, comma.index))) return comma.index;
  }
  return 0;
}

/** A tool to call; `tool` is absent where the request names one that it does not declare. */
export interface ChosenTool {
  name: string;
  tool?: Tool;
  /** Where the order names it; absent where it does not. */
  at?: number;
}

/** Which tool a request wants to be called, if any. */
export function chooseTool(request: LookupRequest, question: Question): ChosenTool | undefined {
  const { toolChoice, tools } = request;
  if (toolChoice === 'none') return undefined;
  const mentioned = mentionsOf(question.order, tools);
  if (typeof toolChoice === 'object') {
    const named = mentioned.filter(({ name }) => name === toolChoice.name);
    return chosen(toolChoice.name, tools, named.find(({ ordered }) => ordered) ?? named[0]);
  }
  if (toolChoice === 'required') {
    const first = mentioned.find(({ ordered }) => ordered) ?? mentioned[0];
    return first === undefined ? likeliest(question.text, tools) : chosen(first.name, tools, first);
  }
  // What a tool has just answered is to be told, not asked again.
  const last = request.messages.at(request.partial ? -2 : -1);
  if (last?.role === 'tool') return undefined;
  const first = mentioned.find(({ ordered }) => ordered);
  return first && chosen(first.name, tools, first);
}

function chosen(name: string, tools: readonly Tool[], mention?: Mention): ChosenTool {
  const tool = tools.find((declared) => declared.function.name === name);
  return { name, ...(tool && { tool }), ...(mention && { at: mention.at }) };
}

interface Mention {
  name: string;
  at: number;
  /** The sentence orders the call. */
  ordered: boolean;
}

/** Where a message names tools, in order. `get_weather` may be written `Get weather`. */
export function mentionsOf(text: string, tools: readonly Tool[]): Mention[] {
  const found = tools.flatMap(({ function: { name } }) => {
    const spoken = name
      .split(/[-_$]+/)
      .filter((part) => part !== '')
      .join('[-_ ]?');
    // Behind a dot or a slash goes on what is the name of a file, and not of the tool.
    const mentions = text.matchAll(new RegExp(`(?<![\\w-])(?:${spoken})(?![\\w-]|[./]\\w)`, 'gi'));
    return [...mentions].map(({ index }) => ({ name, at: index, ordered: isOrdered(text, index) }));
  });
  return found.sort((a, b) => a.at - b.at || b.name.length - a.name.length);
}

const ORDER =
  /\b(?:call|calls|calling|use|using|invoke|run|execute|trigger|try|rufe?|benutze|verwende|nutze|nimm|starte|mittels|mithilfe von)\b|\bführe?\b|调用|使用|运行|执行|用/i;
const REFUSAL =
  /\b(?:do not|don['’]t|never|without|not to|avoid|instead of|nicht|nie|niemals|kein(?:e|en)?|ohne|statt)\b|不要|别|不用|勿|无需/i;
const ENQUIRY =
  /^\W*(?:how|what|why|when|where|which|who|does|did|is|are|was|should|wie|warum|wann|wo|welche[rsn]?|wer|wozu|ist|sind|soll)\b|怎么|如何|为什么|什么/i;
/** `Rufe read_file nicht auf.` */
const REFUSAL_BEHIND = /^\S+\s+(?:nicht|nie|niemals)\b/i;
/** Units between the word that orders and the tool's name. */
const REACH = 40;

function isOrdered(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && at - start < 200 && !endsSentence(text, start - 1)) start -= 1;
  const lead = text.slice(start, at);
  const isRefused = REFUSAL.test(lead) || REFUSAL_BEHIND.test(text.slice(at, at + 2 * REACH));
  return ORDER.test(lead.slice(-REACH)) && !isRefused && !ENQUIRY.test(lead);
}

/** The tool whose name and description share most words with the question; of equals, the first. */
function likeliest(question: string, tools: readonly Tool[]): ChosenTool | undefined {
  const contentOf = (text: string) =>
    wordsOfName(text)
      .filter((word) => word.weight > 0)
      .map((word) => word.text);
  const asked = new Set(contentOf(question));
  let best: { tool: Tool; score: number } | undefined;
  for (const tool of tools) {
    const { name, description = '' } = tool.function;
    const score = [...new Set(contentOf(`${name} ${description}`))].filter((word) => asked.has(word)).length;
    if (best === undefined || score > best.score) best = { tool, score };
  }
  return best && { name: best.tool.function.name, tool: best.tool };
}
