import { type ChatMessage, contentText } from '../../../contract/messages.ts';
import type { ModelRequest } from '../model.ts';
import { textMatcher } from './rule.ts';
import type { CheckedRule, CheckedText, CheckedWhen } from './script.ts';

/** One thing that a rule asks of a request. Says why it does not hold; undefined where it does. */
export type Condition = (facts: RequestFacts) => string | undefined;

const SHOWN_CHARACTERS = 60;

/** All that `when` asks, each thing by itself. */
export function conditionsOf(when: CheckedRule['when']): Condition[] {
  if (when === undefined) return [];
  if (typeof when === 'function')
    return [({ request }) => (when(request) ? undefined : 'its function does not accept it')];
  const { text, role, session, turn, tool, model } = when;
  const conditions: (Condition | undefined)[] = [
    text === undefined ? undefined : lastMessageHolds(text),
    role && (({ role: found }) => (found === role ? undefined : `the last message is of role ${found}, not ${role}`)),
    session === undefined ? undefined : isNamed('session', session, (facts) => facts.session),
    turn === undefined
      ? undefined
      : ({ turn: found }) => (found === turn ? undefined : `it is turn ${found}, not ${turn}`),
    tool && endsWithResult(tool),
    model === undefined ? undefined : isNamed('model', model, (facts) => facts.model),
  ];
  return conditions.filter((condition) => condition !== undefined);
}

function lastMessageHolds(match: CheckedText): Condition {
  const { matches, wanted } = textMatcher(match, false);
  return ({ text }) => (matches(text) ? undefined : `the last message holds no ${wanted}; it is ${shown(text)}`);
}

function isNamed(what: string, match: CheckedText, nameOf: (facts: RequestFacts) => string | undefined): Condition {
  const { matches, wanted } = textMatcher(match, true);
  return (facts) => {
    const name = nameOf(facts);
    if (name === undefined) return `the request is in no ${what}, and ${wanted} is asked for`;
    return matches(name) ? undefined : `the ${what} is ${shown(name)}, not ${wanted}`;
  };
}

function endsWithResult({ name, content }: NonNullable<CheckedWhen['tool']>): Condition {
  const named = name === undefined ? undefined : textMatcher(name, true);
  const holding = content === undefined ? undefined : textMatcher(content, false);
  return ({ toolResults }) => {
    if (toolResults.length === 0) return 'the prompt does not end with a tool result';
    const ofName = toolResults.filter((result) => named?.matches(result.name) ?? true);
    const names = toolResults.map((result) => result.name).join(', ');
    if (named && ofName.length === 0) return `the tool results at its end are of ${names}, not ${named.wanted}`;
    if (!holding || ofName.some((result) => holding.matches(result.content))) return undefined;
    return `no tool result at its end holds ${holding.wanted}; it is ${shown(ofName[0]?.content ?? '')}`;
  };
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);
}

/** What rules ask of a request. */
export interface RequestFacts {
  request: ModelRequest;
  /** Of the last message. */
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
  const { messages, session, model } = request;
  const last = messages.at(-1);
  return {
    request,
    text: contentText(last?.content),
    role: last?.role ?? 'none',
    session: session?.id,
    turn: session ? answered + 1 : messages.filter(({ role }) => role === 'user').length,
    model,
    toolResults: toolResults(messages),
  };
}

function toolResults(messages: readonly ChatMessage[]): RequestFacts['toolResults'] {
  const end = messages.findLastIndex(({ role }) => role !== 'tool');
  const calls = messages[end]?.tool_calls ?? [];
  return messages.slice(end + 1).map(({ name, content, tool_call_id }) => {
    const called = calls.find(({ id }) => id === tool_call_id)?.function.name;
    return { name: called ?? name ?? '', content: contentText(content) };
  });
}
