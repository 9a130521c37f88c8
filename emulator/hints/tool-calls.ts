import type { Exchange } from '../journal/exchange.ts';
import { type Hint, named, type Past } from './asking.ts';

/** What there is to know of a second one. */
const ONE_RESULT = 'a call takes one result';

/** Which of a session's tool calls a result missed, and where the call went. */
export const toolResultOrphan: Hint<'tool_result_orphan'> = (asking) => {
  const { refusal, exchange, past } = asking;
  const [id = ''] = refusal.details.ids;
  const story = new CallStory(past.exchanges);
  const session = exchange?.session;
  const open = openCalls(story, session);
  const call = `call ${named(id)}`;
  const { first } = refusal.details;
  if (first !== undefined) return `messages[${first}] of this request answers ${call} already: ${ONE_RESULT}`;
  const fate = story.of(session, id);
  if (fate?.gone) return `this tool result answers ${call}, ${whereItWent(past, fate, fate.gone)}`;
  if (fate?.answered) {
    return `${call} was answered already, by ${past.name(fate.answered)}: ${ONE_RESULT}; ${open}`;
  }
  const other = story.elsewhere(session, id);
  if (other) {
    return `this session has issued no ${call}, and session ${other.session} waits for a result of that id, since ${past.name(other.opened)}: a result goes to the session of its call`;
  }
  const left = past.last((each) => each.session === session && isLeft(each));
  if (left) {
    return `nothing in this session issued ${call}; the stream of ${past.name(left)} was not read to its end, and a turn that is not complete is not stored: ask again and read to [DONE]`;
  }
  return `nothing that the journal knows issued ${call} in this session: send back the id exactly as the assistant message had it, after that message; ${open}`;
};

export const toolCallUnanswered: Hint<'tool_call_unanswered'> = ({ refusal, exchange, past }) => {
  const { ids } = refusal.details;
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

export const toolCallIdNotFound: Hint<'tool_call_id_not_found'> = ({ refusal }) => {
  const { ids, fault, index, first } = refusal.details;
  if (ids.length === 0) return `messages[${index}] has no tool_call_id: send back the id of the call that it answers`;
  const list = ids.map(named).join(', ');
  if (first !== undefined)
    return `messages[${index}] answers call ${list}, which messages[${first}] has answered already: ${ONE_RESULT}; leave one of the two out`;
  if (fault === 'orphan') {
    return `messages[${index}] answers call ${list}, which no assistant message right before it has: keep an assistant message with tool_calls and all its tool messages together, in this order, also when old messages are dropped`;
  }
  return `messages[${index}].tool_calls uses the id ${list} twice: each call needs its own`;
};

export const functionNameDuplicated: Hint<'function_name_duplicated'> = ({ refusal }) =>
  `two tools are named ${refusal.details.name}: give each a name of its own, such as the server's name in front of it`;

export const toolResultsMissing: Hint<'tool_results_missing'> = ({ refusal }) => {
  const { ids, index } = refusal.details;
  const until = index === undefined ? 'the messages end' : `messages[${index}] follows`;
  return `call ${ids.map(named).join(', ')} has no tool message before ${until}: send one {"role":"tool","tool_call_id":...} for each call, right after the assistant message`;
};

function whereItWent(past: Past, { answered, opened }: CallFate, { by, how }: NonNullable<CallFate['gone']>): string {
  const before = answered ? `answered by ${past.name(answered)} and since ` : '';
  // Only after its result: a cut leaves the newest group, and with it every open call.
  if (how === 'cut') return `${before}cut away by ${past.name(by)}: send each result once`;
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

/** What became of one tool call. */
interface CallFate {
  opened: Exchange | undefined;
  /** Where in its history it stands. */
  place: number | undefined;
  answered?: Exchange;
  gone?: { by: Exchange; how: 'cut' | 'compressed' | 'rolled back' | 'never stored' };
}

type Calls = Map<string, CallFate>;

/** Follows the tool calls of all sessions of an account through what the journal knows. */
class CallStory {
  readonly #sessions = new Map<string, Calls>();
  readonly #snapshots = new Map<string, Calls>();

  constructor(exchanges: readonly Exchange[]) {
    for (const exchange of exchanges) this.#follow(exchange);
  }

  of(session: string | undefined, id: string): CallFate | undefined {
    return this.#sessions.get(session ?? '')?.get(id);
  }

  /** Calls of a session that wait for their result. */
  open(session: string | undefined): string[] {
    const calls = [...(this.#sessions.get(session ?? '') ?? [])];
    return calls.filter(([, fate]) => !fate.answered && !fate.gone).map(([id]) => id);
  }

  /** Another session in which the call was issued and still waits. */
  elsewhere(session: string | undefined, id: string): { session: string; opened: Exchange } | undefined {
    for (const [other, calls] of this.#sessions) {
      const fate = calls.get(id);
      if (other !== session && fate?.opened && !fate.answered && !fate.gone)
        return { session: other, opened: fate.opened };
    }
    return undefined;
  }

  #follow(exchange: Exchange): void {
    const { session } = exchange;
    if (session === undefined) return;
    const { facts } = exchange;
    const { created, wrote, turn, cut, compressed, snapshot, rolled_back } = facts;
    const calls = this.#sessions.get(session) ?? new Map();
    this.#sessions.set(session, calls);
    if (created?.from_snapshot !== undefined) {
      this.#sessions.set(session, copied(this.#snapshots.get(created.from_snapshot)));
    }
    for (const id of wrote?.opened ?? []) calls.set(id, { opened: exchange, place: wrote?.place });
    for (const id of wrote?.answered ?? []) {
      calls.set(id, { opened: undefined, place: wrote?.place, ...calls.get(id), answered: exchange });
    }
    if (turn?.stored === false) {
      for (const id of turn.calls ?? []) calls.set(id, lost(exchange));
    }
    if (cut) leave(calls, exchange, 'cut', (fate) => (fate.place ?? Number.POSITIVE_INFINITY) < cut.first_place);
    if (compressed?.snapshot !== undefined) {
      this.#snapshots.set(compressed.snapshot, copied(calls));
      leave(calls, exchange, 'compressed', () => true);
    }
    if (snapshot) this.#snapshots.set(snapshot.id, copied(calls));
    if (rolled_back) this.#rollBack(session, exchange, rolled_back);
  }

  #rollBack(session: string, exchange: Exchange, { snapshot, first_place }: { snapshot: string; first_place: number }) {
    const before = this.#sessions.get(session) ?? new Map();
    const after = copied(this.#snapshots.get(snapshot));
    for (const [id, fate] of before) {
      if (!after.has(id)) after.set(id, { ...fate, gone: fate.gone ?? { by: exchange, how: 'rolled back' } });
    }
    leave(after, exchange, 'rolled back', (fate) => (fate.place ?? Number.POSITIVE_INFINITY) < first_place);
    this.#sessions.set(session, after);
  }
}

function lost(exchange: Exchange): CallFate {
  return { opened: exchange, place: undefined, gone: { by: exchange, how: 'never stored' } };
}

function copied(calls: Calls | undefined): Calls {
  return new Map([...(calls ?? [])].map(([id, fate]) => [id, { ...fate }]));
}

function leave(
  calls: Calls,
  by: Exchange,
  how: NonNullable<CallFate['gone']>['how'],
  which: (fate: CallFate) => boolean,
): void {
  for (const fate of calls.values()) if (!fate.gone && which(fate)) fate.gone = { by, how };
}
