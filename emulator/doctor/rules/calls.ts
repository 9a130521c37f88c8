import type { JournalEntry } from '../../journal/entries.ts';
import { MOST_RESULTS } from '../../journal/exchange.ts';
import { bad, fine, fineAll, type Rule, some } from '../finding.ts';
import { Pending, type Run } from '../run.ts';

export const toolCalls: Rule = {
  name: 'tool-calls',
  target: 'everywhere',
  judge(run: Run) {
    const refused = run.refused(
      'tool_call_unanswered',
      'tool_call_id_not_found',
      'tool_results_missing',
      'tool_result_orphan',
    );
    const fix =
      'answer every call with one tool message with its id, right after the assistant message, even if the tool failed';
    if (refused.length > 0)
      return bad('error', `${some(refused.length, 'request')} refused: calls and results did not match`, fix, refused);
    const calls = new Pending();
    for (const entry of run.entries) {
      const { session, facts } = entry;
      for (const id of facts.wrote?.opened ?? []) calls.begin(`${session} ${id}`, entry);
      for (const id of facts.wrote?.answered ?? []) calls.end(`${session} ${id}`);
      const gone = facts.deleted?.session ?? (facts.rolled_back && session);
      if (gone !== undefined) calls.endAll(`${gone} `);
    }
    const open = calls.left;
    if (open.length === 0) return fine('every tool call was answered');
    const before = open.filter((entry) => run.isBeforeReset(entry)).length;
    const reset = before > 0 ? ` (${before} of them before a reset)` : '';
    const says = `${some(open.length, 'tool call')} never answered${reset}: the session accepts no other message until then`;
    return bad('warning', says, fix, open);
  },
};

export const cutCalls: Rule = {
  name: 'cut-calls',
  target: 'everywhere',
  judge(run: Run) {
    const cut = run.entries.filter(isCut);
    const answered = run.lives.flatMap((entries) => entries.filter((_, place) => answersCutCall(entries, place)));
    if (answered.length === 0) return fineAll(cut.length, 'call', ' cut off by its length, not answered');
    const says = `${some(answered.length, 'result')} sent for a call that was cut off (finish_reason length): its arguments were not whole`;
    return bad(
      'error',
      says,
      'look at finish_reason before a call is carried out: where it is length, ask again with more max_tokens, and leave the cut message out',
      answered,
    );
  },
};

function isCut({ facts: { turn } }: JournalEntry): boolean {
  return turn?.calls !== undefined && turn.finish_reasons.includes('length');
}

/** Of the turns that may have made the call: ids repeat from turn to turn, and conversations of one account may ask for the same. */
function answersCutCall(entries: readonly JournalEntry[], place: number): boolean {
  const earlier = turnsBefore(entries, place);
  return (entries[place]?.results ?? []).some((result) => {
    const exact = earlier.filter((turn) => hasMade(turn, result));
    const made = exact.length > 0 ? exact : earlier.filter((turn) => hasId(turn, result)).slice(-1);
    return made.length > 0 && made.every(isCut);
  });
}

type ToolResult = NonNullable<JournalEntry['results']>[number];

/** In one session, or of one account without any. */
function turnsBefore(entries: readonly JournalEntry[], place: number): JournalEntry[] {
  const at = entries[place];
  return entries.slice(0, place).filter(({ account, session }) => account === at?.account && session === at?.session);
}

/** With these very arguments. */
function hasMade({ facts: { turn } }: JournalEntry, { call }: ToolResult): boolean {
  return call !== undefined && turn?.called?.includes(call) === true;
}

function hasId({ facts: { turn } }: JournalEntry, { id }: ToolResult): boolean {
  return turn?.calls?.includes(id) === true;
}

export const lostCalls: Rule = {
  name: 'lost-calls',
  target: 'everywhere',
  judge(run: Run) {
    const losing = run.lives.flatMap((entries) => entries.filter((_, place) => losesCalls(entries, place)));
    if (losing.length === 0) return fine('no history came back with fewer calls than its answer had made');
    return bad(
      'warning',
      `${some(losing.length, 'request')} with a history that holds some calls of an answer and not its others: they were never carried out, and the model does not learn of it`,
      'send the assistant message back as it came, with every call; a call that is not to be made gets a result that says so',
      losing,
    );
  },
};

/**
 * In a session the server keeps the calls. Without one nothing says which conversation a request goes on with: it has lost none
 * if it holds all calls of any turn that it may answer.
 */
function losesCalls(entries: readonly JournalEntry[], place: number): boolean {
  const entry = entries[place];
  if (entry === undefined || entry.session !== undefined || entry.code !== undefined) return false;
  const { results = [] } = entry;
  const earlier = turnsBefore(entries, place);
  const exact = earlier.filter((turn) => results.some((result) => hasMade(turn, result)));
  const turns = exact.length > 0 ? exact : earlier.filter((turn) => results.some((result) => hasId(turn, result)));
  return turns.length > 0 && !turns.some((turn) => isAllThere(turn, entry));
}

/** Of several choices a client takes one, and of very many calls not all are stored. */
function isAllThere({ facts: { turn } }: JournalEntry, { results = [], earlier = [] }: JournalEntry): boolean {
  const { calls = [], called = [], finish_reasons: reasons = [] } = turn ?? {};
  if (reasons.length > 1 || calls.length > MOST_RESULTS || results.length >= calls.length) return true;
  const known = new Set([...results.flatMap(({ id, call }) => [id, call]), ...earlier]);
  return calls.every((id, at) => known.has(id) || known.has(called[at]));
}

/** So many times the same in a row may be a look at something that takes its time. */
const SUSPICIOUS = 5;
const STUCK = 10;

export const repeatedCalls: Rule = {
  name: 'repeated-calls',
  target: 'everywhere',
  judge(run: Run) {
    const rows = [...run.entries.flatMap(rowInMessages), ...run.sessions().flatMap(rowsInSession)];
    const long = rows.filter(({ times }) => times >= SUSPICIOUS).toSorted((a, b) => b.times - a.times);
    const [longest] = long;
    if (longest === undefined) return fine('no call was repeated with the same result again and again');
    const named = longest.name === undefined ? 'one call' : `the same call of ${longest.name}`;
    return bad(
      longest.times >= STUCK ? 'error' : 'warning',
      `${named} was made ${longest.times} times in a row, each time with the same result: the loop does not get anywhere`,
      'end the loop, or tell the model, where a call returns what it returned before; wait outside of the loop for what takes time',
      long.map(({ entry }) => entry).toSorted((a, b) => a.n - b.n),
    );
  },
};

interface Row {
  entry: JournalEntry;
  times: number;
  name?: string;
}

/** Without sessions each request brings its whole history. */
function rowInMessages(entry: JournalEntry): Row[] {
  return entry.repeated ? [{ entry, ...entry.repeated }] : [];
}

/** In a session a request brings the results, and the turn before it made the calls. */
function rowsInSession(entries: readonly JournalEntry[]): Row[] {
  const calls = new Map<string, string>();
  const rows: Row[] = [];
  let last: string | undefined;
  let times = 0;
  for (const entry of entries) {
    const { turn, wrote } = entry.facts;
    if (entry.said) last = undefined;
    if (wrote !== undefined && entry.results !== undefined) {
      const round = entry.results.map(({ id, result, call }) => `${call ?? calls.get(id)} ${result}`).join();
      times = round === last ? times + 1 : 1;
      last = round;
      if (times >= SUSPICIOUS) rows.push({ entry, times });
    } else if (wrote !== undefined && wrote.messages > 0 && !entry.made) last = undefined;
    for (const [id, call] of Object.entries(entry.made ?? {})) calls.set(id, call);
    for (const [place, id] of (turn?.calls ?? []).entries()) calls.set(id, turn?.called?.[place] ?? id);
  }
  return rows;
}
