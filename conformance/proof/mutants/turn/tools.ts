import { ask, windowAt } from '../../asking.ts';
import type { Json } from '../../edits.ts';
import type { Mutant } from '../../mutant.ts';
import { chain, editText, json, on } from '../../proxy.ts';
import { listed, refusal, type Sent, WRITE } from '../../rewrites.ts';
import { type Answer, answered, askedOf, mutant, onTurn, reads } from './support.ts';

const idsOf = (message: { tool_calls?: unknown }) =>
  ((message.tool_calls ?? []) as { id: string }[]).map(({ id }) => id);
const renumbered = (answer: Answer, from: number): Json => ({
  ...answer,
  choices: answer.choices.map((choice) => ({
    ...choice,
    message: {
      ...choice.message,
      ...(choice.message.tool_calls && {
        tool_calls: (choice.message.tool_calls as (Json & { id: string })[]).map((call, place) => ({
          ...call,
          id: call.id.replace(/\d+$/, String(from + place)),
        })),
      }),
    },
  })),
});

export const TURN_TOOL_MUTANTS: readonly Mutant[] = [
  mutant(
    'session-tools-unused',
    'a turn that brings no tools has none',
    ['turn.tools/session-tools-used', 'turn.tools/absent-keeps'],
    askedOf((body) => ({ tools: [], ...body })),
  ),
  mutant(
    'tools-for-one-turn',
    'tools that come with a turn are gone after it',
    ['turn.tools/new-tools-stand'],
    onTurn(async (body, forward) => {
      const path = `/v1/sessions/${body.session_id}`;
      const { tools } = (await ask(forward, 'GET', path)).body;
      const response = await forward();
      if (body.tools !== undefined && response.ok) await ask(forward, 'POST', path, { tools });
      return response;
    }),
  ),
  mutant(
    'tools-added',
    'tools that come with a turn are added to those of the session',
    ['turn.tools/new-tools-stand', 'turn.tools/empty-list-removes'],
    onTurn(async (body, forward) => {
      if (!Array.isArray(body.tools)) return forward();
      const { tools = [] } = (await ask(forward, 'GET', `/v1/sessions/${body.session_id}`)).body as {
        tools?: object[];
      };
      return forward({ body: { ...body, tools: [...tools, ...body.tools] } });
    }),
  ),
  mutant(
    'tools-not-recounted',
    'the tokens of tools that came with a turn are not counted',
    ['turn.tools/new-tools-counted'],
    () => {
      const told = new Set<string>();
      return chain(
        onTurn((body, forward) => {
          if (body.tools !== undefined) told.add(body.session_id);
          return forward();
        })(),
        reads((id, what, body) => {
          if (what !== 'session' || !told.has(id)) return body;
          return { ...body, usage: { ...(body.usage as Json), tools_tokens: 0 } };
        }),
      );
    },
  ),
  mutant(
    'tools-before-checks',
    'tools of a refused turn stay',
    ['turn.tools/refused-keeps'],
    onTurn(async (body, forward) => {
      if (body.tools !== undefined)
        await ask(forward, 'POST', `/v1/sessions/${body.session_id}`, { tools: body.tools });
      return forward();
    }),
  ),
  mutant(
    'empty-list-ignored',
    'an empty list of tools is taken for none',
    ['turn.tools/empty-list-removes'],
    askedOf(({ tools, ...body }) =>
      Array.isArray(tools) && tools.length === 0 ? body : { ...body, ...(tools !== undefined && { tools }) },
    ),
  ),
  mutant(
    'call-ids-of-openai',
    'calls have ids of another form',
    ['turn.tool-calls/first-ids', 'turn.tool-calls/next-ids'],
    () => async (request, forward) => {
      const restore = (text: string) => text.replace(/call_(\w+)_(\d+)/g, 'functions.$1:$2');
      const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
      const response = await forward(request.body === undefined ? {} : { body: restore(body) });
      return editText(response, (text) => text.replace(/functions\.(\w+):(\d+)/g, 'call_$1_$2'));
    },
  ),
  mutant(
    'ids-from-zero',
    'the numbers of calls begin again with every turn',
    ['turn.tool-calls/next-ids', 'turn.call-ids-kept/counted-over-rollback'],
    answered((answer) => renumbered(answer, 0)),
  ),
  mutant(
    'ids-from-window',
    'calls are numbered by those that stand in the window',
    ['turn.call-ids-kept/counted-over-rollback'],
    onTurn(async (body, forward) => {
      const before = (await windowAt(forward, body.session_id)).flatMap(idsOf).length;
      const response = await forward();
      return response.ok && !body.stream ? json(renumbered((await response.json()) as Answer, before)) : response;
    }),
  ),
  mutant('call-stored-as-text', 'a call is stored without what it calls', ['turn.tool-calls/call-stored'], () =>
    listed((messages) =>
      messages.map(
        ({ tool_calls, ...message }) =>
          (tool_calls ? { ...message, content: JSON.stringify(tool_calls) } : message) as Sent,
      ),
    ),
  ),
  mutant(
    'issued-ids-unknown',
    'the results of calls that the model issued are taken for strangers',
    ['turn.tool-calls/result-accepted'],
    () =>
      on('POST', WRITE, ({ body }, forward) =>
        JSON.stringify(body).includes('"tool_call_id":"functions.')
          ? Promise.resolve(refusal('tool_result_orphan', 'Invalid request: no such call'))
          : forward(),
      ),
  ),
];
