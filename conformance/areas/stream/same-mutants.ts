import { withHeader } from '../../proof/cells.ts';
import { onChat } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { answer, editJson, type Handler, isEvents, type Json } from '../../proof/proxy.ts';
import { OBEYED, REFUSED } from './same-cases.ts';

/** Servers that are right about a chat where it is not streamed, and wrong where it is. */

const mutant = mutantsOf('stream', { refusedAs, forgotten, headless });

/** How the refusal of a streamed chat goes wrong: as an event, under another status, or in the words of the other dialect. */
const WRONG: readonly ((refusal: Response) => Response | Promise<Response>)[] = [
  async (refusal) =>
    new Response(`data: ${await refusal.text()}\n\ndata: [DONE]\n\n`, {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
    }),
  async (refusal) => answer(refusal, await refusal.text(), refusal.status + 22),
  (refusal) =>
    editJson(refusal, ({ error }: { error: Json }) => ({
      error: 'code' in error ? { message: error.message, type: error.type } : { ...error, code: 'invalid_request' },
    })),
];

function refusedAs(row: string, wrong: (typeof WRONG)[number]): Handler {
  return onChat(async (body, forward) => {
    const response = await forward();
    return body.stream === true && body.prompt_cache_key === row ? wrong(response) : response;
  });
}

/** A field is not looked at where the answer is streamed. */
function forgotten(field: string): Handler {
  return onChat((body, forward) => {
    const { [field]: value, ...others } = body;
    return forward(body.stream === true && value !== undefined ? { body: others } : {});
  });
}

function headless(name: string): Handler {
  return async (_, forward) => {
    const response = await forward();
    return isEvents(response) ? withHeader(response, name, null) : response;
  };
}

const caseOf = (row: string) => (row.startsWith('session') ? 'turn.refused-alike' : 'stream.refused-alike');

export const SAME_MUTANTS: readonly Mutant[] = [
  ...Object.keys(REFUSED).flatMap((row, place) => {
    const wrong = WRONG[place % WRONG.length];
    if (!wrong) return [];
    return [
      mutant(`refused-${row}`, `a streamed chat is refused otherwise: ${row}`)
        .caughtBy(`${caseOf(row)}/${row}`)
        .refusedAs(row, wrong),
    ];
  }),
  ...Object.entries({ 'json-object': 'response_format', 'tool-choice-none': 'tool_choice', stop: 'stop' }).flatMap(
    ([row, field]) =>
      row in OBEYED
        ? [
            mutant(`forgets-${field}`, `\`${field}\` is not looked at where the answer is streamed`)
              .caughtBy(`stream.obeyed-alike/${row}`)
              .forgotten(field),
          ]
        : [],
  ),
  mutant('no-request-id', 'a stream has no `Msh-Request-Id`')
    .caughtBy('stream.obeyed-alike/request-id')
    .headless('msh-request-id'),
  mutant('names-another-model', 'the chunks name another model')
    .caughtBy('stream.obeyed-alike/model')
    .editChunks((chunk) => [{ ...chunk, model: `${chunk.model}-preview` }]),
  mutant('alias-resolved', 'the chunks name the model that the alias stands for')
    .caughtBy('stream.alias/echoed', 'turn.alias/streamed')
    .editChunks((chunk) => [{ ...chunk, model: 'kimi-k2-0905-preview' }]),
  mutant('alias-resolved-in-turns', 'the answer of a turn names the model that the alias stands for')
    .caughtBy('turn.alias/whole')
    .editAnswer((answer, { session_id }) => (session_id ? { ...answer, model: 'kimi-k2-0905-preview' } : answer)),
];
