import { onChat } from '../../proof/chats.ts';
import { type Mutant, mutantsOf } from '../../proof/mutant.ts';
import { editText, type Handler, type Json } from '../../proof/proxy.ts';

/** Servers that think, count or call otherwise in turns of one kind. */

const mutant = mutantsOf('k3', { inTurns });
const MODES = ['whole', 'streamed'] as const;

interface Breaks {
  ask?: (body: Json) => Json;
  answer?: (text: string) => string;
}

function inTurns(mode: (typeof MODES)[number], { ask = (body) => body, answer = (text) => text }: Breaks): Handler {
  return onChat(async (body, forward) => {
    const isIt = typeof body.session_id === 'string' && (body.stream === true) === (mode === 'streamed');
    if (!isIt) return forward();
    const response = await forward({ body: ask(body) });
    return response.ok ? editText(response, answer) : response;
  });
}

const withoutReasoning = (body: Json) => ({
  ...body,
  messages: (body.messages as Json[]).map(({ reasoning_content, ...message }) =>
    message.partial || reasoning_content === undefined ? message : { ...message, reasoning_content },
  ),
});

export const TURN_MUTANTS: readonly Mutant[] = MODES.flatMap((mode) => [
  mutant(`effort-ignored-${mode}`, `a turn answered ${mode} does not heed the effort`)
    .caughtBy(`k3.turns-${mode}/effort-low effort-high`)
    .inTurns(mode, { ask: ({ reasoning_effort: _, ...body }) => body }),
  mutant(`effort-always-low-${mode}`, `a turn answered ${mode} thinks with low effort`)
    .caughtBy(`k3.turns-${mode}/effort-max`)
    .inTurns(mode, { ask: (body) => (body.reasoning_effort ? { ...body, reasoning_effort: 'low' } : body) }),
  mutant(`partial-reasoning-lost-${mode}`, `a turn answered ${mode} loses the reasoning of what it goes on from`)
    .caughtBy(`k3.turns-${mode}/partial-stored`)
    .inTurns(mode, { ask: withoutReasoning }),
  mutant(`partial-repeated-${mode}`, `a turn answered ${mode} repeats the beginning that it was given`)
    .caughtBy(`k3.turns-${mode}/partial-alone`)
    .inTurns(mode, { answer: (text) => text.replace(/"content":"(?=.*RIVER)/, '"content":"The code word is') }),
  mutant(`old-call-ids-${mode}`, `calls of a turn answered ${mode} have the ids of K2`)
    .caughtBy(`k3.turns-${mode}/call-ids`)
    .inTurns(mode, {
      answer: (text) =>
        text.replace(/"id":"(\w+)_(\d+)","type":"function"/g, '"id":"functions.$1:$2","type":"function"'),
    }),
  mutant(
    `reasoning-uncounted-${mode}`,
    `the usage of a turn answered ${mode} does not tell the tokens of the reasoning`,
  )
    .caughtBy(`k3.turns-${mode}/reasoning-counted`)
    .inTurns(mode, { answer: (text) => text.replace(/,"completion_tokens_details":\{[^}]*\}/g, '') }),
  mutant(`reasoning-beyond-budget-${mode}`, `reasoning in a turn answered ${mode} does not spend max_completion_tokens`)
    .caughtBy(`k3.turns-${mode}/small-budget`)
    .inTurns(mode, { ask: (body) => (body.max_completion_tokens ? { ...body, max_completion_tokens: 512 } : body) }),
]);
