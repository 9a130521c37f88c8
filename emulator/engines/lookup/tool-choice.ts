import type { Tool } from '../../../contract/messages.ts';
import { endsSentence } from '../text/sentences.ts';
import { wordsOfName } from './keys.ts';
import type { LookupRequest, Question } from './question.ts';

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
    const mentions = text.matchAll(new RegExp(`(?<![\\w-])(?:${spoken})(?![\\w-])`, 'gi'));
    return [...mentions].map(({ index }) => ({ name, at: index, ordered: isOrdered(text, index) }));
  });
  return found.sort((a, b) => a.at - b.at || b.name.length - a.name.length);
}

const ORDER = /\b(?:call|calls|calling|use|using|invoke|run|execute|trigger|try)\b|调用|使用|运行|执行|用/i;
const REFUSAL = /\b(?:do not|don['’]t|never|without|not to|avoid|instead of)\b|不要|别|不用|勿|无需/i;
const ENQUIRY = /^\W*(?:how|what|why|when|where|which|who|does|did|is|are|was|should)\b|怎么|如何|为什么|什么/i;
/** Units between the word that orders and the tool's name. */
const REACH = 40;

function isOrdered(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && at - start < 200 && !endsSentence(text, start - 1)) start -= 1;
  const lead = text.slice(start, at);
  return ORDER.test(lead.slice(-REACH)) && !REFUSAL.test(lead) && !ENQUIRY.test(lead);
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
