import type { LargestPart } from '../../contract/errors.ts';
import { type Asking, count, type Hint, type Past } from './asking.ts';

export const contextWindowExceeded: Hint<'context_window_exceeded'> = (asking) => {
  const { used, adding = 0, answer, limit: room } = asking.refusal.details;
  const forAnswer = answer === undefined ? '' : ` and its answer may take ${count(answer)}`;
  if (used === undefined) {
    const over = adding + (answer ?? 0) - room;
    return `the prompt takes ${count(adding)} of ${count(room)} tokens${forAnswer}: ${count(over)} too many; drop old messages (with their tool results), or ask for fewer max_tokens`;
  }
  if (adding === 0)
    return `tools and messages take ${count(used)} of ${count(room)} tokens: send fewer or shorter tools`;
  const alone = adding + (answer ?? 0);
  if (alone > room)
    return `this adds ${count(adding)} tokens${forAnswer}, more than the ${count(room)} of an empty window: send less of it${answer === undefined ? '' : ', or ask for fewer max_tokens'}`;
  const over = used + alone - room;
  const lower = answer !== undefined && answer > over ? ', or ask for fewer max_tokens' : '';
  return `the window holds ${count(used)} of ${count(room)} tokens, this adds ${count(adding)}${forAnswer}: ${count(over)} too many; truncate, or compress, and snapshot first if you may need what is cut${lower}${neverCut(asking)}`;
};

function neverCut({ exchange, past }: Pick<Asking, 'exchange' | 'past'>): string {
  const session = exchange?.session;
  if (session === undefined) return '';
  const own = past.exchanges.filter((each) => each.session === session);
  const created = own.find(({ facts }) => facts.created !== undefined);
  const isCut = own.some(({ facts }) => facts.cut ?? facts.compressed ?? facts.rolled_back);
  if (!created || isCut) return '';
  const writes = own.filter(({ facts }) => facts.wrote ?? facts.turn).length;
  return ` (never cut since ${past.name(created)}, in ${count(writes)} writes and turns)`;
}

/** How a message that is too long by itself can be made to fit, by what takes most of it. */
const SHORTER: Record<LargestPart, () => string> = {
  text: () => '; split its text over several messages and writes',
  reasoning: () => ', most of them its reasoning_content: leave that out',
  calls: () =>
    ', most of them its tool_calls: put the calls into several assistant messages, each followed by the results of its own calls, or shorten their arguments',
  result: () => ': a call takes one result, which cannot be split; shorten it',
  media: () => ', most of them pictures or video: send smaller ones, or fewer in one message',
};

export const appendTooLarge: Hint<'append_too_large'> = ({ refusal, exchange }) => {
  const { allowed, counted, largest, mostly = 'text' } = refusal.details;
  const over = `of the ${count(counted)} tokens of this write ${count(counted - allowed)} are too many`;
  if (largest > allowed) return `${over}: one message alone takes ${count(largest)}${SHORTER[mostly]()}`;
  const stream = 'split it, or stream it as application/x-ndjson, one message a line, each line a write of its own';
  if (exchange?.addressed.operation === 'createChatCompletion') {
    return `${over}: append all but the last message before (POST /v1/sessions/{id}/messages), then chat`;
  }
  if (exchange?.addressed.operation === 'createSession')
    return `${over}: create the session without messages, then append; ${stream}`;
  return `${over}: ${stream}`;
};

export const preserveLenTooSmall: Hint<'preserve_len_too_small'> = ({ refusal, exchange, past }) => {
  const { least, asked } = refusal.details;
  if (asked !== undefined) {
    return `ask for preserve_len ${count(least)} or more (min_preserve_tokens): it is the length that stays, not the length that is cut`;
  }
  const pin = past.last(
    (each) => each.session === exchange?.session && each.addressed.operation === 'pinMessage' && each.succeeded,
  );
  const pinned = pin ? `; ${past.name(pin)} was the last to pin or unpin` : '';
  return `tools, pinned messages and the newest message take ${count(least)} tokens, and none of them is ever cut: ask for preserve_len ${least} or more, unpin, or give the session fewer tools${pinned}`;
};

export const compressInfeasible: Hint<'compress_infeasible'> = ({ refusal }) =>
  `tools, pinned messages and what preserve_len keeps are never summarised: ${refusal.details.largestRatio !== undefined ? 'ask for that ratio or a smaller one' : 'unpin messages or truncate instead'}, or lower preserve_len`;

export const sessionLimitReached: Hint<'session_limit_reached'> = ({ past, refusal }) => {
  const gone = new Set(past.exchanges.flatMap(({ facts }) => facts.deleted?.session ?? []));
  const left = past.exchanges.filter(({ facts }) => facts.created && !gone.has(facts.created.session));
  return `an account holds ${count(refusal.details.limit)} sessions: ${oldest(past, left, 'session')}DELETE /v1/sessions/{id} when a task has ended (its snapshots stay)`;
};

export const snapshotLimitReached: Hint<'snapshot_limit_reached'> = ({ past, refusal, exchange }) => {
  const gone = new Set(past.exchanges.flatMap(({ facts }) => facts.deleted?.snapshot ?? []));
  const left = past.exchanges.filter(({ facts }) => {
    const id = facts.snapshot?.id ?? facts.compressed?.snapshot;
    return id !== undefined && !gone.has(id);
  });
  const why = exchange?.addressed.operation === 'compressSession' ? 'compress takes one of the state before; ' : '';
  return `an account holds ${count(refusal.details.limit)} snapshots: ${why}${oldest(past, left, 'snapshot')}DELETE /v1/snapshots/{id} those that you no longer roll back to`;
};

function oldest(past: Past, left: Past['exchanges'], kind: 'session' | 'snapshot'): string {
  const first = left[0];
  if (!first) return '';
  const { created, snapshot, compressed } = first.facts;
  const id = kind === 'session' ? created?.session : (snapshot?.id ?? compressed?.snapshot);
  return `the journal knows ${count(left.length)} that were created and not deleted, the oldest ${id} by ${past.name(first)}; `;
}

export const snapshotMismatch: Hint<'snapshot_mismatch'> = ({ refusal, past }) => {
  const { snapshot: id } = refusal.details;
  const taken = past.last(({ facts }) => (facts.snapshot?.id ?? facts.compressed?.snapshot) === id);
  const by = taken ? ` by ${past.name(taken)}` : '';
  return `${id} was taken of another session${by}: roll that one back, or fork it into a new session with POST /v1/sessions {"snapshot_id":"${id}"}`;
};

/** What a model refuses that others take. */

export const samplingFixed: Hint<'sampling_fixed'> = ({ refusal: { details } }) =>
  `leave ${details.field} out: this model samples with ${details.allowed} and takes no other value; kimi-emulator models has what each model takes`;

export const thinkingFixed: Hint<'thinking_fixed'> = () =>
  'this model always thinks: leave thinking out, or use a model that can be told not to, such as kimi-k2.6';

export const reasoningMissing: Hint<'reasoning_missing'> = ({ refusal: { details } }) =>
  `messages[${details.index}] has tool_calls and no reasoning_content: send each answer back as it came, with its reasoning_content (an empty string will do), or turn thinking off`;

export const toolChoiceWhileThinking: Hint<'tool_choice_while_thinking'> = ({ refusal: { details } }) =>
  `while it thinks, this model chooses ${details.choice === 'required' ? 'whether to call' : 'the function'} itself: use tool_choice auto and ask for the call in the text, or turn thinking off where the model allows it`;

export const parametersNotObject: Hint<'parameters_not_object'> = ({ refusal: { details } }) =>
  `the parameters of ${details.tool} need "type": "object" at the root, with the arguments as properties; kimi-emulator tools check FILE finds all such faults at once`;

export const schemaRefused: Hint<'schema_refused'> = ({ refusal: { details } }) =>
  `in the schema of ${details.of}: ${details.fix}; kimi-emulator tools check FILE finds all such faults at once`;

export const tokenizationFailed: Hint<'tokenization_failed'> = ({ refusal: { details } }) =>
  `messages[${details.index}] brings tools, which this model does not take in a message: put them into tools of the request, or use kimi-k3`;
