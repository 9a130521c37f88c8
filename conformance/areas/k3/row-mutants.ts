import { isDeepStrictEqual } from 'node:util';
import { onChat, refuse } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { type Handler, type Json, json } from '../../proof/proxy.ts';
import type { Row, RowTable } from './rows.ts';

/** For each row of each table, a server that answers it the other way round: everywhere, and in sessions alone. */
export function rowMutants(area: string, tables: readonly RowTable[]): Mutant[] {
  const mutant = mutantsOf(area);
  return tables.flatMap(({ name, rows }) =>
    Object.entries(rows).flatMap(([row, told]) => {
      const how = told.refused === undefined ? 'refused' : 'answered';
      return [
        mutant(`${name}-${row}`, `${how}: ${row} (${name})`)
          .caughtBy(`${area}.${name}/${row} ${row}-streamed`)
          .proxy(() => turnedRound(told)),
        mutant(`${name}-${row}-in-session`, `${how} in a session: ${row} (${name})`)
          .caughtBy(`${area}.${name}-in-session/${row} ${row}-streamed`)
          .proxy(() => turnTurnedRound(told)),
      ];
    }),
  );
}

const USAGE = { prompt_tokens: 20, completion_tokens: 2, total_tokens: 22 };
const NAMES = { id: 'chatcmpl-0', created: 1, model: 'kimi-k3' };

/** An answer to anything, streamed or not. */
export function answered({ stream }: Json): Response {
  if (stream !== true) {
    const choice = { index: 0, message: { role: 'assistant', content: 'OK' }, finish_reason: 'stop' };
    return json({ ...NAMES, object: 'chat.completion', choices: [choice], usage: USAGE });
  }
  const choice = { index: 0, delta: { content: 'OK' }, finish_reason: 'stop', usage: USAGE };
  const chunk = { ...NAMES, object: 'chat.completion.chunk', choices: [choice] };
  const headers = { 'content-type': 'text/event-stream' };
  return new Response(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`, { headers });
}

/** Whether a request is that of the row. */
function isRow(row: Row, body: Json): boolean {
  const asSent = JSON.parse(JSON.stringify(row.body)) as Json;
  return Object.entries(asSent).every(([field, value]) => isDeepStrictEqual(body[field], value));
}

/** The row's request, and no other, is answered the other way round. */
function turnedRound(row: Row): Handler {
  return onChat((body, forward) => {
    if (!isRow(row, body)) return forward();
    return row.refused === undefined ? refuse() : Promise.resolve(answered(body));
  });
}

/** The row's request in a session, and no other, is answered the other way round. */
function turnTurnedRound(row: Row): Handler {
  return onChat((body, forward) => {
    if (typeof body.session_id !== 'string' || !isRow(row, body)) return forward();
    return row.refused === undefined ? refuse() : Promise.resolve(answered(body));
  });
}
