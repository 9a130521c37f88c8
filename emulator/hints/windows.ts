import { type Asking, count, type Hint } from './asking.ts';

export const contextWindowExceeded: Hint = (asking) => {
  const { refusal, limits } = asking;
  const { used, adding, answer } = refusal.grounds;
  const room = limits.window_tokens;
  const forAnswer = answer === undefined ? '' : ` and its answer may take ${count(answer)}`;
  if (used === undefined) {
    if (adding === undefined) return 'shorten what is sent, or ask for fewer max_tokens';
    const over = adding + (answer ?? 0) - room;
    return `the prompt takes ${count(adding)} of ${count(room)} tokens${forAnswer}: ${count(over)} too many; drop old messages (with their tool results), or ask for fewer max_tokens`;
  }
  if (adding === undefined)
    return `tools and messages take ${count(used)} of ${count(room)} tokens: send fewer or shorter tools`;
  const over = used + adding + (answer ?? 0) - room;
  const lower = answer !== undefined && answer > over ? ', or ask for fewer max_tokens' : '';
  return `the window holds ${count(used)} of ${count(room)} tokens, this adds ${count(adding)}${forAnswer}: ${count(over)} too many; truncate, or compress, and snapshot first if what is cut may be needed again${lower}${neverCut(asking)}`;
};

function neverCut({ exchange, past }: Asking): string {
  const session = exchange?.session;
  if (session === undefined) return '';
  const own = past.exchanges.filter((each) => each.session === session);
  const created = own.find(({ facts }) => facts.created !== undefined);
  const isCut = own.some(({ facts }) => facts.cut ?? facts.compressed ?? facts.rolled_back);
  if (!created || isCut) return '';
  const writes = own.filter(({ facts }) => facts.wrote !== undefined).length;
  return ` (never cut since ${past.name(created)}, in ${count(writes)} writes)`;
}

export const appendTooLarge: Hint = ({ refusal, exchange, limits }) => {
  const { adding, largest = 0 } = refusal.grounds;
  const most = limits.append_tokens;
  if (adding === undefined) return `one write takes ${count(most)} tokens (append_tokens): split it`;
  const over = `of the ${count(adding)} tokens of this write ${count(adding - most)} are too many`;
  if (largest > most)
    return `${over}: one message alone takes ${count(largest)}; split its text over several messages and writes`;
  const stream = 'split it, or stream it as application/x-ndjson, one message a line, each line a write of its own';
  if (exchange?.addressed.operation === 'createChatCompletion') {
    return `${over}: append all but the last message before (POST /v1/sessions/{id}/messages), then chat`;
  }
  if (exchange?.addressed.operation === 'createSession')
    return `${over}: create the session without messages, then append; ${stream}`;
  return `${over}: ${stream}`;
};

export const preserveLenTooSmall: Hint = ({ refusal, exchange, past, limits }) => {
  const { least } = refusal.grounds;
  if (least === undefined) {
    const most = count(limits.min_preserve_tokens);
    return `ask for preserve_len ${most} or more (min_preserve_tokens): it is what stays, not what goes`;
  }
  const pin = past.last(
    (each) => each.session === exchange?.session && each.addressed.operation === 'pinMessage' && each.succeeded,
  );
  const pinned = pin ? `; ${past.name(pin)} was the last to pin or unpin` : '';
  return `tools, pinned messages and the newest message take ${count(least)} tokens, and none of them is ever cut: ask for preserve_len ${least} or more, unpin, or give the session fewer tools${pinned}`;
};

export const compressInfeasible: Hint = ({ refusal }) =>
  `tools, pinned messages and what preserve_len keeps are never summarised: ${refusal.message.includes('largest feasible ratio') ? 'ask for the ratio named, or less' : 'unpin messages or truncate instead'}, or lower preserve_len`;
