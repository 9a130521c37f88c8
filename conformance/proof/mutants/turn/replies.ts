import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { listed, refusal, type Sent } from '../../rewrites.ts';
import { askedOf, mutant, onTurn, pieced } from './support.ts';

export const TURN_REPLY_MUTANTS: readonly Mutant[] = [
  mutant(
    'partial-apart',
    'a begun answer and what continues it are stored as two messages',
    ['turn.partial/one-message'],
    pieced({
      store: (added, reply) => [...added.map(({ partial, ...message }) => message as Sent), reply],
    }),
  ),
  mutant(
    'partial-lost',
    'of a begun answer only what continues it is stored',
    ['turn.partial/joined', 'turn.partial/usage-after'],
    pieced({
      store: (added, reply) => [...added.filter(({ partial }) => !partial), reply],
    }),
  ),
  mutant(
    'empty-answer-stored',
    'an answer of nothing is stored as a message',
    ['turn.empty-answer/new-alone-stored', 'turn.empty-answer/goes-on-after'],
    () =>
      listed((messages) =>
        messages.flatMap((message, index) => {
          const silent =
            message.role === 'user' &&
            String(message.content).includes('BREAK') &&
            messages[index + 1]?.role !== 'assistant';
          return silent ? [message, { ...message, role: 'assistant', content: '', id: `${message.id}0` }] : [message];
        }),
      ),
  ),
  mutant(
    'empty-answer-drops-turn',
    'a turn without answer is not stored',
    ['turn.empty-answer/new-alone-stored'],
    pieced({
      store: (added, reply) => (reply.content === '' ? [] : [...added, reply]),
    }),
  ),
  mutant(
    'cut-text-dropped',
    'an answer that max_tokens cuts is not stored',
    ['turn.cut/text-stored-as-delivered'],
    pieced({
      store: (added, reply, { choices: [choice] }) => (choice?.finish_reason === 'length' ? added : [...added, reply]),
    }),
  ),
  mutant(
    'cut-call-stored',
    'a call that max_tokens cuts is stored, and waits for its result',
    ['turn.cut/call-not-stored', 'turn.cut/goes-on-after-call'],
    onTurn(async (body, forward) => {
      const response = await forward();
      const { choices = [] } = (await response
        .clone()
        .json()
        .catch(() => ({}))) as { choices?: Json[] };
      if (choices[0]?.finish_reason !== 'length' || body.tool_choice !== 'required') return response;
      const call = {
        id: 'functions.save_note:0',
        type: 'function',
        function: { name: 'save_note', arguments: '{"text":"respon' },
      };
      const message = { role: 'assistant', content: '', tool_calls: [call] };
      await forward({ path: `/v1/sessions/${body.session_id}/messages`, body: message });
      return response;
    }),
  ),
  mutant(
    'two-choices',
    'a session takes any number of choices, and keeps the first',
    ['turn.choices/two-refused', 'turn.choices/two-change-nothing'],
    askedOf(({ n, ...body }) => body),
  ),
  mutant(
    'n-unknown',
    'a turn must not say how many choices it wants',
    ['turn.choices/one-accepted'],
    onTurn((body, forward) =>
      body.n === undefined ? forward() : Promise.resolve(refusal('invalid_request', 'Invalid request: n: not allowed')),
    ),
  ),
];
