import type { ChatCompletion, ChatRequest } from '../../contract/chat.ts';
import type { Facts, Turn } from '../journal/exchange.ts';
import type { Write } from '../sessions/write.ts';

/**
 * What the journal keeps of a turn that has taken effect.
 * @param place of the newest message in its session's history; asked for only where calls were written
 */
export function turnFacts(
  { max_completion_tokens, max_tokens }: ChatRequest,
  { model, choices, usage, session }: ChatCompletion,
  write: Write,
  place: () => number | undefined,
): Facts {
  const turn: Turn = {
    model,
    usage,
    max_tokens: max_completion_tokens ?? max_tokens ?? null,
    finish_reasons: choices.map((choice) => choice.finish_reason),
  };
  const calls = choices.flatMap(({ message }) => message.tool_calls?.map((call) => call.id) ?? []);
  const isStored = choices[0]?.finish_reason !== 'length';
  if (calls.length > 0) turn.calls = calls;
  if (!session) return { turn };
  if (calls.length > 0 && !isStored) turn.stored = false;
  turn.total = session.usage.total_tokens;
  const written = write.items.flatMap(({ body }) => body.tool_calls?.map((call) => call.id) ?? []);
  const opened = isStored ? [...written, ...calls] : written;
  const answered = write.items.flatMap(({ body }) => (body.tool_call_id === undefined ? [] : [body.tool_call_id]));
  const at = opened.length > 0 ? place() : undefined;
  return {
    turn,
    wrote: {
      messages: write.items.length,
      tokens: write.tokens,
      total: session.usage.total_tokens,
      ...(opened.length > 0 && { opened }),
      ...(answered.length > 0 && { answered }),
      ...(at !== undefined && { place: at }),
    },
  };
}
