import { windowAt } from '../../asking.ts';
import type { Mutant } from '../../mutant.ts';
import { codeOf, refusal } from '../../rewrites.ts';
import { mutant, onTurn } from './support.ts';

const idsOf = (message: { tool_calls?: unknown }) =>
  ((message.tool_calls ?? []) as { id: string }[]).map(({ id }) => id);

/** Calls that wait in a window. */
function open(window: readonly { tool_calls?: unknown; tool_call_id?: unknown }[]): string[] {
  return window.reduce<string[]>(
    (ids, message) => [...ids.filter((id) => id !== message.tool_call_id), ...idsOf(message)],
    [],
  );
}

export const TURN_PAIRING_MUTANTS: readonly Mutant[] = [
  mutant(
    'calls-dropped',
    'calls that wait are answered by the server as soon as a turn comes',
    [
      'turn.pairing/open-calls-refused',
      'turn.pairing/other-messages-refused',
      'turn.pairing/some-results-refused',
      'turn.pairing/refusals-change-nothing',
      'turn.tool-calls/open-until-answered',
    ],
    onTurn(async (body, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'tool_call_unanswered') return response;
      const ids = open(await windowAt(forward, body.session_id));
      const messages = ids.map((id) => ({ role: 'tool', tool_call_id: id, content: 'cancelled' }));
      await forward({ path: `/v1/sessions/${body.session_id}/messages`, body: { messages } });
      return forward();
    }),
  ),
  mutant(
    'strangers-dropped',
    'results of no call are left out of a turn',
    ['turn.pairing/stranger-refused', 'turn.tools/refused-keeps'],
    onTurn(async (body, forward) => {
      const response = await forward();
      if ((await codeOf(response)) !== 'tool_result_orphan') return response;
      const ids = open(await windowAt(forward, body.session_id));
      const messages = body.messages.filter(
        ({ role, tool_call_id }) => role !== 'tool' || ids.includes(String(tool_call_id)),
      );
      return forward({ body: { ...body, messages } });
    }),
  ),
  mutant(
    'results-stored-anyway',
    'a turn with some of the results is refused, and they are stored',
    ['turn.pairing/refusals-change-nothing'],
    onTurn(async (body, forward) => {
      const response = await forward();
      const results = body.messages.filter(({ role }) => role === 'tool');
      if (response.status === 400 && results.length > 0) {
        await forward({ path: `/v1/sessions/${body.session_id}/messages`, body: { messages: results } });
      }
      return response;
    }),
  ),
  mutant(
    'results-by-append-only',
    'a turn takes no results',
    ['turn.pairing/results-accepted'],
    onTurn((body, forward) =>
      body.messages.some(({ role }) => role === 'tool')
        ? Promise.resolve(refusal('tool_call_unanswered', 'Invalid request: append the results first'))
        : forward(),
    ),
  ),
];
