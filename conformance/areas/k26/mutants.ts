import { onChat } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editText, type Handler, isEvents, type Json } from '../../proof/proxy.ts';
import { TURN_MODES } from '../../tables/turns.ts';
import { rowMutants } from '../k3/row-mutants.ts';
import { ROW_TABLES } from './rows.ts';

const mutant = mutantsOf('k26', { inTurns });

/** Changes what turns of one mode are asked, and the text of what they answer. */
function inTurns(mode: string, edit: (text: string) => string, ask = (body: Json) => body): Handler {
  const { fields = {} } = TURN_MODES.find(({ name }) => name === mode) ?? {};
  const isIt = (body: Json) =>
    typeof body.session_id === 'string' &&
    ['stream', 'stream_options'].every(
      (field) => JSON.stringify(body[field]) === JSON.stringify((fields as Json)[field]),
    );
  return onChat(async (body, forward) => {
    if (!isIt(body)) return forward();
    const response = await forward({ body: ask(body) });
    return response.ok || isEvents(response) ? editText(response, edit) : response;
  });
}

const as = (text: string) => text;

export const K26_MUTANTS: readonly Mutant[] = [
  ...rowMutants('k26', ROW_TABLES),
  ...TURN_MODES.flatMap(({ name }) => [
    mutant(`thoughts-unsaid-${name}`, `a ${name} turn does not say what it thought`)
      .caughtBy(`k26.thoughts/said-${name}`)
      .inTurns(name, (text) => text.replace(/"reasoning_content":"(?:[^"\\]|\\.)*"/g, '"reasoning_content":""')),
    mutant(`thoughts-uncounted-${name}`, `a ${name} turn does not count what it thought`)
      .caughtBy(`k26.thoughts/counted-${name}`)
      .inTurns(name, (text) => text.replace(/,"completion_tokens_details":\{[^}]*\}/g, '')),
    mutant(`thinks-always-${name}`, `a ${name} turn cannot be told not to think`)
      .caughtBy(`k26.thoughts/none-${name}`)
      .inTurns(name, as, ({ thinking: _, ...body }) => ({ ...body, max_tokens: 512 })),
  ]),
];
