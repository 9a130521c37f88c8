import type { Exchange } from '../journal/exchange.ts';
import type { Asking, Hint } from './asking.ts';
import { type CallFate, CallStory } from './call-story.ts';
import { named } from './line.ts';

/** Which of a session's tool calls a result missed, and where the call went. */
export const toolResultOrphan: Hint = (asking) => {
  const { refusal, exchange, past } = asking;
  const id = refusal.grounds.ids?.[0];
  const story = new CallStory(past.exchanges);
  const session = exchange?.session;
  const open = openCalls(story, session);
  if (id === undefined) return `a tool message answers a call that waits for its result; ${open}`;
  const call = `call ${named(id)}`;
  const fate = story.of(session, id);
  if (fate?.gone) return `this tool result answers ${call}, ${whereItWent(asking, fate, fate.gone)}`;
  if (fate?.answered) {
    return `${call} was answered already, by ${past.name(fate.answered)}: a call takes one result; ${open}`;
  }
  const other = story.elsewhere(session, id);
  if (other) {
    return `${call} was issued in session ${other.session}, by ${past.name(other.opened)}: send its result to that session`;
  }
  const left = past.last((each) => each.session === session && isLeft(each));
  if (left) {
    return `nothing in this session issued ${call}; the stream of ${past.name(left)} was left before its end, and a turn whose end is not made is not stored: ask again and read to [DONE]`;
  }
  return `nothing that the journal knows issued ${call} in this session: send back the id exactly as the assistant message had it, behind that message; ${open}`;
};

export const toolCallUnanswered: Hint = ({ refusal, exchange, past }) => {
  const ids = refusal.grounds.ids ?? [];
  const first = ids[0] ?? '...';
  const fate = new CallStory(past.exchanges).of(exchange?.session, first);
  const issued = fate?.opened ? `, issued by ${past.name(fate.opened)},` : '';
  const which =
    ids.length > 1
      ? `calls ${ids.map(named).join(', ')}${issued} wait for their results`
      : `call ${named(first)}${issued} waits for its result`;
  const result = `{"role":"tool","tool_call_id":"${named(first)}","content":"..."}`;
  return `${which}: append ${result} for each before anything else; where a tool failed, say so in its content`;
};

export const toolCallIdNotFound: Hint = ({ refusal }) => {
  const { ids = [], pairing, index } = refusal.grounds;
  const list = ids.map(named).join(', ') || '...';
  if (pairing === 'orphan') {
    return `messages[${index}] answers call ${list}, which no assistant message right before it has: keep an assistant message with tool_calls and all its tool messages together, in this order, also when old messages are dropped`;
  }
  if (pairing === 'duplicate')
    return `messages[${index}].tool_calls uses the id ${list} twice: each call needs its own`;
  const until = index === undefined ? 'the messages end' : `messages[${index}] follows`;
  return `call ${list} has no tool message before ${until}: send one {"role":"tool","tool_call_id":...} for each call, right behind the assistant message`;
};

function whereItWent(
  { past }: Asking,
  { answered, opened }: CallFate,
  { by, how }: NonNullable<CallFate['gone']>,
): string {
  const before = answered ? `answered by ${past.name(answered)} and since ` : '';
  if (how === 'cut') {
    const advice = answered ? 'send each result once' : 'append the result before you cut, or raise preserve_len';
    return `${before}cut away by ${past.name(by)}: ${advice}`;
  }
  if (how === 'compressed') return `${before}put into a summary by ${past.name(by)}: send each result once`;
  if (how === 'rolled back') {
    const issued = opened ? `issued by ${past.name(opened)} and ` : '';
    return `${issued}taken back by ${past.name(by)}: ask again in the restored window, whose calls get ids of their own`;
  }
  return `which ${past.name(by)} delivered cut off by its max_tokens (finish_reason length) and did not store: ask again with more max_tokens`;
}

function openCalls(story: CallStory, session: string | undefined): string {
  const open = story.open(session);
  return open.length === 0 ? 'no call waits now' : `what waits now: ${open.slice(0, 4).map(named).join(', ')}`;
}

function isLeft({ streamed, facts }: Exchange): boolean {
  return streamed?.ended === 'left' && facts.turn === undefined && facts.wrote === undefined;
}
