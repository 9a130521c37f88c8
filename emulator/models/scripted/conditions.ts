import { type ChatMessage, contentText } from '../../../contract/messages.ts';
import type { Match } from '../../engines/patterns/pattern.ts';
import { type ModelRequest, withOwnPrompt } from '../model.ts';
import { type TextMatcher, textMatcher } from './rule.ts';
import type { CheckedRule, CheckedText, CheckedWhen } from './script.ts';

/** One thing that a rule asks of a request. */
export interface Condition {
  /** Why it does not hold; undefined where it does. */
  miss(facts: RequestFacts): string | undefined;
  /** What its expression found; it has none where absent. */
  find?(facts: RequestFacts): Match | undefined;
}

const SHOWN_CHARACTERS = 60;

/** All that `when` asks, each thing by itself. */
export function conditionsOf(when: CheckedRule['when']): Condition[] {
  if (when === undefined) return [];
  if (typeof when === 'function')
    return [{ miss: ({ ownRequest }) => (when(ownRequest()) ? undefined : 'its function does not accept it') }];
  const { text, anyOf, role, session, turn, tool, model } = when;
  const conditions: (Condition | undefined)[] = [
    text === undefined ? undefined : holdsText(text, anyOf),
    role && {
      miss: ({ role: found }) => (found === role ? undefined : `the last message is of role ${found}, not ${role}`),
    },
    tool && endsWithResult(tool),
    session === undefined ? undefined : isNamed('session', session, (facts) => facts.session),
    turn === undefined
      ? undefined
      : { miss: ({ turn: found }) => (found === turn ? undefined : `it is turn ${found}, not ${turn}`) },
    model === undefined ? undefined : isNamed('model', model, (facts) => facts.model),
  ];
  return conditions.filter((condition) => condition !== undefined);
}

/** A condition on a text, or on several of which one is enough. */
function onTexts(matcher: TextMatcher, textsOf: (facts: RequestFacts) => readonly string[], miss: Condition['miss']) {
  const { pattern, matches } = matcher;
  return {
    miss: (facts: RequestFacts) => (textsOf(facts).some(matches) ? undefined : miss(facts)),
    ...(pattern && { find: (facts: RequestFacts) => pattern.match(textsOf(facts).find(matches) ?? '') }),
  };
}

function holdsText(match: CheckedText, anyOf: number | undefined): Condition {
  const matcher = textMatcher(match, false);
  if (anyOf === undefined) {
    const miss = ({ text }: RequestFacts) => `the last message holds no ${matcher.wanted}; it is ${shown(text)}`;
    return onTexts(matcher, ({ text }) => [text], miss);
  }
  const newest = ({ request }: RequestFacts) => usersOwn(request.messages, anyOf);
  return onTexts(matcher, newest, () => `none of the user's last ${anyOf} messages holds ${matcher.wanted}`);
}

function isNamed(what: string, match: CheckedText, nameOf: (facts: RequestFacts) => string | undefined): Condition {
  const matcher = textMatcher(match, true);
  const named = (facts: RequestFacts): string[] => [nameOf(facts) ?? []].flat();
  return onTexts(matcher, named, (facts) => {
    const name = nameOf(facts);
    if (name === undefined) return `the request is in no ${what}, and ${matcher.wanted} is asked for`;
    return `the ${what} is ${shown(name)}, not ${matcher.wanted}`;
  });
}

function endsWithResult({ name, content }: NonNullable<CheckedWhen['tool']>): Condition {
  const named = name === undefined ? undefined : textMatcher(name, true);
  const holding = content === undefined ? undefined : textMatcher(content, false);
  const ofName = ({ toolResults }: RequestFacts) => toolResults.filter((result) => named?.matches(result.name) ?? true);
  const miss = (facts: RequestFacts): string | undefined => {
    if (facts.toolResults.length === 0) return 'the prompt does not end with a tool result';
    const results = ofName(facts);
    const names = facts.toolResults.map((result) => result.name).join(', ');
    if (named && results.length === 0) return `the tool results at its end are of ${names}, not ${named.wanted}`;
    if (!holding || results.some((result) => holding.matches(result.content))) return undefined;
    return `no tool result at its end holds ${holding.wanted}; it is ${shown(results[0]?.content ?? '')}`;
  };
  const fitting = (facts: RequestFacts) => ofName(facts).find((result) => holding?.matches(result.content) ?? true);
  const [pattern, part] = holding?.pattern ? [holding.pattern, 'content' as const] : [named?.pattern, 'name' as const];
  return { miss, ...(pattern && { find: (facts: RequestFacts) => pattern.match(fitting(facts)?.[part] ?? '') }) };
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);
}

/** What rules ask of a request. */
export interface RequestFacts {
  request: ModelRequest;
  /** The same for functions of the script. */
  ownRequest: () => ModelRequest;
  /** Of the last message, without reminders. */
  text: string;
  role: string;
  session: string | undefined;
  turn: number;
  model: string;
  /** The tool results at the end of the prompt. */
  toolResults: { name: string; content: string }[];
}

/** @param answered answers that the session was given in full */
export function factsOf(request: ModelRequest, answered: number): RequestFacts {
  const { session, model } = request;
  const ends = request.messages.findLastIndex((message) => !isReminder(message));
  // A prompt of reminders alone ends with the last of them.
  const messages = ends === -1 ? request.messages : request.messages.slice(0, ends + 1);
  const last = messages.at(-1);
  let own: ModelRequest | undefined;
  return {
    request,
    ownRequest() {
      own ??= withOwnPrompt(request);
      return own;
    },
    text: last ? ownText(last) : '',
    role: last?.role ?? 'none',
    session: session?.id,
    turn: session
      ? answered + 1
      : request.messages.filter((message) => message.role === 'user' && !isReminder(message)).length,
    model,
    toolResults: toolResults(messages),
  };
}

/** What agents add to a user's messages [Kimi Code 0.38, Claude Code, Cline and Codex as seen 2026-11]. */
const REMINDERS = ['system-reminder', 'system', 'environment_details', 'environment_context', 'user_instructions'];

/** The text of a message, without reminders; tools and models write none. */
function ownText({ role, content }: ChatMessage): string {
  const text = contentText(content);
  if ((role !== 'user' && role !== 'system') || !text.includes('<')) return text;
  const own = REMINDERS.reduce(withoutElement, text);
  return own === text ? text : own.trim();
}

/** Whether a message is of reminders, and of nothing else. */
function isReminder(message: ChatMessage): boolean {
  return contentText(message.content) !== '' && ownText(message) === '';
}

function withoutElement(text: string, name: string): string {
  const [open, close] = [`<${name}>`, `</${name}>`];
  let kept = '';
  let at = 0;
  for (;;) {
    const start = text.indexOf(open, at);
    const end = start === -1 ? -1 : text.indexOf(close, start);
    if (end === -1) return kept + text.slice(at);
    kept += text.slice(at, start);
    at = end + close.length;
  }
}

/** The newest messages that the user wrote, newest first. */
function usersOwn(messages: readonly ChatMessage[], count: number): string[] {
  const own: string[] = [];
  for (let index = messages.length - 1; index >= 0 && own.length < count; index -= 1) {
    const message = messages[index];
    if (message?.role === 'user' && !isReminder(message)) own.push(ownText(message));
  }
  return own;
}

function toolResults(messages: readonly ChatMessage[]): RequestFacts['toolResults'] {
  const end = messages.findLastIndex(({ role }) => role !== 'tool');
  const calls = messages[end]?.tool_calls ?? [];
  return messages.slice(end + 1).map(({ name, content, tool_call_id }) => {
    const called = calls.find(({ id }) => id === tool_call_id)?.function.name;
    return { name: called ?? name ?? '', content: contentText(content) };
  });
}
